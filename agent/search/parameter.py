"""Parameters of a search space: a number in a range, or one of some choices.

Each may depend on the choice of a parent. Both kinds turn their values into codes and back, and
codes (n,) into columns of the unit cube and of the features (see ``space``).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.search.arrays import Array

INACTIVE = 0.5  # the middle of the cube: as near to every active value as can be
SIGNIFICANT_DIGITS = 6  # of a float in params: readable on a command line, and an exact round trip
ARC = math.pi / 3.0  # angle of the arc of a conditional range: distances on it change by < 5 %


@dataclass(frozen=True)
class Range:
    """A number between ``low`` and ``high``, both included.

    :param log: distances are ratios; needs ``low > 0``
    :param integer: whole numbers only; the bounds are then those of the whole numbers inside
    :param when: ``(parent, choice)``: active only while that earlier parameter has that choice
    :raises ValueError: an empty range, a logarithmic one that reaches zero, or bounds too far apart
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
                f"{self.name} runs from {self.low} to {self.high}; "
                "give a lower bound that is not above"
            )
        if not _span_is_finite(self.low, self.high):
            raise ValueError(f"{self.name} has bounds that are too large; give nearer ones")
        if self.integer:
            self._keep_whole_numbers()
        if self.log and self.low <= 0:
            raise ValueError(
                f"{self.name} starts at {self.low}; a logarithmic range needs a bound above 0"
            )

    def _keep_whole_numbers(self) -> None:
        first = math.ceil(self.low)
        last = math.floor(self.high)
        if first > last:
            raise ValueError(
                f"{self.name} has no whole number from {self.low} to {self.high}; widen the range"
            )
        object.__setattr__(self, "low", first)
        object.__setattr__(self, "high", last)

    @property
    def size(self) -> float:
        """Number of values; infinite for floats."""
        if self.integer:
            return self.high - self.low + 1
        return 1 if self.low == self.high else math.inf

    def holds(self, value: Any) -> bool:
        """True for a value of this range; one that would be clipped or rounded is none."""
        try:
            return self.code(value) == value
        except ValueError:
            return False

    def code(self, value: Any) -> float:
        """Returns ``value`` as a number, clipped into the range.

        :raises ValueError: not a finite number
        """
        number = _number(value)
        if not math.isfinite(number):
            raise ValueError(f"{self.name} {value!r} is not a finite number; give one")
        if self.integer:
            number = round(number)
        return float(min(max(number, self.low), self.high))

    def value(self, code: float) -> int | float:
        """Returns what a trial gets: an integer, or a float of ``SIGNIFICANT_DIGITS``.

        These are the digits of the number if the range is logarithmic, else of the range's ends.
        """
        if self.integer:
            return int(code)
        magnitude = abs(code) if self.log else self._largest()
        digits = 0
        if magnitude:
            digits = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(magnitude))
        return float(min(max(round(float(code), digits), self.low), self.high))

    def to_unit(self, codes: Array) -> Array:
        """Codes (n,) to the cube (n, 1)."""
        low, high = self._unit_ends()
        scaled = np.log(codes) if self.log else codes
        unit = np.full_like(codes, INACTIVE)
        if high > low:
            unit = (scaled - low) / (high - low)
        return unit[:, None]

    def from_unit(self, block: Array) -> Array:
        """Columns of the cube (n, 1) to codes (n,)."""
        low, high = self._unit_ends()
        codes = low + np.clip(block[:, 0], 0.0, 1.0) * (high - low)
        if self.log:
            codes = np.exp(codes)
        rounded = np.rint(codes) if self.integer else self._rounded(codes)
        return np.clip(rounded, self.low, self.high)

    def features(self, codes: Array) -> Array:
        """Codes (n,) to features: the cube's column, or (n, 2) on an arc if conditional."""
        return _on_line(self.to_unit(codes), self.when is not None)

    def every(self) -> list[float]:
        """Returns the codes of a range of finite ``size``."""
        if not self.integer:
            return [self.low]
        return [float(n) for n in range(int(self.low), int(self.high) + 1)]

    def _rounded(self, codes: Array) -> Array:
        magnitude = np.abs(codes) if self.log else np.full_like(codes, self._largest())
        with np.errstate(all="ignore"):  # beyond a float's range of powers nothing is rounded
            step = 10.0 ** (SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(magnitude)))
            rounded = np.rint(codes * step) / step
        return np.where(np.isfinite(rounded), rounded, codes)

    def _largest(self) -> float:
        return max(abs(self.low), abs(self.high))

    def _unit_ends(self) -> tuple[float, float]:
        """Ends of the cube's column; an integer lies in the middle of a bin of width 1."""
        margin = 0.5 if self.integer else 0.0
        low = self.low - margin
        high = self.high + margin
        if self.log:
            return math.log(low), math.log(high)
        return low, high


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
        """Columns of the unit cube."""
        return len(self.choices)

    @property
    def size(self) -> float:
        """Number of choices."""
        return self.width

    @property
    def ordered(self) -> bool:
        """True for numbers (not booleans) that rise or fall."""
        numbers = [
            choice
            for choice in self.choices
            if isinstance(choice, (int, float)) and not isinstance(choice, bool)
        ]
        if self.width < 2 or len(numbers) < self.width:
            return False
        pairs = list(itertools.pairwise(numbers))
        return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)

    def holds(self, value: Any) -> bool:
        """True for one of the choices."""
        return value in self.choices

    def code(self, value: Any) -> float:
        """Returns the index of ``value``.

        :raises ValueError: not among the choices
        """
        if value not in self.choices:
            known = ", ".join(map(str, self.choices))
            raise ValueError(f"{self.name} {value!r} is unknown; choose from {known}")
        return float(self.choices.index(value))

    def value(self, code: float) -> Any:
        """Returns what a trial gets."""
        return self.choices[int(code)]

    def to_unit(self, codes: Array) -> Array:
        """Codes (n,) to one-hot rows (n, width); NaN gives NaN."""
        one_hot: Array = (codes[:, None] == np.arange(self.width)).astype(np.float64)
        one_hot[np.isnan(codes)] = np.nan
        return one_hot

    def from_unit(self, block: Array) -> Array:
        """Columns of the cube (n, width) to codes (n,): the largest column wins."""
        codes: Array = block.argmax(axis=1).astype(np.float64)
        return codes

    def features(self, codes: Array) -> Array:
        """Codes (n,) to features.

        Ordered choices lie on a line of length 1, as a range does. Others are one-hot rows
        (n, width), any two choices 1 apart, and zeros where inactive.
        """
        if self.ordered:
            return _on_line(codes[:, None] / (self.width - 1), self.when is not None)
        one_hot = codes[:, None] == np.arange(self.width)
        return one_hot / math.sqrt(2.0)

    def every(self) -> list[float]:
        """Returns the codes of all choices."""
        return [float(i) for i in range(self.width)]


Parameter = Range | Choice


def _on_line(unit: Array, conditional: bool) -> Array:
    """Features of positions (n, 1) in [0, 1]: the same, or (n, 2) on an arc if conditional.

    The centre of the arc is the inactive value, NaN.
    """
    if not conditional:
        return unit
    arc: Array = np.hstack([np.cos(ARC * unit), np.sin(ARC * unit)]) / ARC
    arc[np.isnan(unit[:, 0])] = 0.0
    return arc


def _span_is_finite(low: float, high: float) -> bool:
    try:
        return math.isfinite(float(high) - float(low))
    except OverflowError:  # a whole number beyond any float
        return False


def _number(value: Any) -> float:
    """Returns a number as a float; NaN for everything else, booleans and texts too."""
    if isinstance(value, (bool, str)):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
