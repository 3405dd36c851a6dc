"""Cost: how long a trial takes, by what it was like, and what a candidate is worth per second.

The logarithm of the seconds is taken to be linear in the features of a point, shrunk towards its mean (ridge
regression): exact for a power of the training length, and never wild where few trials were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from agent.search.space import Space
from agent.search.surrogate import Entry, Observation

Array = NDArray[np.float64]

RIDGE = 0.03  # weight of the shrinkage, in trials
BEYOND = math.log(2.0)  # as far outside the seconds that were seen an expectation may go


def seconds_model(space: Space, history: Sequence[Entry]) -> Callable[[Array], Array]:
    """A function from codes (n, parameters) to the expected seconds (n,) of such trials; all 1 if none was timed."""
    codes: list[list[float]] = []
    seconds: list[float] = []
    for entry in history:
        if (
            isinstance(entry, Observation)
            and entry.elapsed_sec is not None
            and 0.0 < entry.elapsed_sec < math.inf
        ):
            try:
                codes.append(space.codes(entry.params))
            except ValueError:
                continue
            seconds.append(entry.elapsed_sec)
    if not codes:
        return lambda codes: np.ones(len(codes))
    X, y = space.features(np.array(codes)), np.log(seconds)
    centre, mean = X.mean(axis=0), y.mean()
    A = X - centre
    weights = np.linalg.solve(A.T @ A + RIDGE * np.eye(A.shape[1]), A.T @ (y - mean))

    def expected(codes: Array) -> Array:
        logarithm: Array = mean + (space.features(codes) - centre) @ weights
        return np.exp(np.clip(logarithm, y.min() - BEYOND, y.max() + BEYOND))

    return expected


def per_second(gain: Array, seconds: Array) -> Array:
    """Gain (n,) over seconds (n,); a loss is multiplied instead, so that of equals the cheaper is always ahead."""
    return np.where(gain > 0.0, gain / seconds, gain * seconds)
