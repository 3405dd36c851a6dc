"""Single values of an environment's ``conf``: numbers may be text, and a wrong one is one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

SHOWN = 60  # chosen: characters of a wrong value that its complaint repeats
# All but nothing: least of numbers that must be more than zero.
ABOVE_ZERO = float(np.finfo(np.float32).tiny)

Limits = tuple[float, float]


def wrong(key: str, value: object, complaint: str) -> ValueError:
    """The error for a value of ``conf``.

    :param key: of the value, with its dictionary's for a nested one
    :param value: as it was given
    :param complaint: what is wrong with it; what to give
    """
    shown = repr(value)
    if len(shown) > SHOWN:
        shown = shown[:SHOWN] + "..."
    return ValueError(f"conf {key} {shown} {complaint}")


def number(key: str, value: object, limits: Limits) -> float:
    """A finite number or the text of one.

    :param key: of the value
    :param value: as it was given
    :param limits: least and most
    :raises ValueError: it is none, or beyond the limits
    """
    low, high = limits
    read = _read(value)
    if read is not None and low <= read <= high:
        return read
    if read is not None and low == ABOVE_ZERO and read <= 0.0:
        raise wrong(key, value, "is not positive; give a positive number")
    least = f"from {low:g}"
    if low == ABOVE_ZERO:
        least = "above 0"
    raise wrong(key, value, f"is no number {least} to {high:g}; give one")


def whole(key: str, value: object, limits: Limits) -> int:
    """A whole number or the text of one.

    :param key: of the value
    :param value: as it was given
    :param limits: least and most
    :raises ValueError: it is none, or beyond the limits
    """
    read = number(key, value, limits)
    if read != int(read):
        raise wrong(key, value, "is not whole; give a whole number")
    return int(read)


def _read(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if isfinite(read) else None


def flag(key: str, value: object) -> bool:
    """True or False.

    :raises ValueError: it is neither
    """
    if not isinstance(value, (bool, np.bool_)):
        raise wrong(key, value, "is neither True nor False; give one")
    return bool(value)


def word(key: str, value: object) -> str:
    """Text.

    :raises ValueError: it is none
    """
    if not isinstance(value, str):
        raise wrong(key, value, "is no text; give some")
    return value


def choice(key: str, value: object, choices: Sequence[str]) -> str:
    """One of several words.

    :param key: of the value
    :param value: as it was given
    :param choices: the words
    :raises ValueError: it is none of them
    """
    if not isinstance(value, str) or value not in choices:
        raise wrong(key, value, f"is unknown; choose from {', '.join(choices)}")
    return value


def table(key: str, value: object) -> dict[str, Any]:
    """A dictionary, as a new one.

    :raises ValueError: it is none
    """
    if not isinstance(value, Mapping):
        raise wrong(key, value, "is no dictionary; give one")
    return {str(name): each for name, each in value.items()}


def whole_list(key: str, value: object, limits: Limits, n: int) -> tuple[int, ...]:
    """Several whole numbers, a list or a tuple.

    :param key: of the value
    :param value: as it was given
    :param limits: least and most of each
    :param n: how many
    :raises ValueError: others
    """
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != n:
        raise wrong(key, value, f"is no list of {n} numbers; give one")
    return tuple(whole(key, each, limits) for each in value)
