"""Events for spectators: one JSON object a line, with upstream's names and order of fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]


@dataclass(frozen=True)
class CarInfo:
    """A car as it introduced itself, or as the race's parameters have it.

    :param team_id: whose it is
    :param name: of the car, which no other has
    :param colour: as #rrggbb, or what the client wrote
    :param texture: of its body, for spectators only
    """

    team_id: str
    name: str
    colour: str = ""
    texture: str = ""

    def fields(self, timestamp_sec: float) -> Event:
        """The car inside of an event."""
        return event(
            "CarInfo",
            timestamp_sec,
            teamId=self.team_id,
            name=self.name,
            color=self.colour,
            texture=self.texture,
        )

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Its colour in a picture; white for one that is no #rrggbb."""
        digits = self.colour.removeprefix("#")
        try:
            red, green, blue = bytes.fromhex(digits)
        except ValueError:
            return (255, 255, 255)
        return (red, green, blue)


@dataclass(frozen=True)
class Lap:
    """Knowledge of a car's laps.

    :param count: -1 before the finish line was first crossed
    :param last_sec: the last lap's time, 0 without one
    :param best_sec: the same of the best
    :param total_sec: from the session's start to the last crossing of the finish line
    :param is_out: the car left without finishing
    """

    count: int = -1
    last_sec: float = 0.0
    best_sec: float = 0.0
    total_sec: float = 0.0
    is_out: bool = False

    def event(self, car: CarInfo, timestamp_sec: float) -> Event:
        """The event ``LapCompleted``, which is also a row of standings."""
        return event(
            "LapCompleted",
            timestamp_sec,
            car=car.fields(timestamp_sec),
            lapCount=self.count,
            lastLap=round(self.last_sec, 6),
            bestLap=round(self.best_sec, 6),
            totalTime=round(self.total_sec, 6),
            dnf=self.is_out,
        )


def event(kind: str, timestamp_sec: float, **fields: Any) -> Event:
    """Returns an event: its type and time come first."""
    return {"type": kind, "timestamp": round(timestamp_sec, 6), **fields}


def line(told: Event) -> bytes:
    """Returns an event as it is sent."""
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def vector(x: float, y: float, z: float) -> dict[str, float]:
    """Returns a place or a velocity as it is written."""
    return {"x": round(x, 6), "y": round(y, 6), "z": round(z, 6)}
