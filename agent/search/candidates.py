"""Where the next trial might be: anywhere in the space, near the best, or in one of its last free cells.

Candidates are rows of codes (see ``space``); moves happen in the unit cube.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from agent.search.space import Range, Space
from agent.search.surrogate import keys

Array = NDArray[np.float64]

SMALLEST_STEP, LARGEST_STEP = (
    0.003,
    0.3,
)  # standard deviation of a move in a unit range, log-uniform between
MOVED = 2.0  # parameters that a move changes on average
INTEGER_STEP = 0.7  # of a bin, at least: a smaller move would mostly stay where it was


class SpaceExhausted(ValueError):
    """Every configuration of a finite space was tried or is running."""


def anywhere(space: Space, rng: np.random.Generator, n: int) -> Array:
    """Codes (n, parameters), uniform in the unit cube."""
    return space.from_unit(rng.random((n, space.width)))


def around(space: Space, centres: Array, rng: np.random.Generator, n: int) -> Array:
    """Codes (n, parameters) near random rows of ``centres``, a few parameters away at random scales.

    A choice that moves is drawn anew, and so is what was inactive, for a parent's move may wake it.
    """
    chosen = centres[rng.integers(len(centres), size=n)]
    points, fresh = space.to_unit(chosen), rng.random((n, space.width))
    p = len(space.parameters)
    moved = rng.random((n, p)) < min(1.0, MOVED / p)
    moved[np.arange(n), rng.integers(p, size=n)] = True
    steps = (
        SMALLEST_STEP
        * (LARGEST_STEP / SMALLEST_STEP) ** rng.random((n, 1))
        * rng.standard_normal((n, p))
    )
    start = 0
    for i, parameter in enumerate(space.parameters):
        columns = slice(start, start := start + parameter.width)
        if isinstance(parameter, Range):
            coarsest = INTEGER_STEP / parameter.size if parameter.integer else 0.0
            step = np.where(
                np.abs(steps[:, i]) < coarsest, np.sign(steps[:, i]) * coarsest, steps[:, i]
            )
            new = np.abs(points[:, columns] + step[:, None])
            new = np.where(
                new > 1.0, np.abs(2.0 - new), new
            )  # reflected: clipped ones would pile up on the edge
        else:
            new = fresh[:, columns]
        redrawn = np.where(np.isnan(chosen[:, i])[:, None], fresh[:, columns], points[:, columns])
        points[:, columns] = np.where(
            moved[:, i, None] & ~np.isnan(chosen[:, i])[:, None], new, redrawn
        )
    return space.from_unit(points)


def nearest(space: Space, codes: Array, centres: Array, share: float) -> Array:
    """Of ``codes`` (n, parameters), in their order, that share of them which is nearest to each of ``centres``."""
    features, kept = space.features(codes), np.zeros(len(codes), dtype=np.bool_)
    for centre in space.features(centres):
        distance = np.square(features - centre).sum(axis=1)
        kept[np.argsort(distance, kind="stable")[: math.ceil(share * len(codes))]] = True
    return codes[kept]


def unseen(space: Space, codes: Array, taken: set[bytes]) -> Array:
    """Distinct ``codes`` in their order whose ``keys`` are not ``taken``; from now on they are."""
    fresh: dict[bytes, int] = {}
    for i, key in enumerate(keys(space, codes)):
        if key not in taken:
            fresh.setdefault(key, i)
    taken.update(fresh)
    return codes[list(fresh.values())]
