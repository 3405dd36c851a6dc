"""Cost: the seconds that a trial will take, and what a candidate is worth per second.

The logarithm of the seconds is linear in the features of a point, by ridge regression. That is
exact for a power of the training length, and never extreme where few trials were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from agent.search.arrays import Array
from agent.search.space import Space
from agent.search.surrogate import Entry, Observation

RIDGE = 0.03  # chosen: weight of the shrinkage towards the mean, in trials
MARGIN = math.log(2.0)  # chosen: a prediction is at most twice the longest trial seen, or half


def seconds_model(space: Space, history: Sequence[Entry]) -> Callable[[Array], Array]:
    """Returns a function from codes (n, parameters) to the expected seconds (n,) of such trials.

    Without a timed trial every candidate is expected to take 1 second.
    """
    codes, seconds = _timed_trials(space, history)
    if not len(codes):
        return lambda codes: np.ones(len(codes))
    X = space.features(codes)
    y = np.log(seconds)
    X_mean = X.mean(axis=0)
    y_mean = y.mean()
    A = X - X_mean
    weights = np.linalg.solve(A.T @ A + RIDGE * np.eye(A.shape[1]), A.T @ (y - y_mean))

    def expected_seconds(codes: Array) -> Array:
        logarithm: Array = y_mean + (space.features(codes) - X_mean) @ weights
        return np.exp(np.clip(logarithm, y.min() - MARGIN, y.max() + MARGIN))

    return expected_seconds


def per_second(gain: Array, seconds: Array) -> Array:
    """Returns gain (n,) per second (n,).

    A loss is multiplied by the seconds instead: of two equal losses the cheaper is the better.
    """
    return np.where(gain > 0.0, gain / seconds, gain * seconds)


def _timed_trials(space: Space, history: Sequence[Entry]) -> tuple[Array, Array]:
    """Codes (n, parameters) and seconds (n,) of the trials that were timed."""
    codes: list[list[float]] = []
    seconds: list[float] = []
    for entry in history:
        if not isinstance(entry, Observation) or entry.elapsed_sec is None:
            continue
        if not 0.0 < entry.elapsed_sec < math.inf:
            continue
        try:
            codes.append(space.codes(entry.params))
        except ValueError:  # of another space
            continue
        seconds.append(entry.elapsed_sec)
    return np.array(codes), np.array(seconds)
