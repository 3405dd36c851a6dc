"""Curves of a training, read from TensorBoard's files without TensorBoard.

A file is a chain of records: the length in 8 bytes, a checksum of it in 4, the data, a checksum of
those in 4. The data are a protobuf ``Event``; of it the step and the simple values of the summary
are read, and every other field is skipped (tensorboard/compat/proto/event.proto, summary.proto).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from agent.config import files

MOST_BYTES = 8 * 1024**2  # of a file that are read: a trial's have a tenth of that
MOST_CURVES = 40
MOST_POINTS = 400  # of a curve, chosen: more than it has pixels
LENGTH = struct.Struct("<Q")
FLOAT = struct.Struct("<f")
VARINT = 0
FIXED_64 = 1
BYTES = 2
FIXED_32 = 5
# Numbers of fields.
EVENT_STEP = 2
EVENT_SUMMARY = 5
SUMMARY_VALUE = 1
VALUE_TAG = 1
VALUE_SIMPLE = 2

Point = tuple[int, float]


def read_curves(folder: Path) -> dict[str, list[Point]]:
    """Curves of a trial by their names: step and value of each point, in the order of the steps.

    :param folder: of the trial
    """
    curves: dict[str, list[Point]] = {}
    for path in sorted((folder / files.CURVES).glob("events.out.tfevents.*")):
        with suppress(OSError):
            with path.open("rb") as file:
                data = file.read(MOST_BYTES)
            for name, step, value in _points(data):
                if name in curves or len(curves) < MOST_CURVES:
                    curves.setdefault(name, []).append((step, value))
    return {name: thinned(sorted(points)) for name, points in sorted(curves.items())}


def thinned(points: list[Point]) -> list[Point]:
    """At most ``MOST_POINTS`` of the points, evenly spread, with the last."""
    if len(points) <= MOST_POINTS:
        return points
    step = len(points) / MOST_POINTS
    return [points[min(len(points) - 1, math.ceil((k + 1) * step) - 1)] for k in range(MOST_POINTS)]


def _points(data: bytes) -> Iterator[tuple[str, int, float]]:
    """Name, step and value of every finite number; a record that is cut short is the last."""
    at = 0
    while at + 12 <= len(data):
        (length,) = LENGTH.unpack_from(data, at)
        event = data[at + 12 : at + 12 + length]
        if len(event) < length:
            return
        at += 12 + length + 4
        try:
            yield from _points_of(event)
        except (ValueError, IndexError, struct.error):
            return  # nothing behind what is damaged can be trusted


def _points_of(event: bytes) -> Iterator[tuple[str, int, float]]:
    step = 0
    summaries = []
    for number, kind, value in _fields(event):
        if number == EVENT_STEP and kind == VARINT:
            step = int.from_bytes(value, "little")
        elif number == EVENT_SUMMARY and kind == BYTES:
            summaries.append(value)
    for summary in summaries:
        for number, kind, value in _fields(summary):
            if number == SUMMARY_VALUE and kind == BYTES:
                tag, simple = _value(value)
                if simple is not None and math.isfinite(simple):
                    yield tag, step, simple


def _value(message: bytes) -> tuple[str, float | None]:
    tag = ""
    simple = None
    for number, kind, value in _fields(message):
        if number == VALUE_TAG and kind == BYTES:
            tag = value.decode(errors="replace")
        elif number == VALUE_SIMPLE and kind == FIXED_32:
            (simple,) = FLOAT.unpack(value)
    return tag, simple


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, kind and contents of each field; a varint as 8 bytes.

    :raises ValueError: a kind that no such file has
    :raises IndexError: the message is cut short
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            number, at = _varint(message, at)
            yield key >> 3, kind, (number % 2**64).to_bytes(8, "little")
            continue
        if kind == BYTES:
            size, at = _varint(message, at)
        elif kind in (FIXED_32, FIXED_64):
            size = 4 if kind == FIXED_32 else 8
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + size > len(message):
            raise IndexError("cut short")
        yield key >> 3, kind, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and the place behind it."""
    number = 0
    shift = 0
    while True:
        byte = message[at]
        number |= (byte & 127) << shift
        at += 1
        shift += 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
