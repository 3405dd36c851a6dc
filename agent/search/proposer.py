"""The next trial: random for the first two, then the candidate with the highest upper confidence bound.

Every second one stays near the best that was visited: in six dimensions, or under noise, the bound alone would
spend a night on exploring.

The bound is not climbed to its summit: in six dimensions that lies in a corner of the cube, where nothing is
known, and the search would tour the corners. The best of random and near-by points is better (docs/search.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.search.acquisition import ucb
from agent.search.candidates import SpaceExhausted, anywhere, around, nearest, unseen
from agent.search.cost import per_second, seconds_model
from agent.search.space import Space
from agent.search.surrogate import Entry, Surrogate, Visited, keys

Array = NDArray[np.float64]

RANDOM_TRIALS = 2
TOP = 5
LOCAL_SHARE = 0.4  # of the candidates of every other trial lie around the best of the visited too, not anywhere
NEAR = 0.25  # of a finite space's cells, around each of the best: where a proposal that stays near is sought
CELLS = 4000  # a space of no more configurations is searched whole
APART = 0.05  # distance between what runs side by side, where the space allows it
ATTEMPTS = 100  # to find something new in a larger one


class Candidate(NamedTuple):
    """Params with what the process expects of them, in the unit of the scores."""

    params: dict[str, Any]
    ucb: float
    mean: float
    std: float


@dataclass(frozen=True)
class Proposal:
    """What to try next and why.

    ``source`` is ``random`` (then ``ucb``, ``mean`` and ``std`` are None and ``top`` is empty) or ``gp``
    (then ``top`` holds the best candidates, at most ``TOP`` and best first; the first is this proposal).
    ``mean`` is the median and ``std`` half the width of the central 68 % of the believed score: mean and
    standard deviation where scores are not bent. ``n_observations`` counts the entries of the history that
    could be used. ``theta`` are the hyperparameters, from which the next fit may start.
    """

    params: dict[str, Any]
    ucb: float | None
    mean: float | None
    std: float | None
    top: list[Candidate]
    n_observations: int
    source: str
    theta: tuple[float, ...] | None = None


class Recommendation(NamedTuple):
    """The visited params that are best by what the process believes, in the unit of the scores."""

    params: dict[str, Any]
    mean: float
    std: float


def propose(
    space: Space,
    history: Sequence[Entry],
    rng: np.random.Generator,
    kappa: float,
    n_candidates: int = 2000,
    *,
    pending: Sequence[Mapping[str, Any]] = (),
    among: Sequence[Mapping[str, Any]] | None = None,
    warm: Sequence[float] | None = None,
    tried: Sequence[Mapping[str, Any]] = (),
    cost_aware: bool = False,
) -> Proposal:
    """The next trial, given every earlier one; the same arguments and state of ``rng`` give the same proposal.

    Nothing that was tried or is running is proposed again.

    :param history: an ``Observation`` or (params, score) per trial; see ``Visited.of`` for what is left out
    :param kappa: weight of the uncertainty in the upper confidence bound, finite and >= 0
    :param n_candidates: random candidates over which the bound is maximised, >= 1
    :param pending: params of trials that are running: taken to end as expected, so that workers do not clump
    :param among: the only params that may be proposed, by default all of the space
    :param warm: ``theta`` of an earlier proposal: faster, and what it gives depends on it
    :param tried: further params that must not come again, of which the process learns nothing
    :param cost_aware: maximise, per expected second, by how much the bound exceeds the best believed score; seconds
        come from the observations' ``elapsed_sec``
    :raises ValueError: ``kappa`` or ``n_candidates`` out of range, or ``among`` does not fit the space
    :raises SpaceExhausted: nothing new is left
    """
    if not 0.0 <= kappa < math.inf:
        raise ValueError(f"kappa {kappa} is not usable; give a finite number >= 0")
    if n_candidates < 1:
        raise ValueError(f"n_candidates {n_candidates} is too small; give at least 1")
    visited = Visited.of(space, history)
    waiting = Visited.of(space, [(params, 0.0) for params in pending]).codes
    closed = Visited.of(space, [(params, 0.0) for params in tried]).codes
    taken = set(keys(space, np.vstack([visited.codes, waiting, closed])))
    cells = (
        space.cells(CELLS) if among is None else np.array([space.codes(params) for params in among])
    )
    if len(visited.row) < RANDOM_TRIALS:
        codes = _fresh(space, cells, np.empty((0, len(space.parameters))), taken, rng, 1)
        chosen = codes[rng.integers(len(codes))]
        return Proposal(space.params(chosen), None, None, None, [], len(visited.row), "random")
    surrogate = Surrogate.of(space, visited, warm)
    near = (len(visited.row) + len(waiting)) % 2 == 0
    codes = _fresh(space, cells, _best_visited(surrogate), taken, rng, n_candidates, near)
    surrogate = surrogate.expecting(waiting)
    if (apart := _apart(space, codes, waiting)).any():
        codes = codes[apart]
    bounds = ucb(*surrogate.predict(codes), kappa)
    if cost_aware:
        best = surrogate.predict(visited.codes)[0].max()
        bounds = per_second(bounds - best, seconds_model(space, history)(codes))
    top = _candidates(surrogate, codes[np.argsort(-bounds, kind="stable")[:TOP]], kappa)
    return Proposal(
        *top[0], top=top, n_observations=len(visited.row), source="gp", theta=surrogate.theta
    )


def recommend(space: Space, history: Sequence[Entry]) -> Recommendation:
    """The best visited params by their ``merits``, which one lucky trial moves little, and their believed score.

    :raises ValueError: no trial has a score
    """
    surrogate = Surrogate.fit(space, history)
    codes = surrogate.visited.codes
    mean, std = surrogate.predict(codes)
    best = int(surrogate.merits().argmax())
    score, spread = surrogate.in_scores(mean, std)
    return Recommendation(space.params(codes[best]), float(score[best]), float(spread[best]))


def _fresh(
    space: Space,
    cells: Array | None,
    centres: Array,
    taken: set[bytes],
    rng: np.random.Generator,
    n: int,
    near: bool = False,
) -> Array:
    """Candidates that are new: of ``cells`` if they are given, else ``n`` random ones; some or all near ``centres``."""
    if cells is not None:
        codes = unseen(space, cells, taken)
        codes = nearest(space, codes, centres, NEAR) if near and len(codes) else codes
    else:
        n_local = int(n if near else LOCAL_SHARE * n) if len(centres) else 0
        for _ in range(ATTEMPTS):
            codes = anywhere(space, rng, n - n_local)
            if n_local:
                codes = np.vstack([codes, around(space, centres, rng, n_local)])
            if len(codes := unseen(space, codes, taken)):
                break
    if not len(codes):
        raise SpaceExhausted(
            f"all {len(taken)} configurations were tried; widen the space or end the search here"
        )
    return codes


def _apart(space: Space, codes: Array, waiting: Array) -> NDArray[np.bool_]:
    """Which ``codes`` keep their distance from all that is running; a sure process would let workers clump."""
    far = np.ones(len(codes), dtype=np.bool_)
    features = space.features(codes)
    for place in space.features(waiting):
        far &= np.square(features - place).sum(axis=1) > APART**2
    return far


def _best_visited(surrogate: Surrogate) -> Array:
    mean, _ = surrogate.predict(surrogate.visited.codes)
    best: Array = surrogate.visited.codes[np.argsort(-mean, kind="stable")[:TOP]]
    return best


def _candidates(surrogate: Surrogate, codes: Array, kappa: float) -> list[Candidate]:
    mean, std = surrogate.predict(codes)
    score, spread = surrogate.in_scores(mean, std)
    upper = surrogate.outcome.inverse(ucb(mean, std, kappa))
    return [
        Candidate(surrogate.space.params(row), float(upper[i]), float(score[i]), float(spread[i]))
        for i, row in enumerate(codes)
    ]
