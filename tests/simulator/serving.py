"""A server in a thread and as little of a client as can drive, for the tests of this room."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from agent.simulator.protocol import Replies, parse, request
from agent.simulator.server import Server

TRACK = "generated_track"
CONTROL = request("control", steering=0.1, throttle=0.3, brake=0.0)


class Client:
    """As little of a client as can drive; every wait has a limit."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(server.address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = Replies()
        self._seen: list[bytes] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, msg_type: str, **fields: object) -> None:
        self.socket.sendall(request(msg_type, **fields))

    def next(self) -> dict[str, Any]:
        while not self._seen:
            chunk = self.socket.recv(1 << 16)
            assert chunk, "the server has closed the connection"
            self._seen += self._replies.feed(chunk)
        return parse(self._seen.pop(0))

    def expect(self, msg_type: str) -> dict[str, Any]:
        """The next message, which must be of this type; crossings of the start line are skipped."""
        message = self.next()
        while message["msg_type"] == "collision_with_starting_line":
            message = self.next()
        assert message["msg_type"] == msg_type
        return message

    def drive(self) -> dict[str, Any]:
        self.socket.sendall(CONTROL)
        return self.expect("telemetry")

    def enter(self) -> dict[str, Any]:
        self.expect("car_loaded")
        return self.expect("telemetry")

    def is_silent(self, seconds: float = 0.1) -> bool:
        self.socket.settimeout(seconds)
        try:
            return not self._seen and self.socket.recv(1, socket.MSG_PEEK) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(10)

    def is_closed(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(1 << 16):
                pass
        return True


class Serving(Server):
    """A server that keeps what it would print."""

    def __init__(self, scene: str | None, clock: str) -> None:
        self.said: list[str] = []
        super().__init__(port=0, scene=scene, clock=clock, log=self.said.append)


@contextlib.contextmanager
def serving(scene: str | None = TRACK, clock: str = "lockstep") -> Iterator[Serving]:
    server = Serving(scene, clock)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()
        server.stop()


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)
    return true()


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False
