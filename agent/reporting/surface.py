"""The Gaussian process over a history: slices through it, and which parameters matter."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.reporting.history import Configuration
from agent.search.arrays import Array
from agent.search.gp import TinyGP
from agent.search.parameter import Choice, Parameter
from agent.search.space import Space

MIN_CONFIGURATIONS = 3  # with a score: with fewer a slice shows the prior only
SLICE_POINTS = 101  # chosen: smooth at the width of a picture
# The variances of the importances are taken over so many points of the space, and so many values
# of a parameter at each: chosen, 768 predictions a parameter.
BASE_POINTS = 96
LEVELS = 8
FLAT_VARIANCE = 1e-20  # relative to the largest score, squared: below it the mean is flat


@dataclass(frozen=True)
class Surface:
    """A process fitted to the mean scores of the configurations.

    :param X: the configurations in the unit cube (n, width)
    :param y: their mean scores (n,)
    """

    space: Space
    X: Array
    y: Array
    gp: TinyGP


@dataclass(frozen=True)
class Slice:
    """The process along one parameter, through the configuration that it expects to be best.

    :param values: values of the parameter (m)
    :param mean: expected score at each value (m,)
    :param std: standard deviation of the expected score at each value (m,)
    :param fixed: values of the other parameters
    :param tried: values of the configurations that were tried
    :param scores: their mean scores
    """

    parameter: Parameter
    values: list[Any]
    mean: Array
    std: Array
    fixed: dict[str, Any]
    tried: list[Any]
    scores: list[float]


@dataclass(frozen=True)
class Importance:
    """Share of 1 that each parameter matters.

    :param relevance: the range in lengthscales, as a share of the sum over all parameters
    :param first_order: share of the variance of the mean over the space that the parameter explains
        by itself (first-order Sobol index)
    :param total: the same with all its interactions (total Sobol index, Jansen 1999)
    """

    name: str
    relevance: float
    first_order: float
    total: float


def fit_surface(space: Space | None, found: Sequence[Configuration]) -> Surface | None:
    """Fits the process; ``None`` without a space or with too few configurations."""
    if space is None:
        return None
    points: list[Array] = []
    scores: list[float] = []
    for configuration in found:
        with suppress(ValueError):  # an active parameter with a value that is no number
            points.append(space.encode(configuration.params))
            scores.append(configuration.mean)
    if len(points) < MIN_CONFIGURATIONS:
        return None
    X = np.array(points)
    y = np.array(scores)
    return Surface(space, X, y, TinyGP.fit(X, y))


def slices(surface: Surface) -> list[Slice]:
    """Returns one slice per parameter that is active in some configuration with a score."""
    space = surface.space
    expected, _ = surface.gp.predict(surface.X)
    visited = [space.decode(x) for x in surface.X]
    found = []
    for parameter, columns in zip(space.parameters, space.columns, strict=True):
        active = [i for i, params in enumerate(visited) if parameter.name in params]
        if active:
            best = max(active, key=lambda i: expected[i])
            values, mean, std = _along(surface, surface.X[best], parameter, columns)
            fixed = {name: value for name, value in visited[best].items() if name != parameter.name}
            tried = [visited[i][parameter.name] for i in active]
            scores = [float(surface.y[i]) for i in active]
            found.append(Slice(parameter, values, mean, std, fixed, tried, scores))
    return found


def importances(surface: Surface) -> list[Importance]:
    """Returns the importance of each parameter, in the space's order.

    Variances are those of the process's mean, as in fANOVA (Hutter et al. 2014). They are Monte
    Carlo estimates from ``BASE_POINTS`` points with a fixed seed.
    """
    space = surface.space
    base = np.random.default_rng(0).random((BASE_POINTS, space.width))
    spread = float(_scaled_mean(surface, base).var())
    relevances = []
    indices = []
    for parameter, columns in zip(space.parameters, space.columns, strict=True):
        relevances.append(_relevance(surface, parameter, columns))
        indices.append(_sobol_indices(surface, base, spread, _grid(parameter, LEVELS), columns))
    shares = np.array(relevances) / sum(relevances)
    return [
        Importance(name, float(share), first_order, total)
        for name, share, (first_order, total) in zip(space.names, shares, indices, strict=True)
    ]


def _along(
    surface: Surface, start: Array, parameter: Parameter, columns: slice
) -> tuple[list[Any], Array, Array]:
    """Distinct values of one parameter, with mean and std there. The others stay."""
    space = surface.space
    grid = _grid(parameter, SLICE_POINTS)
    points = np.repeat(start[None], len(grid), axis=0)
    points[:, columns] = grid
    decoded = [space.decode(point) for point in points]
    distinct = {params[parameter.name]: params for params in decoded}
    encoded = np.array([space.encode(params) for params in distinct.values()])
    mean, std = surface.gp.predict(encoded)
    return list(distinct), mean, std


def _relevance(surface: Surface, parameter: Parameter, columns: slice) -> float:
    """The parameter's range in lengthscales."""
    inverse = np.asarray(surface.gp.hyperparameters.lengthscales)[columns] ** -2.0
    squared = inverse.sum()
    if isinstance(parameter, Choice):  # of two choices, averaged over the pairs
        squared *= 2.0 / parameter.width
    return float(np.sqrt(squared))


def _sobol_indices(
    surface: Surface, base: Array, spread: float, grid: Array, columns: slice
) -> tuple[float, float]:
    """Both indices of the parameter whose ``columns`` take the values of ``grid``."""
    points = np.tile(base, (len(grid), 1))
    points[:, columns] = np.repeat(grid, len(base), axis=0)
    mean = _scaled_mean(surface, points).reshape(len(grid), len(base))
    whole = max(spread, float(mean.var()), FLAT_VARIANCE)
    first_order = float(mean.mean(axis=1).var()) / whole
    total = float(mean.var(axis=0).mean()) / whole
    return first_order, total


def _scaled_mean(surface: Surface, points: Array) -> Array:
    """Expected scores in units of the largest score: squares of huge scores would overflow."""
    scale = float(np.abs(surface.y).max()) or 1.0
    # Integers move into their bins, and inactive parameters to the middle.
    snapped = surface.space.to_unit(surface.space.from_unit(points))
    mean: Array = surface.gp.predict(snapped)[0] / scale
    return mean


def _grid(parameter: Parameter, size: int) -> Array:
    """Values (m, width) of one parameter: every choice, or ``size`` midpoints of the cube."""
    if isinstance(parameter, Choice):
        return np.eye(parameter.width)
    return ((np.arange(size) + 0.5) / size)[:, None]
