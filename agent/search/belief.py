"""Expectations of the surrogate, for people: slices of it, and how much each parameter matters.

A slice goes along one parameter through the configuration that is recommended. Bands are one
standard deviation of the expected score, without the noise of a single trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.search.acquisition import ucb
from agent.search.arrays import Array
from agent.search.parameter import Choice, Parameter, Range
from agent.search.surrogate import Surrogate

SLICE_POINTS = 33  # chosen: smooth at the width of a small picture
# Importances are taken over so many points of the space, and so many values at each: chosen.
BASE_POINTS = 32
LEVELS = 8
FLAT_VARIANCE = 1e-20  # below it the expected score is the same everywhere


@dataclass(frozen=True)
class Slice:
    """Expected scores along one parameter.

    :param name: of the parameter
    :param values: of the parameter (m)
    :param mean: expected score at each (m)
    :param low: a standard deviation below it (m)
    :param high: a standard deviation above it (m)
    :param upper: the upper confidence bound, which the search maximises (m)
    :param log: distances along it are ratios
    """

    name: str
    values: list[Any]
    mean: list[float]
    low: list[float]
    high: list[float]
    upper: list[float]
    log: bool


@dataclass(frozen=True)
class Belief:
    """Expectations of a surrogate.

    :param slices: along each parameter that is active where they meet
    :param importances: share of the variance of the expected score that a parameter has to do with,
        by itself and with others (total Sobol index, Jansen 1999), by its name
    """

    slices: list[Slice]
    importances: dict[str, float]


def belief_of(surrogate: Surrogate, kappa: float) -> Belief:
    """Returns what a surrogate expects; equal arguments give an equal answer.

    :param surrogate: of the history
    :param kappa: weight of the uncertainty in the upper confidence bound
    """
    space = surrogate.space
    middle = surrogate.visited.codes[surrogate.recommended_row()]
    columns = space.columns
    slices = [
        _slice(surrogate, middle, parameter, columns[i], kappa)
        for i, parameter in enumerate(space.parameters)
        if not np.isnan(middle[i])
    ]
    return Belief(slices, _importances(surrogate))


def _slice(
    surrogate: Surrogate, middle: Array, parameter: Parameter, columns: slice, kappa: float
) -> Slice:
    """The surrogate along one parameter.

    :param surrogate: of the history
    :param middle: codes (parameters,) that it goes through
    :param parameter: that changes
    :param columns: of the parameter, in the unit cube
    :param kappa: see ``belief_of``
    """
    space = surrogate.space
    grid = _grid(parameter, SLICE_POINTS)
    points = np.repeat(space.to_unit(middle[None]), len(grid), axis=0)
    points[:, columns] = grid
    codes = space.from_unit(points)
    index = space.names.index(parameter.name)
    values = [parameter.value(code) for code in codes[:, index]]
    firsts = [k for k, value in enumerate(values) if value not in values[:k]]
    mean, std = surrogate.predict(codes[firsts])
    inverse = surrogate.transform.inverse
    return Slice(
        parameter.name,
        [values[k] for k in firsts],
        inverse(mean).tolist(),
        inverse(mean - std).tolist(),
        inverse(mean + std).tolist(),
        inverse(ucb(mean, std, kappa)).tolist(),
        isinstance(parameter, Range) and parameter.log,
    )


def _importances(surrogate: Surrogate) -> dict[str, float]:
    space = surrogate.space
    base = np.random.default_rng(0).random((BASE_POINTS, space.width))
    found = {}
    spread = _expected(surrogate, base).var()
    for parameter, columns in zip(space.parameters, space.columns, strict=True):
        grid = _grid(parameter, LEVELS)
        points = np.tile(base, (len(grid), 1))
        points[:, columns] = np.repeat(grid, len(base), axis=0)
        mean = _expected(surrogate, points).reshape(len(grid), len(base))
        whole = max(float(spread), float(mean.var()), FLAT_VARIANCE)
        found[parameter.name] = float(mean.var(axis=0).mean()) / whole
    return found


def _expected(surrogate: Surrogate, points: Array) -> Array:
    """Expected scores, transformed (n,), at points of the cube (n, width)."""
    mean: Array = surrogate.predict(surrogate.space.from_unit(points))[0]
    return mean


def _grid(parameter: Parameter, size: int) -> Array:
    """Values (m, width) of one parameter in the cube: every choice, or ``size`` from end to end."""
    if isinstance(parameter, Choice):
        return np.eye(parameter.width)
    return np.linspace(0.0, 1.0, size)[:, None]
