"""Problems to compare searches on: functions with known optima, and tables (``search_tables``)."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from agent.search.arrays import Array, Indices
from agent.search.parameter import Choice, Range
from agent.search.space import Space

Params = dict[str, Any]
NOISES = (0.0, 0.05, 0.2)  # standard deviation as a share of the range of the function
BRANIN_WORST = -308.12909601160663  # at (-5, 0)


@dataclass(frozen=True)
class Problem:
    """Scores to be maximised: the true mean of params is ``mean``, one trial of them ``trial``.

    :param best: the highest true mean
    :param worst: the lowest; regrets are shares of best - worst
    :param cells: the only configurations there are, or ``None``
    :param whole: the cells are every configuration of the space
    :param seeds: the scores of each cell by its values in order, one per training seed
    """

    name: str
    space: Space
    mean: Callable[[Params], float]
    best: float
    worst: float
    noise: float = 0.0
    cells: list[Params] | None = None
    whole: bool = False
    seeds: Mapping[Any, list[float]] = field(default_factory=dict)

    def trial(self, params: Params, repeat: int, number: int) -> float:
        """One noisy score; the noise of a repeat's ``number``-th trial is that of every method."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), repeat, number])
        if self.cells is not None:
            return float(rng.choice(self.seeds[tuple(params.values())]))
        return self.mean(params) + self.noise * (self.best - self.worst) * float(
            rng.standard_normal()
        )

    def regret(self, params: Params) -> float:
        return (self.best - self.mean(params)) / (self.best - self.worst)

    def start(self, repeat: int, n: int) -> list[Params]:
        """The first ``n`` configurations of a repeat, the same for every method."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), repeat])
        if self.cells is not None:
            return [self.cells[i] for i in rng.permutation(len(self.cells))[:n]]
        return [self.space.sample(rng) for _ in range(n)]

    def untried(self, history: Sequence[tuple[Params, float]]) -> Indices:
        """Indices of the cells that are not in ``history``."""
        left = np.ones(len(self.cells or []), dtype=np.bool_)
        left[[self._index[tuple(params.values())] for params, _ in history]] = False
        return np.flatnonzero(left)

    def nearest(self, params: Params, history: Sequence[tuple[Params, float]]) -> Params:
        """The nearest cell of a table that is not in ``history``; ``params`` without a table."""
        if self.cells is None:
            return params
        left = self.untried(history)
        if not len(left):
            return params
        distances = np.square(self._points[left] - self.space.encode(params)).sum(axis=1)
        return self.cells[left[distances.argmin()]]

    @cached_property
    def _index(self) -> dict[Any, int]:
        return {tuple(cell.values()): i for i, cell in enumerate(self.cells or [])}

    @cached_property
    def _points(self) -> Array:
        return self.space.to_unit(np.array([self.space.codes(cell) for cell in self.cells or []]))


def functions() -> list[Problem]:
    """Branin, Hartmann-6, Ackley-5 and a mixed one with conditions, each without and with noise."""
    branin_space = Space((Range("x0", -5, 10), Range("x1", 0, 15)))
    mixed_space = Space(
        (
            Choice("algorithm", ("plain", "momentum", "deep")),
            Range("rate", 1e-5, 1e-1, log=True),
            Range("momentum", 0.0, 0.99, when=("algorithm", "momentum")),
            Range("depth", 1, 8, integer=True, when=("algorithm", "deep")),
            Choice("wide", (True, False), when=("algorithm", "deep")),
        )
    )
    plain = [
        ("branin", branin_space, _branin, -0.39788735772973816, BRANIN_WORST),
        ("hartmann6", _box(6, 0, 1), _hartmann6, 3.3223680114155147, 0.0),
        ("ackley5", _box(5, -5, 10), _ackley, 0.0, -14.5),
        ("mixed", mixed_space, _mixed, 1.0, 0.0),
    ]
    return [
        Problem(f"{name} {noise:.0%}", space, mean, best, worst, noise)
        for name, space, mean, best, worst in plain
        for noise in NOISES
    ]


def _box(dimensions: int, low: float, high: float) -> Space:
    return Space(tuple(Range(f"x{i}", low, high) for i in range(dimensions)))


def _branin(params: Params) -> float:
    x = params["x0"]
    y = params["x1"]
    b = 5.1 / (4.0 * math.pi**2)
    c = 5.0 / math.pi
    t = 1.0 / (8.0 * math.pi)
    return -float((y - b * x * x + c * x - 6.0) ** 2 + 10.0 * (1.0 - t) * math.cos(x) + 10.0)


A6 = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
P6 = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _hartmann6(params: Params) -> float:
    x = np.array(list(params.values()))
    return float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(A6 * np.square(x - P6)).sum(axis=1)))


def _ackley(params: Params) -> float:
    x = np.array(list(params.values()))
    hill = 20.0 * math.exp(-0.2 * math.sqrt(np.square(x).mean())) + math.exp(
        np.cos(2.0 * math.pi * x).mean()
    )
    return hill - 20.0 - math.e


def _mixed(params: Params) -> float:
    """Three algorithms of different worth and best rate; a third of the space is a floor of 0."""
    best_rate, worth = {"plain": (-3.0, 0.6), "momentum": (-2.5, 0.85), "deep": (-3.5, 1.0)}[
        params["algorithm"]
    ]
    value = worth - 0.25 * (math.log10(params["rate"]) - best_rate) ** 2
    if params["algorithm"] == "momentum":
        value -= 0.8 * (params["momentum"] - 0.8) ** 2
    if params["algorithm"] == "deep":
        value -= 0.06 * abs(params["depth"] - 5) + (0.0 if params["wide"] else 0.15)
    return max(value, 0.0)
