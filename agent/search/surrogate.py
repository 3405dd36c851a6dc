"""What the search believes: a history of trials turned into a Gaussian process over the space.

Trials of the same params are one row, their mean. A failed trial counts as the worst score seen, but
takes no part in choosing the scale. The spread of a trial's episodes is known noise; what comes on top
from training seeds is learned. Scores are bent (``outcome``) when that makes them likelier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from agent.search.acquisition import ucb
from agent.search.gp import TinyGP
from agent.search.kernel import Hyperparameters
from agent.search.likelihood import Repeats
from agent.search.outcome_transform import Outcome, likeliest, scaled
from agent.search.space import Space

OWN = 0.35  # of a residual counts as the configuration's own, not as luck, when one is recommended
CAUTION = 2.0  # standard deviations that are then taken off
MOST_LOG = 20.0  # beyond it (or NaN) the logarithm of a hyperparameter is no place to start from

Array = NDArray[np.float64]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Observation:
    """What came of one trial.

    :param score: its mean over ``episodes`` evaluation episodes; ``None`` if there is none
    :param std: standard deviation over these episodes, ``None`` if unknown
    :param failed: without a score because of its params (diverged, crashed), not of an outside reason
    """

    params: Params
    score: float | None
    std: float | None = None
    episodes: int = 1
    failed: bool = False
    elapsed_sec: float | None = None

    @property
    def variance(self) -> float:
        """Of the score, as far as the episodes tell; 0 if they do not."""
        known = self.std is not None and math.isfinite(self.std) and self.episodes > 1
        return (
            self.std**2 / self.episodes
            if known and self.std is not None and abs(self.std) < 1e150
            else 0.0
        )


Entry = Observation | tuple[Params, float | None]


@dataclass(frozen=True)
class Visited:
    """The usable entries of a history.

    :param codes: distinct ones (n, parameters)
    :param row: of each entry (m,), its index in ``codes``
    :param scores: of each entry, NaN if it failed
    :param variances: of these scores, as far as known
    """

    codes: Array
    row: NDArray[np.intp]
    scores: Array
    variances: Array

    @classmethod
    def of(cls, space: Space, history: Sequence[Entry]) -> Self:
        """Read ``history``.

        An entry is left out when it has no finite score and did not fail, lacks an active parameter, or has
        an unknown choice or another context. Numbers outside their range are clipped into it.
        """
        codes: list[list[float]] = []
        results: list[tuple[float, float]] = []
        for entry in history:
            seen = entry if isinstance(entry, Observation) else Observation(*entry)
            score = math.nan if seen.score is None or seen.failed else float(seen.score)
            if not (math.isfinite(score) or seen.failed):
                continue
            try:
                codes.append(space.codes(seen.params))
            except ValueError:
                continue
            results.append((score, seen.variance))
        table = np.array(codes).reshape(-1, len(space.parameters))
        rows: dict[bytes, int] = {}
        row = np.array(
            [rows.setdefault(key, len(rows)) for key in keys(space, table)], dtype=np.intp
        )
        _, firsts = np.unique(row, return_index=True)
        scores, variances = np.array(results).reshape(-1, 2).T
        return cls(table[firsts], row, scores, variances)

    @property
    def succeeded(self) -> Array:
        """Scores without the failed."""
        return self.scores[~np.isnan(self.scores)]

    @property
    def filled(self) -> Array:
        """Scores with the worst seen for the failed; 0 if all failed."""
        worst = self.succeeded.min() if len(self.succeeded) else 0.0
        return np.where(np.isnan(self.scores), worst, self.scores)

    def outcomes(self, outcome: Outcome) -> tuple[Array, Repeats]:
        """One bent outcome per row (n,) and what it stands for."""
        z, variance = outcome.forward(self.filled), outcome.variance(self.filled, self.variances)
        count = np.bincount(self.row).astype(np.float64)
        mean = np.bincount(self.row, z) / count
        squares = np.bincount(self.row, np.square(z - mean[self.row])).astype(np.float64)
        return mean, Repeats(count, np.bincount(self.row, variance) / count, squares)


@dataclass(frozen=True)
class Surrogate:
    """The Gaussian process of a history; it predicts bent scores, ``outcome.inverse`` unbends them."""

    space: Space
    visited: Visited
    outcome: Outcome
    gp: TinyGP
    repeats: Repeats

    @classmethod
    def fit(
        cls, space: Space, history: Sequence[Entry], warm: Sequence[float] | None = None
    ) -> Self:
        """Deterministic.

        :param warm: ``theta`` of an earlier fit to start from; ignored if it is of another space or not sane
        :raises ValueError: no entry of ``history`` is usable
        """
        return cls.of(space, Visited.of(space, history), warm)

    @classmethod
    def of(cls, space: Space, visited: Visited, warm: Sequence[float] | None = None) -> Self:
        """As ``fit``, of a history that was read already."""
        if not len(visited.codes):
            raise ValueError(
                "no trial of the history can be used; propose at random until one has a score"
            )
        X, groups = space.features(visited.codes), space.groups
        usable = bool(warm) and bool((np.abs(np.array(warm)) < MOST_LOG).all())
        start = Hyperparameters.from_log(np.array(warm)) if usable else None
        straight = scaled(visited.succeeded)
        z, repeats = visited.outcomes(straight)
        gp = TinyGP.fit(X, z, groups, repeats, start)
        means = np.bincount(visited.row, visited.filled / straight.largest) / repeats.count
        outcome = likeliest(straight, straight.largest * means, gp.whitening)
        if outcome != straight:
            z, repeats = visited.outcomes(outcome)
            gp = TinyGP.fit(X, z, groups, repeats, gp.hyperparameters)
        return cls(space, visited, outcome, gp, repeats)

    def expecting(self, codes: Array) -> Surrogate:
        """The same after trials of ``codes`` (k, parameters) ended just as it expects: less uncertain there."""
        if not len(codes):
            return self
        mean, _ = self.predict(codes)
        z, _ = self.visited.outcomes(self.outcome)
        X = np.vstack([self.gp.X, self.space.features(codes)])
        repeats = Repeats(
            np.append(self.repeats.count, np.ones(len(codes))),
            np.append(self.repeats.variance, np.zeros(len(codes))),
            np.append(self.repeats.squares, np.zeros(len(codes))),
        )
        gp = TinyGP(X, np.append(z, mean), self.gp.hyperparameters, self.gp.groups, repeats)
        return replace(self, gp=gp, repeats=repeats)

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of the bent score at ``codes`` (m, parameters), noise left out."""
        return self.gp.predict(self.space.features(codes))

    def in_scores(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """Median and half the width of the central 68 % of the score, from mean and std of the bent one."""
        low, high = self.outcome.inverse(mean - std), self.outcome.inverse(mean + std)
        return self.outcome.inverse(mean), high / 2.0 - low / 2.0

    def doubting(self, noise: float = 1.0, lengthscales: float = 1.0) -> Surrogate:
        """The same with ``noise`` times the learned noise variance and ``lengthscales`` times the learned ones."""
        z, _ = self.visited.outcomes(self.outcome)
        learned = self.gp.hyperparameters
        believed = Hyperparameters(
            lengthscales * learned.lengthscales, learned.signal, noise * learned.noise
        )
        return replace(self, gp=TinyGP(self.gp.X, z, believed, self.gp.groups, self.repeats))

    def merits(self) -> Array:
        """What speaks for each visited row (n,), bent: its lower bound, plus ``OWN`` of what the others do not explain.

        That may be luck or the configuration's own, and where a landscape is rough the process takes all of it for
        noise. The bound speaks for those whose neighbours are good too.
        """
        mean, std = self.gp.predict(self.gp.X)
        outcomes, _ = self.visited.outcomes(self.outcome)
        return ucb(mean, std, -CAUTION) + OWN * (outcomes - mean)

    @property
    def theta(self) -> tuple[float, ...]:
        """Logarithms of the hyperparameters, from which the next fit may start; JSON can hold them."""
        return tuple(float(value) for value in self.gp.hyperparameters.to_log())


def keys(space: Space, codes: Array) -> list[bytes]:
    """Equal for equal params, one per row of ``codes``."""
    rounded = space.to_unit(codes).round(9) + 0.0  # -0 is 0
    whole_rows = np.ascontiguousarray(rounded).view(
        np.dtype((np.void, rounded.itemsize * space.width))
    )
    found: list[bytes] = whole_rows[:, 0].tolist()
    return found
