"""Parameters and numbers in words, in lines that stay short whatever the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = 100  # of a line about a candidate; chosen
MAX_VALUE_CHARS = 24
MAX_FIXED = 1e7  # larger numbers are written in powers of ten


def in_words(params: Mapping[str, Any], columns: int | None = None) -> str:
    """Returns names and values as a line shows them.

    :param params: to show
    :param columns: room for them; what does not fit is counted. ``None`` shows all
    """
    words = [f"{name} {value_in_words(value)}" for name, value in params.items()]
    kept = len(words)
    while columns is not None and kept > 1 and len(_line(words, kept)) > columns:
        kept -= 1
    return _line(words, kept)


def value_in_words(value: Any) -> str:
    """Returns a parameter's value as short text, on one line."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    if len(text) > MAX_VALUE_CHARS:
        return text[: MAX_VALUE_CHARS - 3] + "..."
    return text


def fixed(value: float, digits: int) -> str:
    """Returns a score with so many decimals, a huge one in powers of ten."""
    if abs(value) < MAX_FIXED:
        return f"{value:.{digits}f}"
    return f"{value:.6g}"


def differing(params: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the params that one of ``others`` has otherwise or lacks; all if there is none."""
    found = {
        name: value
        for name, value in params.items()
        if any(name not in other or other[name] != value for other in others)
    }
    return found or dict(params)


def _line(words: list[str], kept: int) -> str:
    shown = " ".join(words[:kept])
    if kept == len(words):
        return shown
    return f"{shown} and {len(words) - kept} more"
