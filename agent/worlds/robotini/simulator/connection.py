"""Clients of the server: their sockets, and what waits to be sent to them."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Iterable

from agent.worlds.robotini.simulator.commands import Lines
from agent.worlds.robotini.simulator.session import Racer

CHUNK = 1 << 16  # bytes taken from a client at once
SEND_BUFFER = 20_000  # bytes, upstream's
OUTBOX_LIMIT = 1 << 22  # bytes waiting for a client that does not read, chosen


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens, on IPv6 only where the host has no IPv4 address.

    :param host: name or address; empty or ``::`` is every address
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
    listener = socket.create_server(address, family=family, backlog=100, dualstack_ipv6=is_every)
    listener.setblocking(False)
    return listener


class Connection:
    """A client, of either port.

    :param client: its socket
    :param now: monotonic seconds
    """

    def __init__(self, client: socket.socket, now: float) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.socket = client
        self.since = now
        self.outbox = bytearray()
        self.interest = selectors.EVENT_READ
        self._lines = Lines()
        self.inbox: deque[bytes] = deque()

    @property
    def is_open(self) -> bool:
        """False once the socket is closed."""
        return self.socket.fileno() >= 0

    def receive(self) -> bool:
        """Takes what the socket has into the inbox; returns False where the client has gone.

        :raises Refused: too much came without an end of line
        """
        try:
            chunk = self.socket.recv(CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.inbox.extend(self._lines.feed(chunk))
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
        if self.outbox:
            return selectors.EVENT_READ | selectors.EVENT_WRITE
        return selectors.EVENT_READ


class CarConnection(Connection):
    """A client of the cars' port; it has no car before it logged in.

    ``wants_frame`` is upstream's rule: a frame is sent only to a client that has said something
    since the last one.
    """

    racer: Racer | None = None
    wants_frame = False


class SpectatorConnection(Connection):
    """A client of the spectators' port."""


def all_drive_and_answered(cars: Iterable[CarConnection]) -> bool:
    """True where somebody is on the track, and everybody there has answered the last frame."""
    driving = [car for car in cars if car.racer is not None and car.racer.vehicle is not None]
    return bool(driving) and all(car.wants_frame and not car.outbox for car in driving)
