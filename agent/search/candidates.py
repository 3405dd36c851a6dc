"""Candidates for the next trial: from anywhere in the space, near the best, or its free cells.

Candidates are rows of codes (see ``space``); moves happen in the unit cube.
"""

from __future__ import annotations

import math

import numpy as np

from agent.search.arrays import Array, Mask
from agent.search.parameter import Range
from agent.search.space import Space
from agent.search.surrogate import row_keys

# Chosen with bench_search.py: docs/results/experiments.jsonl, topic search-variants.
LOCAL_SHARE = 0.4  # of the candidates that lie around centres, unless all are to be near
NEAR_SHARE = 0.25  # of a finite space, around each centre, that counts as near
MAX_CELLS = 4000  # a space of no more configurations is searched whole
ATTEMPTS = 100  # at drawing something new
# Standard deviation of a move in a unit range, log-uniform between the two.
SMALLEST_STEP = 0.003
LARGEST_STEP = 0.3
MOVED_PARAMETERS = 2.0  # that a move changes, on average
MIN_INTEGER_STEP = 0.7  # of a bin: a smaller move would mostly stay in it


class SpaceExhausted(ValueError):
    """Every configuration of a finite space was tried or is running."""


def new_candidates(
    space: Space,
    taken: set[bytes],
    rng: np.random.Generator,
    n: int,
    centres: Array | None = None,
    near: bool = False,
) -> Array:
    """Returns candidates (at least 1, parameters) that are new.

    They are all free cells of a space of at most ``MAX_CELLS``, else random ones.

    :param space: to search
    :param taken: see ``unseen``
    :param rng: source of random candidates
    :param n: number of random candidates; known ones are left out
    :param centres: codes (m, parameters) around which a ``LOCAL_SHARE`` of these lies
    :param near: return only candidates near the centres
    :raises SpaceExhausted: nothing new is left
    """
    cells = space.cells(MAX_CELLS)
    if cells is None:
        codes = _drawn(space, taken, rng, n, centres, near)
    else:
        codes = unseen(space, cells, taken)
        if near and centres is not None and len(codes):
            codes = nearest(space, codes, centres, NEAR_SHARE)
    if not len(codes):
        raise SpaceExhausted(
            f"all {len(taken)} configurations were tried; widen the space or end the search here"
        )
    return codes


def anywhere(space: Space, rng: np.random.Generator, n: int) -> Array:
    """Draws codes (n, parameters), uniform in the unit cube.

    :param space: to draw from
    :param rng: source of n * width uniform numbers
    :param n: number of candidates
    """
    return space.from_unit(rng.random((n, space.width)))


def around(space: Space, centres: Array, rng: np.random.Generator, n: int) -> Array:
    """Draws codes (n, parameters) near random ``centres``: a few parameters move, at random scales.

    A choice that moves is drawn anew. So is every inactive parameter, for the move of its parent
    may activate it.

    :param space: to draw from
    :param centres: codes (m, parameters)
    :param rng: source of random numbers
    :param n: number of candidates
    """
    starts = centres[rng.integers(len(centres), size=n)]
    points = space.to_unit(starts)
    fresh = rng.random(points.shape)
    moved = _moved(rng, n, len(space.parameters))
    steps = _steps(rng, n, len(space.parameters))
    for i, (parameter, columns) in enumerate(zip(space.parameters, space.columns, strict=True)):
        new = fresh[:, columns]
        if isinstance(parameter, Range):
            new = _moved_in_range(parameter, points[:, columns], steps[:, i, None])
        points[:, columns] = np.where(moved[:, i, None], new, points[:, columns])
        inactive = np.isnan(starts[:, i])
        points[inactive, columns] = fresh[inactive, columns]
    return space.from_unit(points)


def nearest(space: Space, codes: Array, centres: Array, share: float) -> Array:
    """Returns the ``codes`` that are near a centre, in their order.

    :param space: whose features measure distances
    :param codes: candidates (n, parameters)
    :param centres: codes (m, parameters)
    :param share: of the candidates that counts as near to each centre
    """
    features = space.features(codes)
    near = np.zeros(len(codes), dtype=np.bool_)
    count = math.ceil(share * len(codes))
    for centre in space.features(centres):
        distance = np.square(features - centre).sum(axis=1)
        near[np.argsort(distance, kind="stable")[:count]] = True
    return codes[near]


def unseen(space: Space, codes: Array, taken: set[bytes]) -> Array:
    """Returns distinct ``codes`` in their order whose ``row_keys`` are not taken, and takes these.

    :param space: of the codes
    :param codes: candidates (n, parameters)
    :param taken: keys of what was tried, is running or was returned before; it grows
    """
    fresh: dict[bytes, int] = {}
    for i, key in enumerate(row_keys(space, codes)):
        if key not in taken:
            fresh.setdefault(key, i)
    taken.update(fresh)
    return codes[list(fresh.values())]


def _drawn(
    space: Space,
    taken: set[bytes],
    rng: np.random.Generator,
    n: int,
    centres: Array | None,
    near: bool,
) -> Array:
    """Random candidates that are new; none after ``ATTEMPTS`` that gave only known ones."""
    n_local = 0
    if centres is not None:
        n_local = n if near else int(LOCAL_SHARE * n)
    for _ in range(ATTEMPTS):
        codes = anywhere(space, rng, n - n_local)
        if centres is not None and n_local:
            codes = np.vstack([codes, around(space, centres, rng, n_local)])
        codes = unseen(space, codes, taken)
        if len(codes):
            break
    return codes


def _moved(rng: np.random.Generator, n: int, parameters: int) -> Mask:
    """Marks the parameters (n, parameters) that move, at least one a row."""
    moved: Mask = rng.random((n, parameters)) < min(1.0, MOVED_PARAMETERS / parameters)
    moved[np.arange(n), rng.integers(parameters, size=n)] = True
    return moved


def _steps(rng: np.random.Generator, n: int, parameters: int) -> Array:
    """Normal moves (n, parameters) in a unit range, each row at a scale of its own."""
    scale = SMALLEST_STEP * (LARGEST_STEP / SMALLEST_STEP) ** rng.random((n, 1))
    steps: Array = scale * rng.standard_normal((n, parameters))
    return steps


def _moved_in_range(parameter: Range, points: Array, steps: Array) -> Array:
    """Points (n, 1) after ``steps`` (n, 1), reflected at the ends: clipped they would pile up."""
    if parameter.integer:
        least = MIN_INTEGER_STEP / parameter.size
        steps = np.where(np.abs(steps) < least, np.sign(steps) * least, steps)
    new = np.abs(points + steps)
    return np.where(new > 1.0, np.abs(2.0 - new), new)
