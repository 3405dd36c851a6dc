"""One client of the server: its socket, what it has sent and what waits to be sent to it."""

from __future__ import annotations

import selectors
import socket
from collections import deque

from agent.simulator.protocol import Requests
from agent.simulator.remote_car import RemoteCar

CHUNK = 1 << 16  # bytes taken from a client at once
OUTBOX_LIMIT = 1 << 20  # bytes waiting for a client before it is not listened to any more


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens, on IPv6 only where the host has no IPv4 address.

    :param host: name or address; ``::`` is every address of both
    :param port: 0 for a free one
    :raises OSError: the address cannot be had
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except UnicodeError as error:
        raise OSError(f"it is no host name: {error}") from None
    family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    is_every = address[0] == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address, family=family, backlog=100, dualstack_ipv6=is_every)


class Connection:
    """A client; in the menu while it has no car."""

    __slots__ = ("car", "inbox", "interest", "outbox", "quiet_since", "requests", "socket")

    def __init__(self, client: socket.socket, now: float) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = client
        self.requests = Requests()
        self.inbox: deque[bytes] = deque()
        self.outbox = bytearray()
        self.car: RemoteCar | None = None
        self.quiet_since = now
        self.interest = selectors.EVENT_READ

    @property
    def is_open(self) -> bool:
        """False once the socket is closed."""
        return self.socket.fileno() >= 0

    @property
    def has_turn(self) -> bool:
        """True where a message waits to be handled and the client can take an answer."""
        return bool(self.inbox) and not self.is_overfull

    @property
    def is_overfull(self) -> bool:
        """True where so much waits for the client that it is not listened to."""
        return len(self.outbox) > OUTBOX_LIMIT

    def receive(self, now: float) -> bool:
        """Takes what the socket has into the inbox; returns False where the client has gone.

        :raises Oversized: too much came without completing a message
        """
        try:
            chunk = self.socket.recv(CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.quiet_since = now
        self.inbox.extend(self.requests.feed(chunk))
        return bool(chunk)

    def flush(self) -> bool:
        """Sends what the socket takes; returns False where the client has gone."""
        try:
            with memoryview(self.outbox) as waiting:
                sent = self.socket.send(waiting)
            del self.outbox[:sent]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def wanted_events(self) -> int:
        """Returns what the selector should wait for."""
        events = 0
        if not self.is_overfull:
            events |= selectors.EVENT_READ
        if self.outbox:
            events |= selectors.EVENT_WRITE
        return events
