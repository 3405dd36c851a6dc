"""A search space is data: a list of parameters, each a range or a set of choices.

A point of the space has four forms:

- *params*: the dictionary that a trial takes.
- *codes*: one number per parameter, such as a choice's index; NaN for an inactive parameter.
- *encoding*: a point of the unit cube, where candidates are drawn and moved. A range takes one
  column (linear or logarithmic, each integer in the middle of its bin), a set of choices one
  column per choice (one-hot). An inactive parameter sits at 0.5.
- *features*: the point at which the Gaussian process measures distances. An inactive parameter is
  equally far from all of its active values there, so the value that it would have had cannot
  matter. For that a conditional range lies on an arc around its inactive value (Swersky et al.
  2013, *Raiders of the lost architecture*). Choices that are numbers in order, such as
  64, 128, 256, are neighbours, each one step from the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agent.search.arrays import Array, Indices
from agent.search.parameter import INACTIVE, Choice, Parameter


@dataclass(frozen=True)
class Space:
    """Parameters in order, parents before their children.

    :param context: values that are fixed outside the search, such as the agent. Params that name
        another value are refused, so observations of another agent are not taken for this one's.
    :raises ValueError: no parameters, a name twice, or a parent that does not come first
    """

    parameters: tuple[Parameter, ...]
    context: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ValueError("the space has no parameters; give at least one")
        choices: dict[str, tuple[Any, ...]] = {}
        for parameter in self.parameters:
            if parameter.name in choices:
                raise ValueError(
                    f"parameter {parameter.name!r} stands twice in the space; rename one"
                )
            if parameter.when and parameter.when[1] not in choices.get(parameter.when[0], ()):
                raise ValueError(
                    f"{parameter.name} depends on {parameter.when}; put that choice before it"
                )
            choices[parameter.name] = parameter.choices if isinstance(parameter, Choice) else ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def width(self) -> int:
        """Columns of an encoding."""
        return sum(parameter.width for parameter in self.parameters)

    @property
    def columns(self) -> tuple[slice, ...]:
        """Columns of an encoding that belong to each parameter."""
        columns = []
        start = 0
        for parameter in self.parameters:
            columns.append(slice(start, start + parameter.width))
            start += parameter.width
        return tuple(columns)

    @property
    def groups(self) -> Indices:
        """Index of the parameter to which each column of ``features`` belongs.

        The columns of a parameter share its lengthscale.
        """
        widths = [parameter.features(np.full(1, np.nan)).shape[1] for parameter in self.parameters]
        return np.repeat(np.arange(len(widths)), widths)

    def encode(self, params: Mapping[str, Any]) -> Array:
        """Params to a point of the unit cube (width,).

        :raises ValueError: see ``codes``
        """
        point: Array = self.to_unit(np.array([self.codes(params)]))[0]
        return point

    def decode(self, point: Array) -> dict[str, Any]:
        """A point of the unit cube (width,) to params, inactive ones left out."""
        return self.params(self.from_unit(np.asarray(point, dtype=np.float64)[None])[0])

    def codes(self, params: Mapping[str, Any]) -> list[float]:
        """Params to codes: one number per parameter, NaN for the inactive.

        Names that the space lacks are ignored, numbers outside their range are clipped into it.

        :raises ValueError: an active parameter is missing or has an impossible value, or the
            context differs
        """
        for name, wanted in self.context.items():
            if params.get(name, wanted) != wanted:
                raise ValueError(
                    f"{name} {params[name]!r} is not this space's; it searches {wanted!r}"
                )
        return [self._code(parameter, params) for parameter in self.parameters]

    def params(self, codes: Array) -> dict[str, Any]:
        """Codes (parameters,) to params, inactive ones left out."""
        return {
            parameter.name: parameter.value(code)
            for parameter, code in zip(self.parameters, codes, strict=True)
            if not math.isnan(code)
        }

    def features(self, codes: Array) -> Array:
        """Codes (n, parameters) to features (n, len(groups))."""
        return np.hstack(
            [parameter.features(codes[:, i]) for i, parameter in enumerate(self.parameters)]
        )

    def to_unit(self, codes: Array) -> Array:
        """Codes (n, parameters) to points (n, width) of the unit cube."""
        unit: Array = np.hstack(
            [parameter.to_unit(codes[:, i]) for i, parameter in enumerate(self.parameters)]
        )
        unit[np.isnan(unit)] = INACTIVE
        return unit

    def from_unit(self, points: Array) -> Array:
        """Points (n, width) of the unit cube to codes (n, parameters), rounded as params are."""
        codes = np.empty((len(points), len(self.parameters)))
        for i, (parameter, columns) in enumerate(zip(self.parameters, self.columns, strict=True)):
            codes[:, i] = parameter.from_unit(points[:, columns])
            if parameter.when:
                parent, wanted = self._condition(parameter.when)
                codes[codes[:, parent] != wanted, i] = math.nan
        return codes

    def cells(self, limit: int) -> Array | None:
        """Codes (cells, parameters) of every configuration; ``None`` if they exceed ``limit``."""
        rows: list[list[float]] = [[]]
        for parameter in self.parameters:
            extended: list[list[float]] = []
            for row in rows:
                active = self._active_in(parameter, row)
                if active and len(extended) + parameter.size > limit:
                    return None
                codes = parameter.every() if active else [math.nan]
                extended += [[*row, code] for code in codes]
            rows = extended
        if len(rows) > limit:
            return None
        return np.array(rows)

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Random params: uniform over choices, integers, floats and logarithms of log ranges."""
        return self.decode(rng.random(self.width))

    def _code(self, parameter: Parameter, params: Mapping[str, Any]) -> float:
        if parameter.when and not self._active(parameter.when, params):
            return math.nan
        if parameter.name not in params:
            raise ValueError(
                f"parameter {parameter.name!r} is missing; the space needs {', '.join(self.names)}"
            )
        return parameter.code(params[parameter.name])

    def _active(self, when: tuple[str, Any], params: Mapping[str, Any]) -> bool:
        name, choice = when
        if params.get(name) != choice:
            return False
        parent = self.parameters[self.names.index(name)]
        return parent.when is None or self._active(parent.when, params)

    def _active_in(self, parameter: Parameter, row: list[float]) -> bool:
        """True if a parameter is active after the codes of those before it."""
        if parameter.when is None:
            return True
        parent, wanted = self._condition(parameter.when)
        return row[parent] == wanted

    def _condition(self, when: tuple[str, Any]) -> tuple[int, float]:
        """Index of the parent of a conditional parameter, and the code that it must have."""
        name, choice = when
        index = self.names.index(name)
        return index, self.parameters[index].code(choice)
