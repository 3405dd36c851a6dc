"""Our own client of a simulator on a TCP port: handshake, commands, telemetry.

Telemetry comes by itself, 20 times a second. A simulator in lockstep sends one instead for the
car's loading and for every ``control``, ``reset_car``, ``set_position`` and ``regen_road``. Both
are served by waiting for exactly one after each of these.
"""

from __future__ import annotations

import re
import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.simulator.protocol import (
    BadMessage,
    Message,
    Oversized,
    Replies,
    parse_strictly,
    request,
)
from agent.worlds.donkey.remote.link import (
    NODE_LIMIT_SEC,
    NODES_AT_ONCE,
    Limits,
    Link,
    SimulatorLost,
    Vector,
    refused,
)

__all__ = ["Connection", "SimulatorLost"]

CHUNK_BYTES = 1 << 18
ASK_AGAIN_SEC = 0.5  # chosen: a menu that is still opening hears nothing
# Unity writes "speed":1,5 under some languages, which is no JSON.
DECIMAL_COMMA = re.compile(rb"(:\s*-?\d+),(\d+(?:[eE][-+]?\d+)?)(?=\s*[,}])")
CAR_IS_THERE = ("car_loaded", "need_car_config", "telemetry")


class Connection(Link):
    """The link over a socket of our own.

    :param host: of the simulator
    :param port: of the simulator
    :param scene: the simulator's name of the scene to drive in
    :param limits: of all waits
    :param configs: messages to send once the car is there, such as ``cam_config``, by their
        ``msg_type``
    :raises SimulatorLost: nobody answers, or not as a simulator, or the scene is not in its list
    """

    def __init__(
        self,
        host: str,
        port: int,
        scene: str,
        limits: Limits,
        configs: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(host, port, limits)
        self._scene = scene
        self._configs = configs or {}
        self._replies = Replies()
        self._lines = deque[bytes]()
        self._cut_short = False
        self._image = ""
        try:
            self._socket = socket.create_connection((host, port), limits.connect_sec)
        except (OSError, UnicodeError) as error:
            raise refused(host, port, error) from None
        self.is_open = True
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._enter()
        except BaseException:
            self.close()
            raise

    def control(self, steering: float, throttle: float, brake: float) -> list[Message]:
        seen = [message for message in self._arrived() if message["msg_type"] == "telemetry"]
        self.send("control", steering=steering, throttle=throttle, brake=brake)
        return [*seen, self.telemetry(self.limits.frame_sec)]

    def forget(self) -> None:
        self._arrived()

    def telemetry(self, limit_sec: float) -> Message:
        message = self._wait_for("telemetry", time.monotonic() + limit_sec)
        self._image = message.get("image", "")
        return message

    def send(self, msg_type: str, **fields: object) -> None:
        try:
            self._socket.settimeout(self.limits.frame_sec)
            self._socket.sendall(request(msg_type, **fields))
        except OSError as error:
            raise self.lost(f"it does not take {msg_type} ({error.strerror or error})") from None

    def frame(self) -> NDArray[np.uint8]:
        return self.decoded(self._image)

    def nodes(self, indices: Sequence[int], deadline: float) -> list[Vector]:
        found: list[Vector] = []
        for first in range(0, len(indices), NODES_AT_ONCE):
            asked = indices[first : first + NODES_AT_ONCE]
            for index in asked:
                self.send("node_position", index=index)
            for _ in asked:
                limit = min(deadline, time.monotonic() + NODE_LIMIT_SEC)
                message = self._next("node_position", limit)
                if message is None:
                    return []
                x, z, height = (self.number(message, name) for name in ("pos_x", "pos_z", "pos_y"))
                found.append((x, z, height))
        return found

    def change_scene(self) -> bool:
        self.send("exit_scene")
        while time.monotonic() + ASK_AGAIN_SEC < self.deadline:
            self.send("get_scene_names")
            message = self._next("scene_names", time.monotonic() + ASK_AGAIN_SEC)
            if message is not None:
                self._load(message)
                self._wait_for("car_loaded", self.deadline)
                self._configure()
                return True
        return False

    def close(self) -> None:
        self.is_open = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _enter(self) -> None:
        """Get a car: through the menu, or in the scene if one is loaded."""
        while True:
            message = self._next(None, self.deadline)
            if message is None:
                raise self.lost(f"no car within {self.limits.connect_sec:g} s")
            if message["msg_type"] == "scene_selection_ready":
                self.send("get_scene_names")
            elif message["msg_type"] == "scene_names":
                self._load(message)
            elif message["msg_type"] in CAR_IS_THERE:
                self._configure()
                return

    def _load(self, message: Message) -> None:
        names = message.get("scene_names")
        listed = [str(name) for name in names] if isinstance(names, list) else []
        for name in listed:
            # Extra scenes are listed by the path of their file.
            if self._scene in (name, PurePosixPath(name).stem):
                self.send("load_scene", scene_name=name)
                return
        raise self.lost(
            f"wrong simulator, scene {self._scene!r} is not in its list {', '.join(listed)}"
        )

    def _configure(self) -> None:
        for msg_type, fields in self._configs.items():
            self.send(msg_type, **fields)

    def _wait_for(self, msg_type: str, deadline: float) -> Message:
        limit_sec = max(deadline - time.monotonic(), 0.0)
        message = self._next(msg_type, deadline)
        if message is None:
            raise self.lost(f"no {msg_type} for {limit_sec:.1f} s")
        return message

    def _next(self, msg_type: str | None, deadline: float) -> Message | None:
        """The next message, of that type if one is given; None when it does not come in time."""
        while True:
            while self._lines:
                message = self._parsed(self._lines.popleft())
                if message is not None and msg_type in (None, message["msg_type"]):
                    return message
            left_sec = deadline - time.monotonic()
            if left_sec <= 0.0:
                return None
            self._receive(left_sec)

    def _arrived(self) -> list[Message]:
        """Messages that are here already; does not wait."""
        deadline = time.monotonic() + self.limits.frame_sec
        while self._receive(0.0):
            if time.monotonic() > deadline:
                raise self.lost(f"it sends faster than can be read for {self.limits.frame_sec:g} s")
        parsed = [self._parsed(line) for line in self._lines]
        self._lines.clear()
        return [message for message in parsed if message is not None]

    def _receive(self, limit_sec: float) -> bool:
        try:
            self._socket.settimeout(limit_sec)
            chunk = self._socket.recv(CHUNK_BYTES)
            self._lines += self._replies.feed(chunk)
        except (BlockingIOError, TimeoutError):
            return False
        except Oversized as error:
            raise self.lost(f"garbage: {error}") from None
        except OSError as error:
            raise self.lost(f"the connection broke ({error.strerror or error})") from None
        if not chunk:
            where = " in the middle of a message" if self._cut_short else ""
            raise self.lost(f"it closed the connection{where}")
        self._cut_short = not chunk.endswith(b"\n")
        return True

    def _parsed(self, line: bytes) -> Message | None:
        """The message of a line; None for a broken one, which is skipped and counted."""
        try:
            try:
                message = parse_strictly(line)
            except BadMessage:
                message = parse_strictly(as_json(line))
        except BadMessage:
            self.note_garbage(line)
            return None
        self.last = line.decode(errors="replace")
        self.garbage = b""
        return message


def as_json(line: bytes) -> bytes:
    """A line of a Unity that writes decimal commas, or texts with bare backslashes, as JSON."""
    return DECIMAL_COMMA.sub(rb"\1.\2", line.replace(b"\\", b"\\\\"))
