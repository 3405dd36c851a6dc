"""What the Gaussian process makes of a history: the space that was searched, slices through it, what matters.

The space is read off the trials, so a report needs no options of the search: a parameter was searched when it
varies among the trials of one algorithm and one kind. What varies for one algorithm alone (the action bins of DQN)
is inactive for the others. Ranges end at the smallest and the largest value that was tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.reporting.history import Configuration, Trial
from agent.search.gp import TinyGP
from agent.search.space import Choice, Parameter, Range, Space
from agent.trials.record import NOT_HYPERPARAMETERS

Array = NDArray[np.float64]

LEAST = 3  # configurations with a score: with fewer a slice shows the prior only
LOG_RATIO = 10.0  # a positive range that spans less is never measured in ratios
GRID = 101  # points of a slice
CONSTANT = 1e-20  # variance relative to the largest score below which the mean is flat
BASE_POINTS, LEVELS = (
    96,
    8,
)  # points of the space and values per parameter that the variances are taken over


@dataclass(frozen=True)
class Surface:
    """A process fitted to the mean scores of the configurations: ``X`` (n, width) in the unit cube, ``y`` (n,)."""

    space: Space
    X: Array
    y: Array
    gp: TinyGP


@dataclass(frozen=True)
class Slice:
    """The process along one parameter, the others held where it expects the best among the configurations tried.

    :param values: of the parameter, with ``mean`` and ``std`` of the expected score there, (m,) each
    :param held: the other parameters
    :param tried: values of the configurations, with their mean scores ``scores``
    """

    parameter: Parameter
    values: list[Any]
    mean: Array
    std: Array
    held: dict[str, Any]
    tried: list[Any]
    scores: list[float]


@dataclass(frozen=True)
class Importance:
    """How much a parameter matters, each a share of 1.

    :param reach: how many lengthscales the whole range spans, relative to the other parameters' reach
    :param alone: variance of the mean, over the space, that the parameter explains by itself (first-order Sobol index)
    :param total: the same with all its interactions (total Sobol index, Jansen 1999)
    """

    name: str
    reach: float
    alone: float
    total: float


def searched_space(trials: Sequence[Trial]) -> Space | None:
    """The space of what varied, ``None`` when nothing did."""
    agents = list(dict.fromkeys(trial.agent for trial in trials))
    varied = {
        agent: _varied([trial for trial in trials if trial.agent == agent]) for agent in agents
    }
    parameters: list[Parameter] = (
        [Choice("agent", tuple(sorted(agents)))] if len(agents) > 1 else []
    )
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        active = [agent for agent in agents if name in varied[agent]]
        if active and name not in ("agent", *NOT_HYPERPARAMETERS):
            when = ("agent", active[0]) if len(active) == 1 < len(agents) else None
            tried = [
                trial.params[name]
                for trial in trials
                if trial.agent in active and name in trial.params
            ]
            parameters.append(_parameter(name, tried, when))
    return Space(tuple(parameters)) if parameters else None


def active_names(space: Space | None, params: dict[str, Any]) -> set[str]:
    """The searched parameters that are active in ``params``; none when these do not fit the space."""
    try:
        codes = space.codes(params) if space else []
    except ValueError:
        return set()
    return {
        name
        for name, code in zip(space.names if space else (), codes, strict=True)
        if not math.isnan(code)
    }


def fit_surface(space: Space | None, found: Sequence[Configuration]) -> Surface | None:
    """The process over ``space``; ``None`` with nothing to show or fewer than ``LEAST`` configurations."""
    if space is None:
        return None
    rows: list[tuple[Array, float]] = []
    for each in found:
        with suppress(ValueError):  # an active parameter with a value that is no number
            rows.append((space.encode(each.params), each.mean))
    if len(rows) < LEAST:
        return None
    X, y = np.array([point for point, _ in rows]), np.array([score for _, score in rows])
    return Surface(space, X, y, TinyGP.fit(X, y))


def slices(surface: Surface) -> list[Slice]:
    """One slice per parameter that is active in some configuration with a score."""
    expected, _ = surface.gp.predict(surface.X)
    visited = [surface.space.decode(x) for x in surface.X]
    found = []
    for parameter, columns in _columns(surface.space):
        active = [i for i, params in enumerate(visited) if parameter.name in params]
        if not active:
            continue
        best = max(active, key=lambda i: expected[i])
        points = np.repeat(surface.X[best][None], len(grid := _grid(parameter, GRID)), axis=0)
        points[:, columns] = grid
        decoded = [surface.space.decode(point) for point in points]
        distinct = {params[parameter.name]: params for params in decoded}
        mean, std = surface.gp.predict(
            np.array([surface.space.encode(params) for params in distinct.values()])
        )
        held = {name: value for name, value in visited[best].items() if name != parameter.name}
        tried = [visited[i][parameter.name] for i in active]
        found.append(
            Slice(
                parameter,
                list(distinct),
                mean,
                std,
                held,
                tried,
                [float(surface.y[i]) for i in active],
            )
        )
    return found


def importances(surface: Surface) -> list[Importance]:
    """By lengthscale and by variance of the process's mean (as fANOVA: Hutter et al. 2014), in the space's order.

    The variances are Monte-Carlo estimates from ``BASE_POINTS`` points with a fixed seed.
    """
    space, gp = surface.space, surface.gp
    base = np.random.default_rng(0).random((BASE_POINTS, space.width))
    unit = float(np.abs(surface.y).max()) or 1.0  # squares of huge scores would overflow
    spread = float((gp.predict(_snapped(space, base))[0] / unit).var())
    reach, alone, total = [], [], []
    for parameter, columns in _columns(space):
        inverse = np.asarray(gp.hyperparameters.lengthscales)[columns] ** -2.0
        # Squared distance across a range; for choices that between two of them, averaged over the pairs.
        reach.append(
            float(
                np.sqrt(
                    inverse.sum()
                    * (2.0 / parameter.width if isinstance(parameter, Choice) else 1.0)
                )
            )
        )
        grid = _grid(parameter, LEVELS)
        points = np.tile(base, (len(grid), 1))
        points[:, columns] = np.repeat(grid, len(base), axis=0)
        mean = (gp.predict(_snapped(space, points))[0] / unit).reshape(len(grid), len(base))
        whole = max(spread, float(mean.var()), CONSTANT)
        alone.append(float(mean.mean(axis=1).var()) / whole)
        total.append(float(mean.var(axis=0).mean()) / whole)
    shares = np.array(reach) / sum(reach)
    return [
        Importance(*each)
        for each in zip(space.names, map(float, shares), alone, total, strict=True)
    ]


def _varied(trials: Sequence[Trial]) -> set[str]:
    """Names whose values differ within the sweeps or within the searches; between the two nothing was searched."""
    values: dict[tuple[bool, str], set[Any]] = {}
    for trial in trials:
        for name, value in trial.params.items():
            values.setdefault((trial.record.kind == "sweep", name), set()).add(value)
    return {name for (_, name), distinct in values.items() if len(distinct) > 1}


def _parameter(name: str, tried: Sequence[Any], when: tuple[str, str] | None) -> Parameter:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in tried):
        low, high = min(tried), max(tried)
        integer = all(isinstance(value, int) for value in tried)
        return Range(
            name, low, high, log=_is_logarithmic(low, high, tried), integer=integer, when=when
        )
    return Choice(name, tuple(sorted(set(tried), key=str)), when=when)


def _is_logarithmic(low: float, high: float, tried: Sequence[float]) -> bool:
    """Whether the middle one of the values lies nearer to the middle of the range in ratios than in differences."""
    if low <= 0 or high / low < LOG_RATIO:
        return False
    middle = float(np.median(tried))
    return abs(math.log(middle / low) / math.log(high / low) - 0.5) < abs(
        (middle - low) / (high - low) - 0.5
    )


def _columns(space: Space) -> list[tuple[Parameter, slice]]:
    """Every parameter with its columns of the unit cube."""
    ends = np.cumsum([parameter.width for parameter in space.parameters])
    return [
        (each, slice(int(end) - each.width, int(end)))
        for each, end in zip(space.parameters, ends, strict=True)
    ]


def _grid(parameter: Parameter, size: int) -> Array:
    """Values of one parameter, even over its block of the cube (m, width): every choice, or ``size`` midpoints."""
    if isinstance(parameter, Choice):
        return np.eye(parameter.width)
    return ((np.arange(size) + 0.5) / size)[:, None]


def _snapped(space: Space, points: Array) -> Array:
    """Where the params of points (n, width) encode: integers in their bins, inactive parameters in the middle."""
    return space.to_unit(space.from_unit(points))
