"""The next trial: random for the first two, then the candidate with the highest upper confidence bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.search.acquisition import ucb
from agent.search.gp import TinyGP
from agent.search.space import Space

Array = NDArray[np.float64]

RANDOM_TRIALS = 2
TOP = 5
LOCAL_SHARE = 0.25  # of the candidates lie around the best observations, the others anywhere
LOCAL_SPREAD = 0.1  # their standard deviation per column of the unit cube


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
    ``n_observations`` counts the entries of the history that could be used.
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
    history: Sequence[tuple[Mapping[str, Any], float | None]],
    rng: np.random.Generator,
    kappa: float,
    n_candidates: int = 2000,
    pending: Sequence[Mapping[str, Any]] = (),
) -> Proposal:
    """The next trial, given every earlier one; the same arguments and state of ``rng`` give the same proposal.

    A point that was tried already is proposed again only when no candidate is new.

    :param history: (params, score) per trial; see ``observations`` for what is left out
    :param kappa: weight of the uncertainty in the upper confidence bound, finite and >= 0
    :param n_candidates: random candidates over which the bound is maximised, >= 1
    :param pending: params of trials that are running: taken to end as expected, so that workers do not clump
    :raises ValueError: ``kappa`` or ``n_candidates`` out of range
    """
    if not 0.0 <= kappa < math.inf:
        raise ValueError(f"kappa {kappa} is not usable; give a finite number >= 0")
    if n_candidates < 1:
        raise ValueError(f"n_candidates {n_candidates} is too small; give at least 1")
    X, y = observations(space, history)
    waiting, _ = observations(space, [(params, 0.0) for params in pending])
    points = _unseen(_candidates(space, X, y, rng, n_candidates), np.vstack([X, waiting]))
    if len(y) < RANDOM_TRIALS:
        return Proposal(space.decode(points[0]), None, None, None, [], len(y), "random")
    gp = TinyGP.fit(X, y)
    if len(waiting):
        gp = TinyGP(np.vstack([X, waiting]), np.append(y, gp.predict(waiting)[0]), gp.hyperparameters)
    top = _best(space, points, gp, kappa)
    return Proposal(*top[0], top=top, n_observations=len(y), source="gp")


def observations(space: Space, history: Sequence[tuple[Mapping[str, Any], float | None]]) -> tuple[Array, Array]:
    """Encoded params (n, width) and scores (n,) of the usable entries of ``history``.

    An entry is left out when it has no finite score, lacks an active parameter, or has an unknown choice or
    another context. Numbers outside their range are clipped into it.
    """
    codes: list[list[float]] = []
    scores: list[float] = []
    for params, score in history:
        if score is None or not math.isfinite(score):
            continue
        try:
            codes.append(space.codes(params))
        except ValueError:
            continue
        scores.append(float(score))
    return space.to_unit(np.array(codes).reshape(-1, len(space.parameters))), np.array(scores)


def _candidates(space: Space, X: Array, y: Array, rng: np.random.Generator, n: int) -> Array:
    """Random points (n, width), those around the best observations last."""
    n_local = int(LOCAL_SHARE * n) if len(y) >= RANDOM_TRIALS else 0
    points = rng.random((n, space.width))
    if n_local:
        centres = X[np.argsort(-y, kind="stable")[:TOP]]
        chosen = centres[rng.integers(len(centres), size=n_local)]
        points[n - n_local :] = chosen + LOCAL_SPREAD * rng.standard_normal(chosen.shape)
    return space.snap(points)


def _unseen(points: Array, X: Array) -> Array:
    """Distinct ``points`` in their order without those in ``X``; with them when nothing else is left."""
    seen = {row.tobytes() for row in X.round(9)}
    fresh: dict[bytes, Array] = {}
    for point, key in zip(points, map(np.ndarray.tobytes, points.round(9)), strict=True):
        if key not in seen:
            fresh.setdefault(key, point)
    return np.array(list(fresh.values())) if fresh else points


def _best(space: Space, points: Array, gp: TinyGP, kappa: float) -> list[Candidate]:
    mean, std = gp.predict(points)
    bound = ucb(mean, std, kappa)
    order = np.argsort(-bound, kind="stable")[:TOP]
    return [Candidate(space.decode(points[i]), float(bound[i]), float(mean[i]), float(std[i])) for i in order]
