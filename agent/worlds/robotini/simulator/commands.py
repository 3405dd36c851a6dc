"""Lines of clients, one JSON object each, read as upstream's reader reads it.

A field that is not there has a default, one that it does not know is passed over, and an empty line
says nothing. What is no object ends the connection.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from agent.worlds.robotini.simulator.events import CarInfo

LINE_LIMIT = 1 << 16  # bytes without an end of line, chosen
WIDTHS_PX = (8, 128)  # upstream's limits of a picture's width
DEFAULT_WIDTH_PX = 128
TEXT_LIMIT = 200  # characters of a name, chosen


class Refused(ValueError):
    """A line that ends its connection."""


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Returns the lines that are whole.

        :raises Refused: too much came without an end of line
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            raise Refused(f"more than {LINE_LIMIT} bytes came without an end of line")
        return lines


@dataclass(frozen=True)
class Login:
    """A car's first line.

    :param car: as it introduces itself
    :param width_px: of its pictures
    """

    car: CarInfo
    width_px: int

    @property
    def height_px(self) -> int:
        """Upstream's, 80 of 128."""
        return self.width_px * 80 // 128


@dataclass(frozen=True)
class Command:
    """A car's other lines; ``action`` may be one that nobody knows."""

    action: str
    value: float


def read_login(line: bytes) -> Login:
    """Returns the login of a car.

    :raises Refused: it is no login
    """
    said = _object(line)
    name = _text(said, "name")
    team_id = _text(said, "teamId")
    if not name or not team_id:
        raise Refused("a login lacks its name or its teamId")
    width = _number(said, "imageWidth")
    low, high = WIDTHS_PX
    if not low <= width <= high:
        width = DEFAULT_WIDTH_PX
    return Login(CarInfo(team_id, name, _text(said, "color")), int(width))


def read_command(line: bytes) -> Command | None:
    """Returns what a car shall do, ``None`` for an empty line.

    :raises Refused: it is no command
    """
    if not line.strip():
        return None
    said = _object(line)
    return Command(_text(said, "action"), _number(said, "value"))


def read_spectator_command(line: bytes) -> str:
    """Returns the type of a spectator's command.

    :raises Refused: it has none
    """
    return _text(_object(line), "type")


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused(f"a line is no JSON ({type(error).__name__})") from None
    if not isinstance(said, dict):
        raise Refused("a line is no JSON object")
    return said


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > TEXT_LIMIT:
        raise Refused(f"{key} is no text of up to {TEXT_LIMIT} characters")
    # No half of a pair, which could not be written again.
    return value.encode("utf-8", "replace").decode("utf-8")


def _number(said: dict[str, Any], key: str) -> float:
    value = said.get(key)
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{key} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused(f"{key} is not finite")
    return number
