"""Measures of a trial: what its world says of the evaluation episodes, beside their reward."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.config.plain import is_finite
from agent.reporting.style import number

REWARDS = "episodes"  # of a record's score: its own mean is the trial's score, so no measure
NOTHING = "-"


def measure_texts(score: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Returns the name and the text of every measure in a record's ``score``, in its order.

    Names are whatever the world chose. A list, such as a number per episode, becomes its mean and
    its range. A group of measures is taken apart.
    """
    texts: list[tuple[str, str]] = []
    for name, value in (score or {}).items():
        if isinstance(value, Mapping):
            texts += measure_texts(value)
        elif name != REWARDS:
            texts.append((name, _text(value)))
    return texts


def measure_values(score: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """Gives the name and the value of every measure as ``measure_texts`` names them.

    A list becomes the mean of its numbers. What has no value is left out.
    """
    for name, value in (score or {}).items():
        if isinstance(value, Mapping):
            yield from measure_values(value)
        elif isinstance(value, list):
            numbers = [each for each in value if is_finite(each)]
            if name != REWARDS and numbers:
                yield name, math.fsum(numbers) / len(numbers)
        elif value is not None:
            yield name, value


def _text(value: Any) -> str:
    if value is None or value == []:
        return NOTHING
    if isinstance(value, list):
        return _summary(value)
    return number(value)


def _summary(values: Sequence[Any]) -> str:
    if not all(is_finite(value) for value in values):
        return number(", ".join(map(str, values)))
    low = min(values)
    high = max(values)
    if low == high:
        return number(low)
    mean = math.fsum(values) / len(values)
    return f"{number(mean)} ({number(low)} to {number(high)})"
