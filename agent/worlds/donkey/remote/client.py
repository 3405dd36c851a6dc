"""A simulator behind a TCP port: handshake, commands, telemetry, and no wait without a limit.

Telemetry comes by itself, 20 times a second. A simulator in lockstep sends one instead for the car's loading and
for every ``control``, ``reset_car``, ``set_position`` and ``regen_road``; both are served by waiting for exactly
one after each of these.
"""

from __future__ import annotations

import base64
import re
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.simulator.protocol import BadMessage, Message, Oversized, Replies, parse, request
from agent.worlds.base import SimulatorLost

Vector = tuple[float, float, float]

CHUNK_BYTES = 1 << 18
SHOWN_CHARACTERS = 200
ASK_AGAIN_SEC = 0.5
NODE_LIMIT_SEC = 1.0
NODES_AT_ONCE = 32
# Unity writes "speed":1,5 under some languages, which is no JSON.
DECIMAL_COMMA = re.compile(rb"(:\s*-?\d+),(\d+(?:[eE][-+]?\d+)?)(?=\s*[,}])")
PICTURE = re.compile(r'"image": ?"[^"]*"')
LARGEST_NUMBER = 1e12  # beyond what a simulator means; keeps NaN and infinity out as well


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds: for a car in the scene, for one telemetry, for the car to rest at its start."""

    connect_sec: float = 9.0
    frame_sec: float = 5.0
    reset_sec: float = 9.0


class Link(ABC):
    """One car in the simulator on ``host:port``: commands out, telemetry in.

    ``deadline`` is when connecting has to be done, by ``time.monotonic``.
    """

    def __init__(self, host: str, port: int, limits: Limits) -> None:
        self.host, self.port, self.limits = host, port, limits
        self.is_open = False
        self.deadline = time.monotonic() + limits.connect_sec
        self.last = "none"  # the newest message

    @abstractmethod
    def control(
        self, steering: float, throttle: float, brake: float, limit_sec: float
    ) -> list[Message]:
        """Send a command; returns all telemetry since the last, the newest the first to arrive after the command."""

    @abstractmethod
    def forget(self) -> None:
        """Drop what has arrived."""

    @abstractmethod
    def telemetry(self, limit_sec: float) -> Message:
        """The next telemetry."""

    @abstractmethod
    def send(self, msg_type: str, **fields: object) -> None:
        """Send one message, in one piece and without a line end, as the simulator reads them."""

    @abstractmethod
    def frame(self) -> NDArray[np.uint8]:
        """The newest telemetry's picture, (rows, columns, 3) uint8 RGB."""

    @abstractmethod
    def nodes(self, indices: Sequence[int], deadline: float) -> list[Vector]:
        """Positions (x, z, height in u) of the path's nodes; empty where the simulator does not tell them."""

    @abstractmethod
    def change_scene(self) -> bool:
        """Leave the scene that is loaded for the one that was asked for; False if the simulator stays in it."""

    @abstractmethod
    def close(self) -> None:
        """Hang up; harmless a second time."""

    def decoded(self, image: object) -> NDArray[np.uint8]:
        """The picture of a base64 text, (rows, columns, 3) uint8 RGB.

        :raises SimulatorLost: it cannot be read
        """
        try:
            packed = np.frombuffer(base64.b64decode(image), dtype=np.uint8)  # type: ignore[arg-type]
            picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        except (ValueError, TypeError, cv2.error):
            picture = None
        if picture is None:
            raise self.lost("its telemetry carries no picture that can be read")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture), dtype=np.uint8)

    def lost(self, what: str) -> SimulatorLost:
        """Hang up for good; returns the exception that says ``what`` happened."""
        self.close()
        last = PICTURE.sub('"image":"…"', self.last)[:SHOWN_CHARACTERS]
        return SimulatorLost(
            f"simulator {self.host}:{self.port} lost: {what}; last message: {last}"
        )

    def number(self, message: Message, name: str, default: float | None = None) -> float:
        """A finite number of a message.

        :raises SimulatorLost: it is missing without a default, or is no finite number
        """
        value = message.get(name, default)
        if isinstance(value, (int, float)) and abs(value) < LARGEST_NUMBER:
            return float(value)
        raise self.lost(f"its {message['msg_type']} has {name} {message.get(name)!r:.40}")


