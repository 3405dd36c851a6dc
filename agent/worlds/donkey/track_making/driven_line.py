"""The line of a recorded drive: a lap of a donkeycar tub, or of our own recorder's file.

donkeycar's tub is a folder with ``catalog_*.catalog``, a JSON object a line. Its simulator part
records positions as ``pos/pos_x``, ``pos/pos_y`` (height) and ``pos/pos_z`` where ``myconfig.py``
has ``SIM_RECORD_LOCATION``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agent.config.errors import UserError
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.worlds.donkey.demonstrations import Demonstration
from agent.worlds.donkey.track_making.line_read import LineRead, Points, check_count, read_text

CATALOG = re.compile(r"catalog_(\d+)\.catalog")
KEYS = ("pos/pos_x", "pos/pos_z")
# All chosen.
JUMP_M = 1.0  # between records: the car was put somewhere else
STILL_M = 0.02  # nearer records than this are one point
NEAR_M = 1.0  # aside of where a lap began, at most, when the line there is crossed again
AWAY_M = 1.0  # the car has to have been so far away before


class Stretch(NamedTuple):
    """A drive without a jump: places (n, 2) in metres, and the labels of its points."""

    places: Points
    labels: Sequence[str]


def read_drive(path: Path) -> LineRead:
    """Returns a lap of a recorded drive, in metres.

    Of several laps it is the one of middle length. A lap ends where the car crosses the line
    through its first place.

    :param path: a tub's folder, one of its catalogs, or an ``.npz`` of our recorder
    :raises UserError: it cannot be read, has no positions, or does not come back to where it began
    """
    read = _of_recorder if path.suffix == ".npz" else _of_tub
    stretches = read(path)
    moving = [moved for stretch in stretches if len((moved := _moving(stretch)).places) > 1]
    check_count(path, max((len(stretch.places) for stretch in moving), default=0))
    laps = [lap for stretch in moving for lap in _laps(stretch)]
    if not laps:
        longest = max(moving, key=lambda stretch: _length_m(stretch.places))
        raise UserError(_why_no_lap(path, longest))
    laps.sort(key=lambda lap: _length_m(lap.places))
    chosen = laps[len(laps) // 2]
    note = f"1 of {len(laps)} laps of the drive, {chosen.labels[0]} to {chosen.labels[-1]}"
    return LineRead(chosen.places, chosen.labels, True, note=note)


def _of_recorder(path: Path) -> list[Stretch]:
    try:
        drive = Demonstration.load(path)
    except ValueError as error:
        raise UserError(str(error)) from None
    stretches = []
    first = 0
    for number, length in enumerate(drive.lengths.tolist(), 1):
        places = np.asarray(drive.pos[first : first + length + 1, [0, 2]], dtype=float)
        labels = [f"step {step} of episode {number}" for step in range(length + 1)]
        stretches += _cut_at_jumps(places, labels)
        first += length + 1
    return stretches


def _of_tub(path: Path) -> list[Stretch]:
    if path.is_dir():
        found = [file for file in path.iterdir() if CATALOG.fullmatch(file.name)]
        catalogs = sorted(found, key=lambda file: int(file.stem.rpartition("_")[2]))
        deleted = _deleted(path / "manifest.json")
    else:
        catalogs = [path]
        deleted = _deleted(path.with_name("manifest.json"))
    if not catalogs:
        raise UserError(f"{path} is no tub, it has no catalog_0.catalog; give a tub's folder")
    places: list[list[float]] = []
    labels: list[str] = []
    for index, record in _records(catalogs):
        if index in deleted:
            continue
        places.append([_position(path, index, record, key) for key in KEYS])
        labels.append(f"record {index}")
    check_count(path, len(places))
    return _cut_at_jumps(np.array(places), labels)


def _records(catalogs: Sequence[Path]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Gives every record with its index; a torn last line is left out."""
    for catalog in catalogs:
        lines = read_text(catalog).splitlines()
        for number, line in enumerate(lines, 1):
            text = line.strip("\0 \t")
            if not text:
                continue
            try:
                record = json.loads(text)
            except (ValueError, RecursionError):
                if number == len(lines):
                    break
                record = None
            if not isinstance(record, dict):
                raise UserError(f"{catalog} line {number} is no record; give a donkeycar tub")
            index = record.get("_index", number - 1)
            yield index if isinstance(index, int) else number - 1, record


def _position(path: Path, index: int, record: dict[str, Any], key: str) -> float:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UserError(
            f"{path} record {index} has no {key}; record a drive in the simulator with"
            " SIM_RECORD_LOCATION = True in myconfig.py"
        )
    return float(value)


def _deleted(manifest: Path) -> set[int]:
    """Returns indices of the records that were deleted in a tub's manifest, as far as it tells."""
    deleted: set[int] = set()
    if not manifest.is_file():
        return deleted
    for line in read_text(manifest).splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("deleted_indexes"), list):
            deleted.update(each for each in found["deleted_indexes"] if isinstance(each, int))
    return deleted


def _cut_at_jumps(places: Points, labels: Sequence[str]) -> list[Stretch]:
    steps = np.hypot(*np.diff(places, axis=0).T)
    ends = [0, *(np.flatnonzero(steps > JUMP_M) + 1).tolist(), len(places)]
    return [Stretch(places[begin:end], labels[begin:end]) for begin, end in pairwise(ends)]


def _moving(stretch: Stretch) -> Stretch:
    """Returns the points that are a little away from the one before."""
    kept = [0]
    for k in range(1, len(stretch.places)):
        if np.hypot(*(stretch.places[k] - stretch.places[kept[-1]])) >= STILL_M:
            kept.append(k)
    return Stretch(stretch.places[kept], [stretch.labels[k] for k in kept])


def _laps(stretch: Stretch) -> list[Stretch]:
    """Returns what lies between two crossings of the line through the first place."""
    places = stretch.places
    away = places - places[0]
    heading = _heading(places)
    ahead = away @ heading
    aside = np.abs(away @ np.array([heading[1], -heading[0]]))
    laps = []
    begin = 0
    for k in range(1, len(places)):
        crosses = ahead[k - 1] < 0.0 <= ahead[k] and aside[k] < NEAR_M
        if crosses and np.hypot(*(places[begin:k] - places[begin]).T).max() > AWAY_M:
            laps.append(Stretch(places[begin:k], stretch.labels[begin:k]))
            begin = k
    return laps


def _heading(places: Points) -> Points:
    """Returns the unit vector (2,) of a drive's first half metre."""
    far = np.flatnonzero(np.hypot(*(places - places[0]).T) > 0.5)
    end = int(far[0]) if len(far) else len(places) - 1
    vector = places[end] - places[0]
    return np.asarray(vector / max(np.hypot(*vector), 1e-9))


def _length_m(places: Points) -> float:
    return float(np.hypot(*np.diff(places, axis=0).T).sum())


def _why_no_lap(path: Path, stretch: Stretch) -> str:
    places = stretch.places
    away = np.hypot(*(places - places[0]).T)
    farthest = int(np.argmax(away))
    text = f"{path} is no whole lap: {_length_m(places):.1f} m from {stretch.labels[0]}"
    if away[farthest] > AWAY_M:
        k = farthest + int(np.argmin(away[farthest:]))
        text += f", at {stretch.labels[k]} still {away[k] * UNITS_PER_METRE:.0f} u from there"
    return f"{text}; drive on until you have crossed the place where you began"
