"""The next trial: random for the first two, then the candidate with the highest UCB.

Every second proposal stays near the best of the visited configurations: in six dimensions, or under
noise, the bound alone would spend the whole search on exploring.

The bound is maximised over random and near-by candidates, not by climbing. In six dimensions its
maximum lies in a corner of the cube, where nothing is known, and climbing would visit the corners
one by one (docs/results/experiments.jsonl, search-variants-32).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from agent.search.acquisition import ucb
from agent.search.arrays import Array
from agent.search.candidates import new_candidates
from agent.search.cost import per_second, seconds_model
from agent.search.space import Space
from agent.search.surrogate import Entry, Surrogate, Visited, row_keys

# Chosen with bench_search.py: docs/results/experiments.jsonl, topic search-variants.
RANDOM_TRIALS = 2
CANDIDATES = 2000  # over which the bound is maximised in a space that is not searched whole
TOP = 5  # visited points that candidates lie around, and candidates that a proposal shows
MIN_DISTANCE = 0.05  # in features, between trials side by side, where the space allows it


class Candidate(NamedTuple):
    """Params and the scores that the process expects of them, see ``Proposal``."""

    params: dict[str, Any]
    ucb: float
    mean: float
    std: float


@dataclass(frozen=True)
class Proposal:
    """The next trial, and why.

    :param params: of the trial
    :param ucb: upper confidence bound of its score, ``None`` if it is random
    :param mean: median of the believed score, ``None`` if it is random
    :param std: half the width of the central 68 % of the believed score, ``None`` if it is random.
        Where scores are not transformed these are mean and standard deviation.
    :param top: at most ``TOP`` candidates, best first, of which the first is this proposal; empty
        if it is random
    :param n_observations: usable entries of the history
    :param source: ``random`` or ``gp``
    """

    params: dict[str, Any]
    ucb: float | None
    mean: float | None
    std: float | None
    top: list[Candidate]
    n_observations: int
    source: str


def propose(
    space: Space,
    history: Sequence[Entry],
    rng: np.random.Generator,
    kappa: float,
    *,
    pending: Sequence[Mapping[str, Any]] = (),
    tried: Sequence[Mapping[str, Any]] = (),
    cost_aware: bool = False,
) -> Proposal:
    """Proposes the next trial; equal arguments and an equal state of ``rng`` give an equal one.

    Nothing that was tried or is running is proposed again.

    :param space: to search
    :param history: an ``Observation`` or (params, score) per trial; ``Visited.of`` says which count
    :param rng: source of the candidates
    :param kappa: weight of the uncertainty in the upper confidence bound, finite and >= 0
    :param pending: params of running trials: taken to end as expected, so that workers spread
    :param tried: params that must not come again, of which the process learns nothing
    :param cost_aware: maximise, per expected second, by how much the bound exceeds the best
        believed score; seconds come from the observations' ``elapsed_sec``
    :raises ValueError: ``kappa`` is out of range
    :raises SpaceExhausted: nothing new is left
    """
    if not 0.0 <= kappa < math.inf:
        raise ValueError(f"kappa {kappa} is not usable; give a finite number >= 0")
    visited = Visited.of(space, history)
    running = _codes(space, pending)
    taken = set(row_keys(space, np.vstack([visited.codes, running, _codes(space, tried)])))
    if len(visited.row) < RANDOM_TRIALS:
        codes = new_candidates(space, taken, rng, 1)
        chosen = codes[rng.integers(len(codes))]
        return Proposal(space.params(chosen), None, None, None, [], len(visited.row), "random")
    surrogate = Surrogate.of(space, visited)
    centres = surrogate.best_visited(TOP)
    near = (len(visited.row) + len(running)) % 2 == 0
    codes = new_candidates(space, taken, rng, CANDIDATES, centres, near)
    codes = _apart(space, codes, running)
    surrogate = surrogate.with_pending(running)
    values = ucb(*surrogate.predict(codes), kappa)
    if cost_aware:
        best_mean = surrogate.predict_mean(visited.codes).max()
        values = per_second(values - best_mean, seconds_model(space, history)(codes))
    best = codes[np.argsort(-values, kind="stable")[:TOP]]
    top = _described(surrogate, best, kappa)
    return Proposal(*top[0], top=top, n_observations=len(visited.row), source="gp")


def _codes(space: Space, trials: Sequence[Mapping[str, Any]]) -> Array:
    """Distinct codes of trials of this space; others are left out."""
    return Visited.of(space, [(params, 0.0) for params in trials]).codes


def _apart(space: Space, codes: Array, running: Array) -> Array:
    """Returns the ``codes`` that keep their distance from running trials, or all if none does.

    Where the process is certain, workers would try nearly the same.
    """
    apart = np.ones(len(codes), dtype=np.bool_)
    features = space.features(codes)
    for trial in space.features(running):
        apart &= np.square(features - trial).sum(axis=1) > MIN_DISTANCE**2
    return codes[apart] if apart.any() else codes


def _described(surrogate: Surrogate, codes: Array, kappa: float) -> list[Candidate]:
    mean, std = surrogate.predict(codes)
    score, spread = surrogate.to_scores(mean, std)
    upper = surrogate.transform.inverse(ucb(mean, std, kappa))
    return [
        Candidate(surrogate.space.params(row), float(upper[i]), float(score[i]), float(spread[i]))
        for i, row in enumerate(codes)
    ]
