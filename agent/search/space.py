"""A search space is data: a list of parameters, each a range or a set of choices.

A point of the space lives in four forms. ``params`` is the dictionary that a trial takes. Its *codes*
are one number per parameter (a choice's index, NaN for a parameter that is inactive). Its *encoding*
lies in the unit cube, where candidates are drawn and moved: a range takes one column (linear or
logarithmic, each integer in the middle of its bin), a set of choices one column per choice (one-hot),
and an inactive parameter sits at 0.5. Its *features* are where the Gaussian process measures
distances: there an inactive parameter is equally far from all of its active values, so what it would
have been cannot matter, and equal to itself. A conditional range lies on an arc around its inactive
value for that (Swersky et al. 2013, *Raiders of the lost architecture*). Choices that are numbers in
order, such as 64, 128, 256, are neighbours there, each one step from the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.search.parameter import INACTIVE, Choice, Parameter, Range

Array = NDArray[np.float64]

AGENTS = ("ppo", "dqn")  # the specification's, among which the search chooses
SETTLED_AGENTS = (
    *AGENTS,
    "sac",
    "td3",
    "ddpg",
    "tqc",
    "recurrent_ppo",
)  # what else a person may choose for it


@dataclass(frozen=True)
class Space:
    """Parameters in order, parents before their children.

    :param context: values that are settled outside the search, such as the agent; ``encode`` refuses
        params that name another value, so observations of another agent are not taken for this one's
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
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def width(self) -> int:
        """Columns of an encoding."""
        return sum(parameter.width for parameter in self.parameters)

    def encode(self, params: Mapping[str, Any]) -> Array:
        """The point of the unit cube (width,) of ``params``.

        :raises ValueError: as ``codes``
        """
        point: Array = self.to_unit(np.array([self.codes(params)]))[0]
        return point

    def codes(self, params: Mapping[str, Any]) -> list[float]:
        """One number per parameter, NaN for the inactive.

        Names that the space lacks are ignored, numbers outside their range are clipped into it.

        :raises ValueError: an active parameter is missing or has an impossible value, or the context differs
        """
        for name, wanted in self.context.items():
            if params.get(name, wanted) != wanted:
                raise ValueError(
                    f"{name} {params[name]!r} is not this space's; it searches {wanted!r}"
                )
        codes: list[float] = []
        for parameter in self.parameters:
            if parameter.when and not self._active(parameter.when, params):
                codes.append(math.nan)
            elif parameter.name in params:
                codes.append(parameter.code(params[parameter.name]))
            else:
                raise ValueError(
                    f"parameter {parameter.name!r} is missing; the space needs {', '.join(self.names)}"
                )
        return codes

    def decode(self, point: Array) -> dict[str, Any]:
        """The params, inactive ones left out, of a point (width,) of the unit cube."""
        return self.params(self.from_unit(np.asarray(point, dtype=np.float64)[None])[0])

    def params(self, codes: Array) -> dict[str, Any]:
        """What a trial gets for codes (parameters,), inactive ones left out."""
        pairs = zip(self.parameters, codes, strict=True)
        return {
            parameter.name: parameter.value(code)
            for parameter, code in pairs
            if not math.isnan(code)
        }

    def features(self, codes: Array) -> Array:
        """Where the Gaussian process sees ``codes`` (n, parameters): columns (n, len(groups))."""
        return np.hstack(
            [parameter.features(codes[:, i]) for i, parameter in enumerate(self.parameters)]
        )

    @property
    def groups(self) -> NDArray[np.intp]:
        """The parameter to which each column of ``features`` belongs; they share its lengthscale."""
        widths = [parameter.features(np.full(1, np.nan)).shape[1] for parameter in self.parameters]
        return np.repeat(np.arange(len(widths)), widths)

    def cells(self, limit: int) -> Array | None:
        """The codes (cells, parameters) of every configuration; ``None`` if there are more than ``limit``."""
        rows: list[list[float]] = [[]]
        for parameter in self.parameters:
            grown: list[list[float]] = []
            for row in rows:
                active = parameter.when is None or row[
                    self.names.index(parameter.when[0])
                ] == self._wanted(parameter)
                if active and len(grown) + parameter.size > limit:
                    return None
                grown += [[*row, code] for code in (parameter.every() if active else [math.nan])]
            rows = grown
        return np.array(rows) if len(rows) <= limit else None

    def to_unit(self, codes: Array) -> Array:
        """The points (n, width) of the unit cube of ``codes``, one row each (n, parameters)."""
        unit: Array = np.hstack(
            [parameter.to_unit(codes[:, i]) for i, parameter in enumerate(self.parameters)]
        )
        unit[np.isnan(unit)] = INACTIVE
        return unit

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """Random params: uniform over choices, integers, floats and the logarithm of logarithmic ranges."""
        return self.decode(rng.random(self.width))

    def _active(self, when: tuple[str, Any], params: Mapping[str, Any]) -> bool:
        parent = self.parameters[self.names.index(when[0])]
        return params.get(when[0]) == when[1] and (
            parent.when is None or self._active(parent.when, params)
        )

    def _wanted(self, child: Parameter) -> float:
        """The code that the parent of a conditional parameter must have."""
        assert child.when is not None
        return self.parameters[self.names.index(child.when[0])].code(child.when[1])

    def from_unit(self, points: Array) -> Array:
        """The codes (n, parameters) of points (n, width) of the unit cube, rounded as params are."""
        codes = np.empty((len(points), len(self.parameters)))
        start = 0
        for i, parameter in enumerate(self.parameters):
            codes[:, i] = parameter.from_unit(points[:, start : start + parameter.width])
            start += parameter.width
            if parameter.when:
                parent = self.names.index(parameter.when[0])
                codes[codes[:, parent] != self._wanted(parameter), i] = math.nan
        return codes


def trial_space(agent: str | None, min_timesteps: int, max_timesteps: int) -> Space:
    """The controller's space: agent, action bins for DQN, learning rate and training length.

    :param agent: an algorithm to settle it, ``None`` to search among ``AGENTS`` too
    :raises ValueError: an unknown agent or an empty range of timesteps
    """
    if agent is not None and agent not in SETTLED_AGENTS:
        raise ValueError(f"agent {agent!r} is unknown; choose from {', '.join(SETTLED_AGENTS)}")
    if not 1 <= min_timesteps <= max_timesteps:
        raise ValueError(
            f"timesteps from {min_timesteps} to {max_timesteps} is no range; give 1 <= minimum <= maximum"
        )
    parameters: list[Parameter] = [] if agent else [Choice("agent", AGENTS)]
    if agent in (None, "dqn"):
        parameters += _action_bins(when=None if agent else ("agent", "dqn"))
    parameters += [
        _learning_rate(),
        Range("timesteps", min_timesteps, max_timesteps, log=True, integer=True),
    ]
    return Space(tuple(parameters), {"agent": agent} if agent else {})


def sweep_space() -> Space:
    """The grid sweep's space, DQN only: steering bins, throttle bins and learning rate."""
    return Space((*_action_bins(), _learning_rate()), {"agent": "dqn"})


def _action_bins(when: tuple[str, str] | None = None) -> tuple[Range, Range]:
    return Range("n_steer", 3, 11, integer=True, when=when), Range(
        "n_throttle", 2, 6, integer=True, when=when
    )


def _learning_rate() -> Range:
    return Range("learning_rate", 1e-4, 3e-3, log=True)
