"""Parameters of a search space: a number in a range, or one of some choices; each may depend on a parent's choice.

Both turn their values into codes and back, and codes (n,) into columns of the unit cube and of the features
(see ``space``).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INACTIVE = 0.5  # the middle of the cube: as near to every active value as can be
SIGNIFICANT_DIGITS = 6  # of a float in params: readable on a command line, and an exact round trip
ARC = (
    math.pi / 3.0
)  # angle over which a conditional range is bent: distances along it change by < 5 %


@dataclass(frozen=True)
class Range:
    """A number between ``low`` and ``high``, both included.

    :param log: distances are ratios; needs ``low > 0``
    :param integer: whole numbers only
    :param when: ``(parent, choice)``: active only while that earlier parameter has that choice
    :raises ValueError: an empty range, or a logarithmic one that reaches zero
    """

    name: str
    low: float
    high: float
    log: bool = False
    integer: bool = False
    when: tuple[str, Any] | None = None
    width = 1

    def __post_init__(self) -> None:
        if not -math.inf < self.low <= self.high < math.inf:
            raise ValueError(
                f"{self.name} runs from {self.low} to {self.high}; give a lower bound that is not above"
            )
        if self.log and self.low <= 0:
            raise ValueError(
                f"{self.name} starts at {self.low}; a logarithmic range needs a bound above 0"
            )

    def code(self, value: Any) -> float:
        """``value`` as a number, clipped into the range.

        :raises ValueError: not a finite number
        """
        if isinstance(value, (bool, str)) or not math.isfinite(number := _number(value)):
            raise ValueError(f"{self.name} {value!r} is not a finite number; give one")
        return float(min(max(round(number) if self.integer else number, self.low), self.high))

    def value(self, code: float) -> int | float:
        """What a trial gets: an integer, or a float of ``SIGNIFICANT_DIGITS`` (of the range's size if linear)."""
        if self.integer:
            return int(code)
        magnitude = abs(code) if self.log else max(abs(self.low), abs(self.high))
        digits = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(magnitude)) if magnitude else 0
        return float(min(max(round(float(code), digits), self.low), self.high))

    def to_unit(self, codes: Array) -> Array:
        """Codes (n,) to the cube (n, 1)."""
        start, end = self._ends()
        scaled = np.log(codes) if self.log else codes
        unit = (scaled - start) / (end - start) if end > start else np.full_like(codes, INACTIVE)
        return unit[:, None]

    def from_unit(self, block: Array) -> Array:
        """A block of the cube (n, 1) to codes (n,)."""
        start, end = self._ends()
        scaled = start + np.clip(block[:, 0], 0.0, 1.0) * (end - start)
        codes = np.exp(scaled) if self.log else scaled
        return np.clip(
            np.rint(codes) if self.integer else self._rounded(codes), self.low, self.high
        )

    def features(self, codes: Array) -> Array:
        """Codes (n,) to features: the cube's column, or (n, 2) on an arc around the inactive if conditional."""
        return _line(self.to_unit(codes), self.when is not None)

    @property
    def size(self) -> float:
        """How many values there are; infinite for floats."""
        whole = math.floor(self.high) - math.ceil(self.low) + 1
        return whole if self.integer else 1 if self.low == self.high else math.inf

    def every(self) -> list[float]:
        """The codes of a range of finite ``size``."""
        return (
            [self.low]
            if not self.integer
            else [float(n) for n in range(math.ceil(self.low), int(self.high) + 1)]
        )

    def _rounded(self, codes: Array) -> Array:
        magnitude = (
            np.abs(codes) if self.log else np.full_like(codes, max(abs(self.low), abs(self.high)))
        )
        with np.errstate(all="ignore"):  # beyond a float's range of powers nothing is rounded
            step = 10.0 ** (SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(magnitude)))
            rounded = np.rint(codes * step) / step
        return np.where(np.isfinite(rounded), rounded, codes)

    def _ends(self) -> tuple[float, float]:
        margin = 0.5 if self.integer else 0.0
        ends = self.low - margin, self.high + margin
        return (math.log(ends[0]), math.log(ends[1])) if self.log else ends


@dataclass(frozen=True)
class Choice:
    """One of ``choices``, without an order unless they are rising or falling numbers.

    :param when: ``(parent, choice)``: active only while that earlier parameter has that choice
    :raises ValueError: no choices
    """

    name: str
    choices: tuple[Any, ...]
    when: tuple[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.choices:
            raise ValueError(f"{self.name} has no choices; give at least one")

    @property
    def width(self) -> int:
        return len(self.choices)

    def code(self, value: Any) -> float:
        """The index of ``value``.

        :raises ValueError: not among the choices
        """
        if value not in self.choices:
            raise ValueError(
                f"{self.name} {value!r} is unknown; choose from {', '.join(map(str, self.choices))}"
            )
        return float(self.choices.index(value))

    def value(self, code: float) -> Any:
        return self.choices[int(code)]

    def to_unit(self, codes: Array) -> Array:
        """Codes (n,) to one-hot rows (n, width); NaN gives NaN."""
        one_hot: Array = (codes[:, None] == np.arange(self.width)).astype(np.float64)
        one_hot[np.isnan(codes)] = np.nan
        return one_hot

    def from_unit(self, block: Array) -> Array:
        """A block of the cube (n, width) to codes (n,): the largest column wins."""
        codes: Array = block.argmax(axis=1).astype(np.float64)
        return codes

    def features(self, codes: Array) -> Array:
        """Codes (n,) to features: if ordered their places on a line of length 1, as a range's; else (n, width),
        one-hot rows, any two choices 1 apart, zeros where inactive."""
        if self.ordered:
            return _line(codes[:, None] / (self.width - 1), self.when is not None)
        one_hot = codes[:, None] == np.arange(self.width)
        return one_hot / math.sqrt(2.0)

    @property
    def ordered(self) -> bool:
        """Whether the choices are numbers (not booleans) that rise or fall."""
        if len(self.choices) < 2 or not all(
            isinstance(c, (int, float)) and not isinstance(c, bool) for c in self.choices
        ):
            return False
        pairs = list(itertools.pairwise(self.choices))
        return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)

    @property
    def size(self) -> float:
        """How many choices there are."""
        return self.width

    def every(self) -> list[float]:
        """The codes of all choices."""
        return [float(i) for i in range(self.width)]


Parameter = Range | Choice


def _line(unit: Array, conditional: bool) -> Array:
    """Features of places (n, 1) in [0, 1]: themselves, or if conditional (n, 2) on an arc around the inactive, NaN."""
    if not conditional:
        return unit
    arc: Array = np.hstack([np.cos(ARC * unit), np.sin(ARC * unit)]) / ARC
    arc[np.isnan(unit[:, 0])] = 0.0
    return arc


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