class Connection(Link):
    """The link over a socket of our own.

    :param scene: the simulator's name of the scene to drive in
    :param configs: messages to send once the car is there, such as ``cam_config``, by their ``msg_type``
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
        self._scene, self._configs = scene, configs or {}
        self._replies, self._lines = Replies(), deque[bytes]()
        self._cut_short = False
        self._image = ""
        try:
            self._socket = socket.create_connection((host, port), limits.connect_sec)
        except OSError as error:
            raise refused(host, port, error) from None
        self.is_open = True
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._enter()
        except BaseException:
            self.close()
            raise

    def control(
        self, steering: float, throttle: float, brake: float, limit_sec: float
    ) -> list[Message]:
        seen = [message for message in self._arrived() if message["msg_type"] == "telemetry"]
        self.send("control", steering=steering, throttle=throttle, brake=brake)
        return [*seen, self.telemetry(limit_sec)]

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
                message = self._next(
                    "node_position", min(deadline, time.monotonic() + NODE_LIMIT_SEC)
                )
                if message is None:
                    return []
                x, z, height = (self.number(message, name) for name in ("pos_x", "pos_z", "pos_y"))
                found.append((x, z, height))
        return found

    def change_scene(self) -> bool:
        self.send("exit_scene")
        while (
            time.monotonic() + ASK_AGAIN_SEC < self.deadline
        ):  # a menu that is still opening hears nothing
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
        """Get a car: through the menu if the simulator is in it, else in the scene that is loaded."""
        while True:
            message = self._next(None, self.deadline)
            if message is None:
                raise self.lost(f"no car within {self.limits.connect_sec:g} s")
            if message["msg_type"] == "scene_selection_ready":
                self.send("get_scene_names")
            elif message["msg_type"] == "scene_names":
                self._load(message)
            elif message["msg_type"] in ("car_loaded", "need_car_config", "telemetry"):
                self._configure()
                return

    def _load(self, message: Message) -> None:
        listed = [str(name) for name in message.get("scene_names") or []]
        # Extra scenes are listed by the path of their file.
        name = next(
            (name for name in listed if self._scene in (name, PurePosixPath(name).stem)), None
        )
        if name is None:
            raise self.lost(
                f"wrong simulator, scene {self._scene!r} is not in its list {', '.join(listed)}"
            )
        self.send("load_scene", scene_name=name)

    def _configure(self) -> None:
        for msg_type, fields in self._configs.items():
            self.send(msg_type, **fields)

    def _wait_for(self, msg_type: str, deadline: float) -> Message:
        waited_sec = deadline - time.monotonic()
        message = self._next(msg_type, deadline)
        if message is None:
            raise self.lost(f"no {msg_type} for {max(waited_sec, 0.0):.1f} s")
        return message

    def _next(self, msg_type: str | None, deadline: float) -> Message | None:
        """The next message, of that type if one is given; None when it does not come in time."""
        while True:
            while self._lines:
                message = self._parsed(self._lines.popleft())
                if msg_type in (None, message["msg_type"]):
                    return message
            left = deadline - time.monotonic()
            if left <= 0.0:
                return None
            self._receive(left)

    def _arrived(self) -> list[Message]:
        """What is here already, without waiting."""
        while self._receive(0.0):
            pass
        messages = [self._parsed(line) for line in self._lines]
        self._lines.clear()
        return messages

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
            raise self.lost(
                f"it closed the connection{' in the middle of a message' if self._cut_short else ''}"
            )
        self._cut_short = not chunk.endswith(b"\n")
        return True

    def _parsed(self, line: bytes) -> Message:
        try:
            try:
                message = parse(line)
            except BadMessage:
                message = parse(DECIMAL_COMMA.sub(rb"\1.\2", line))
        except BadMessage:
            raise self.lost(f"garbage: {line[:SHOWN_CHARACTERS]!r}") from None
        self.last = line.decode(errors="replace")
        return message


def refused(host: str, port: int, error: OSError) -> SimulatorLost:
    """The exception for an address where nobody answers."""
    return SimulatorLost(
        f"no simulator answers on {host}:{port} ({error.strerror or error}); start one with "
        f'"python agent/donkey_sim.py --port {port}" or drop "@…" to use the embedded one'
    )
