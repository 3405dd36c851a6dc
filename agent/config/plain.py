"""Plain values: what a JSON file holds that another command left, or a person wrote.

Such a file may hold anything. ``object_in`` reads it as values with which the rest of the program
can go on, or refuses it in words.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from reprlib import repr as shown
from typing import Any, TypeGuard

MAX_DEPTH = 20  # chosen: our own files nest five deep


def read_object(path: Path, *, nan_as_none: bool = False) -> dict[str, Any]:
    """Returns the object in a JSON file.

    :param path: of the file
    :param nan_as_none: see ``object_in``
    :raises OSError: the file cannot be read
    :raises ValueError: see ``object_in``
    """
    return object_in(path.read_bytes(), nan_as_none=nan_as_none)


def object_in(text: str | bytes, *, nan_as_none: bool = False) -> dict[str, Any]:
    """Returns the object that a JSON text holds.

    :param text: of one object
    :param nan_as_none: NaN and infinity become ``None``; else they are refused
    :raises ValueError: no JSON object, or values as ``check_plain`` refuses them
    """

    def constant(name: str) -> None:
        if not nan_as_none:
            raise ValueError(f"{name} is not a number a ledger may hold")

    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")  # some editors write a mark
    try:
        value = json.loads(text, parse_constant=constant)
    except RecursionError:
        raise ValueError(f"it nests more than {MAX_DEPTH} levels") from None
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    check_plain(value)
    return value


def check_plain(value: Any, depth: int = MAX_DEPTH) -> None:
    """Refuses what cannot be written again, or computed with.

    :param value: any value of JSON
    :param depth: levels that may be nested in each other
    :raises ValueError: a number too large for a float, a text that is no Unicode, nested too deeply
    """
    if depth == 0:
        raise ValueError(f"it nests more than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            check_plain(item, depth - 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            check_plain(item, depth - 1)
    elif value is not None and not isinstance(value, bool) and not is_finite(value):
        raise ValueError(f"{shown(value)} is not a finite number")


def is_finite(value: object) -> TypeGuard[float]:
    """True for a number that is finite as a float; booleans are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def is_whole(value: object) -> TypeGuard[int]:
    """True for a whole number of 64 bits; booleans are none."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode(errors="surrogateescape")  # as names of files that are not UTF-8 are read
        except UnicodeEncodeError:
            raise ValueError(f"{shown(text)} is not Unicode") from None
