"""One car in a simulator on a TCP port, by any client; no wait is without a limit."""

from __future__ import annotations

import base64
import io
import re
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.config.command_name import to_run
from agent.simulator.protocol import Message
from agent.worlds.base import SimulatorLost, shown_address

__all__ = ["Limits", "Link", "SimulatorLost", "Vector", "refused"]

Vector = tuple[float, float, float]

# All of these are chosen.
SHOWN_CHARACTERS = 200  # of a message, in an error
NODE_LIMIT_SEC = 1.0  # for the answer to a batch of ``node_position``
NODES_AT_ONCE = 32
LARGEST_NUMBER = 1e12  # beyond what a simulator means; keeps NaN and infinity out as well
PICTURE = re.compile(r'"image": ?"[^"]*"')


@dataclass(frozen=True)
class Limits:
    """Longest waits: for a car in the scene, for one telemetry, for a car at rest at its start."""

    connect_sec: float = 9.0
    frame_sec: float = 5.0
    reset_sec: float = 9.0


class Link(ABC):
    """One car in the simulator on ``host:port``: commands out, telemetry in.

    ``deadline`` is when connecting has to be done, by ``time.monotonic``; ``last`` is the newest
    message. Lines that are no messages are skipped: ``broken_lines`` counts them.

    :param host: of the simulator
    :param port: of the simulator
    :param limits: of all waits
    """

    def __init__(self, host: str, port: int, limits: Limits) -> None:
        self.host = host
        self.port = port
        self.limits = limits
        self.is_open = False
        self.deadline = time.monotonic() + limits.connect_sec
        self.last = "none"
        self.broken_lines = 0
        self.garbage = b""  # newest line that was no message, while no message has followed it

    @abstractmethod
    def control(self, steering: float, throttle: float, brake: float) -> list[Message]:
        """Send a command; returns all telemetry since the last.

        The newest is the first that arrives after the command.

        :param steering: from -1, left, to 1
        :param throttle: from -1 to 1
        :param brake: from 0
        """

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
        """Positions (x, z, height in u) of the path's nodes; empty where the simulator has none."""

    @abstractmethod
    def change_scene(self) -> bool:
        """Leave the loaded scene for the one that was asked for; False if the simulator stays in
        it.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection; harmless a second time."""

    def decoded(self, image: object) -> NDArray[np.uint8]:
        """The picture of a base64 text, (rows, columns, 3) uint8 RGB.

        :raises SimulatorLost: it cannot be read
        """
        picture = None
        with suppress(ValueError, TypeError, cv2.error):
            picture = rgb_picture(base64.b64decode(image))  # type: ignore[arg-type]
        if picture is None:
            raise self.lost("its telemetry carries no picture that can be read")
        return picture

    def note_garbage(self, line: bytes) -> None:
        """Count a line that is no message, and warn of the first."""
        self.broken_lines += 1
        self.garbage = line[:SHOWN_CHARACTERS]
        if self.broken_lines == 1:
            address = shown_address(self.host, self.port)
            warnings.warn(
                f"simulator {address} sends garbage, which is skipped: {self.garbage!r}",
                stacklevel=2,
            )

    def lost(self, reason: str) -> SimulatorLost:
        """Close the connection for good; returns the exception that says why."""
        self.close()
        if self.garbage:
            reason += f", but garbage: {self.garbage!r}"
        if self.broken_lines:
            reason += f" ({self.broken_lines} broken lines were skipped)"
        last = PICTURE.sub('"image":"…"', self.last)[:SHOWN_CHARACTERS]
        address = shown_address(self.host, self.port)
        return SimulatorLost(f"simulator {address} lost: {reason}; last message: {last}")

    def number(self, message: Message, name: str, default: float | None = None) -> float:
        """A finite number of a message.

        :param message: from the simulator
        :param name: of the field
        :param default: where the field is missing; None for none
        :raises SimulatorLost: it is missing without a default, or is no finite number
        """
        value = message.get(name, default)
        if isinstance(value, (int, float)) and abs(value) < LARGEST_NUMBER:
            return float(value)
        raise self.lost(f"its {message['msg_type']} has {name} {message.get(name)!r:.40}")


def rgb_picture(file: bytes) -> NDArray[np.uint8] | None:
    """A picture of (rows, columns, 3) uint8 from a JPG, PNG or TGA; None where it is none."""
    picture = cv2.imdecode(np.frombuffer(file, dtype=np.uint8), cv2.IMREAD_COLOR)
    if picture is not None:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture), dtype=np.uint8)
    from PIL import Image  # reads TGA, which OpenCV does not

    with suppress(OSError, SyntaxError):
        return np.asarray(Image.open(io.BytesIO(file), formats=["TGA"]).convert("RGB"))
    return None


def refused(host: str, port: int, error: OSError | UnicodeError) -> SimulatorLost:
    """The exception for an address where no simulator answers.

    :param host: of the address
    :param port: of the address
    :param error: of the attempt to connect
    """
    server = to_run("python agent/donkey_sim.py", "simulate")
    reason = getattr(error, "strerror", None) or error
    return SimulatorLost(
        f"no simulator answers on {shown_address(host, port)} ({reason}); start one with "
        f'"{server} --port {port}" or name the track without "@…" to drive embedded'
    )
