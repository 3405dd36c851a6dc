"""Parameters of a race: upstream's file ``RaceParameters.json`` and its defaults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from agent.worlds.robotini.simulator.events import CarInfo, Event, event

MODES = ("development", "race")
FIELDS = ("upstream", "fork")
MOST = 100_000  # of a number in the file, chosen


@dataclass(frozen=True)
class Parameters:
    """Parameters of a race, under the names that they have in the file.

    Spectators are told all of them. A phase of 0 seconds waits for a spectator's word. Upstream's
    logs are not written.
    """

    lapCount: int = 5  # noqa: N815 - upstream's names, all of them
    autoStartQualifyingSeconds: int = 30  # noqa: N815
    qualifyingDurationSeconds: int = 30  # noqa: N815
    autoStartRaceSeconds: int = 10  # noqa: N815
    raceTimeoutSeconds: int = 300  # noqa: N815
    raceTimeoutAfterWinnerSeconds: int = 60  # noqa: N815
    numSegments: int = 3  # noqa: N815 - the fork's
    numSegmentsBetweenCars: int = 1  # noqa: N815 - the fork's, told only
    track: str = "stadium"
    visibility: str = "team"
    mode: str = "development"
    raceResultFile: str = "race-result.json"  # noqa: N815
    cars: tuple[CarInfo, ...] = field(default=())

    def event(self, timestamp_sec: float, has_fork_fields: bool) -> Event:
        """Event that spectators are told first."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        if not has_fork_fields:
            del told["numSegments"], told["numSegmentsBetweenCars"]
        told["cars"] = [car.fields(timestamp_sec) for car in self.cars]
        return event("RaceParameters", timestamp_sec, **told)


def read_parameters(path: Path) -> Parameters:
    """Returns what a file says; what it does not say has its default.

    :raises ValueError: it cannot be read or has a wrong value; one line
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path}: cannot be read as JSON ({reason})") from None
    if not isinstance(said, dict):
        raise ValueError(f"{path}: it is no JSON object; write one")
    values: dict[str, Any] = {}
    for each in fields(Parameters):
        if each.name not in said:
            continue
        value = said[each.name]
        if each.name == "cars":
            value = _cars(path, value)
        elif isinstance(each.default, int):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
                raise ValueError(
                    f"{path}: {each.name} is {value!r}; give a whole number, 0 to {MOST}"
                )
        elif not isinstance(value, str):
            raise ValueError(f"{path}: {each.name} is {value!r}; give a text")
        values[each.name] = value
    if values.get("mode", MODES[0]) not in MODES:
        raise ValueError(f"{path}: mode is {values['mode']!r}; choose from {', '.join(MODES)}")
    for name in ("lapCount", "numSegments"):
        if values.get(name) == 0:
            raise ValueError(f"{path}: {name} is 0; give at least 1")
    return Parameters(**values)


def _cars(path: Path, said: Any) -> tuple[CarInfo, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or not all(isinstance(car, dict) for car in said):
        raise ValueError(f"{path}: cars is no list of objects; write one")
    cars = []
    for i, car in enumerate(said):
        texts = [car.get(key) or "" for key in ("teamId", "name", "color", "texture")]
        if not all(isinstance(text, str) for text in texts) or not all(texts[:2]):
            raise ValueError(f"{path}: cars[{i}] lacks a text as its teamId or name; give both")
        cars.append(CarInfo(*texts))
    return tuple(cars)
