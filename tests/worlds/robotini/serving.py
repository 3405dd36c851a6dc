"""A server in a thread, and clients for both of its ports, for the tests of this world."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agent.worlds.robotini.simulator.connection import listen
from agent.worlds.robotini.simulator.parameters import Parameters
from agent.worlds.robotini.simulator.server import Server
from agent.worlds.robotini.simulator.track import load_track

TRACK = load_track("stadium")
LIMIT_SEC = 10.0


class Client:
    """Of the cars' port; every wait has a limit."""

    def __init__(self, server: Server, name: str | None = "ann", **fields: object) -> None:
        self.socket = socket.create_connection(server.addresses[0], timeout=LIMIT_SEC)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if name is not None:
            self.say(name=name, teamId=name, color="#ffc800", **fields)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, **fields: object) -> None:
        self.socket.sendall(json.dumps(fields).encode() + b"\n")

    def frame_bytes(self) -> bytes:
        (length,) = struct.unpack(">H", self._exactly(2))
        return self._exactly(length)

    def frame(self) -> NDArray[np.uint8]:
        """The next picture, shape (height, width, 3)."""
        image = Image.open(io.BytesIO(self.frame_bytes()))
        assert image.format == "PNG" and image.mode == "RGB"
        return np.asarray(image)

    def drive(self, forward: float = 0.05, turn: float = 0.0) -> NDArray[np.uint8]:
        """Answers the last frame, in one piece; returns the next."""
        commands = [("forward", forward), ("turn", turn)]
        lines = [json.dumps({"action": action, "value": value}) for action, value in commands]
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())
        return self.frame()

    def is_silent(self, seconds: float = 0.15) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(LIMIT_SEC)

    def is_closed(self) -> bool:
        """True once the server has closed the connection; waits for that."""
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(1 << 16):
                pass
        return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            assert chunk, "the server has closed the connection"
            data += chunk
        return data


class Spectator:
    """Of the spectators' port."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(server.addresses[1], timeout=LIMIT_SEC)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Spectator:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def next(self) -> dict[str, Any]:
        line = self._file.readline()
        assert line.endswith(b"\n"), "the server has closed the connection"
        event: dict[str, Any] = json.loads(line)
        assert list(event)[:2] == ["type", "timestamp"]
        return event

    def expect(self, kind: str) -> dict[str, Any]:
        """The next event of a kind; others are passed over."""
        while (event := self.next())["type"] != kind:
            pass
        return event


class Serving(Server):
    """A server that keeps what it would print."""

    def __init__(self, clock: str, parameters: Parameters, fork: bool) -> None:
        self.said: list[str] = []
        super().__init__(
            TRACK,
            parameters,
            cars=listen("127.0.0.1", 0),
            spectators=listen("127.0.0.1", 0),
            clock=clock,
            has_fork_fields=fork,
            log=self.said.append,
        )


@contextlib.contextmanager
def serving(
    clock: str = "lockstep", parameters: Parameters | None = None, fork: bool = False
) -> Iterator[Serving]:
    server = Serving(clock, parameters or Parameters(), fork)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)
    return true()
