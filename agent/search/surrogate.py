"""The surrogate of the score: a history of trials turned into a Gaussian process over the space.

Trials of the same params are one row, their mean. A failed trial counts as the worst score seen,
but takes no part in choosing the scale. The spread of a trial's episodes is known noise; the noise
of training seeds is learned on top. Scores are transformed (``outcome_transform``) if that makes
them likelier.

The time of a prediction grows with the square of the rows, so no more than ``MAX_ROWS`` are taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from agent.search.acquisition import ucb
from agent.search.arrays import Array, Indices
from agent.search.gp import TinyGP, thinned
from agent.search.kernel import Hyperparameters
from agent.search.likelihood import Repeats
from agent.search.outcome_transform import OutcomeTransform, likeliest_power, linear_transform
from agent.search.space import Space

# Recommendation: mean - LOWER_BOUND_STDS * std + RESIDUAL_SHARE * residual. Chosen with
# bench_search.py: docs/results/experiments.jsonl, topic search-variants.
RESIDUAL_SHARE = 0.35
LOWER_BOUND_STDS = 2.0
MAX_KNOWN_STD = 1e150  # the square of a larger one overflows
MAX_ROWS = 1000  # chosen with experiments/scale.py, see docs/scale.md
BEST_SHARE = 0.5  # of these rows that are the best, the others are spread over all ranks

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Observation:
    """Result of one trial.

    :param score: its mean over ``episodes`` evaluation episodes; ``None`` if there is none
    :param std: standard deviation over these episodes, ``None`` if unknown
    :param failed: without a score because of its params (diverged, crashed), not for another reason
    :param elapsed_sec: that it took, ``None`` if unknown
    """

    params: Params
    score: float | None
    std: float | None = None
    episodes: int = 1
    failed: bool = False
    elapsed_sec: float | None = None

    @property
    def variance(self) -> float:
        """Variance of the score, as far as the episodes show it; 0 if they do not."""
        if self.std is None or not abs(self.std) < MAX_KNOWN_STD or self.episodes <= 1:
            return 0.0
        return self.std**2 / self.episodes


Entry = Observation | tuple[Params, float | None]


@dataclass(frozen=True)
class Visited:
    """The usable entries of a history.

    :param codes: distinct ones (n, parameters)
    :param row: index in ``codes`` of each entry (m,)
    :param scores: of each entry (m,), NaN if it failed
    :param variances: of these scores (m,), as far as known
    """

    codes: Array
    row: Indices
    scores: Array
    variances: Array

    @classmethod
    def of(cls, space: Space, history: Sequence[Entry]) -> Self:
        """Reads ``history``.

        An entry is left out if it has no finite score and did not fail. It is also if it lacks an
        active parameter, or has an unknown choice or another context. Numbers outside their range
        are clipped.
        """
        codes: list[list[float]] = []
        scores: list[float] = []
        variances: list[float] = []
        for entry in history:
            observation = entry if isinstance(entry, Observation) else Observation(*entry)
            score = _finite_score(observation)
            if score is None and not observation.failed:
                continue
            try:
                codes.append(space.codes(observation.params))
            except ValueError:
                continue
            scores.append(math.nan if score is None else score)
            variances.append(observation.variance)
        table = np.array(codes).reshape(-1, len(space.parameters))
        row = _row_of_each(row_keys(space, table))
        _, firsts = np.unique(row, return_index=True)
        return cls(table[firsts], row, np.array(scores), np.array(variances))

    @property
    def succeeded(self) -> Array:
        """Scores without the failed."""
        return self.scores[~np.isnan(self.scores)]

    @property
    def imputed(self) -> Array:
        """Scores (m,) with the worst seen for the failed; 0 if all failed."""
        worst = self.succeeded.min() if len(self.succeeded) else 0.0
        return np.where(np.isnan(self.scores), worst, self.scores)

    def at_most(self, size: int) -> Visited:
        """Returns the same with at most ``size`` rows: the best, and some of every rank below."""
        if len(self.codes) <= size:
            return self
        means = np.bincount(self.row, self.imputed) / np.bincount(self.row)
        order = np.argsort(-means, kind="stable")
        n_best = int(BEST_SHARE * size)
        others = order[n_best:]
        spread = others[thinned(means[others], size - n_best)]
        kept = np.sort(np.append(order[:n_best], spread))
        entries = np.isin(self.row, kept)
        row = np.searchsorted(kept, self.row[entries])
        return Visited(self.codes[kept], row, self.scores[entries], self.variances[entries])

    def transformed(self, transform: OutcomeTransform) -> tuple[Array, Repeats]:
        """Returns a mean transformed score per row (n,), and the outcomes that it stands for."""
        z = transform.forward(self.imputed)
        variance = transform.variance(self.imputed, self.variances)
        count = np.bincount(self.row).astype(np.float64)
        mean = np.bincount(self.row, z) / count
        squares = np.bincount(self.row, np.square(z - mean[self.row])).astype(np.float64)
        return mean, Repeats(count, np.bincount(self.row, variance) / count, squares)


@dataclass(frozen=True)
class Surrogate:
    """The Gaussian process of a history; it predicts transformed scores.

    :param visited: the history
    :param transform: of the scores; its ``inverse`` turns predictions into scores
    :param gp: the process
    :param repeats: outcomes that each row of the process stands for
    """

    space: Space
    visited: Visited
    transform: OutcomeTransform
    gp: TinyGP
    repeats: Repeats

    @classmethod
    def fit(cls, space: Space, history: Sequence[Entry]) -> Self:
        """Fits a history; deterministic.

        :raises ValueError: no entry of ``history`` is usable
        """
        return cls.of(space, Visited.of(space, history))

    @classmethod
    def of(cls, space: Space, visited: Visited) -> Self:
        """Fits a history that was read already, or ``MAX_ROWS`` of it; see ``fit``."""
        visited = visited.at_most(MAX_ROWS)
        if not len(visited.codes):
            raise ValueError(
                "no trial of the history can be used; propose at random until one has a score"
            )
        X = space.features(visited.codes)
        groups = space.groups
        linear = linear_transform(visited.succeeded)
        z, repeats = visited.transformed(linear)
        gp = TinyGP.fit(X, z, groups, repeats)
        means = np.bincount(visited.row, visited.imputed / linear.largest) / repeats.count
        transform = likeliest_power(linear, linear.largest * means, gp.whitening)
        if transform != linear:
            z, repeats = visited.transformed(transform)
            gp = TinyGP.fit(X, z, groups, repeats, start=gp.hyperparameters)
        return cls(space, visited, transform, gp, repeats)

    def predict(self, codes: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of the transformed score, noise left out.

        :param codes: where (m, parameters)
        """
        return self.gp.predict(self.space.features(codes))

    def predict_mean(self, codes: Array) -> Array:
        """Mean (m,) of the transformed score, in a fraction of the time of ``predict``.

        :param codes: where (m, parameters)
        """
        return self.gp.predict_mean(self.space.features(codes))

    @cached_property
    def at_visited(self) -> tuple[Array, Array]:
        """Mean and standard deviation (n,) of the transformed score at the visited."""
        return self.predict(self.visited.codes)

    def to_scores(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """Mean and std (m,) of transformed scores to median and spread (m,) of scores.

        The spread is half the width of the central 68 %.
        """
        low = self.transform.inverse(mean - std)
        high = self.transform.inverse(mean + std)
        return self.transform.inverse(mean), high / 2.0 - low / 2.0

    def recommendation_scores(self) -> Array:
        """Scores (n,), transformed, by which a visited configuration is recommended.

        They are mean - 2 std + 0.35 residual. The lower bound favours those whose neighbours are
        good too. The residual may be noise, or a real effect that the process is too smooth for.
        """
        mean, std = self.at_visited
        outcomes, _ = self.visited.transformed(self.transform)
        return ucb(mean, std, -LOWER_BOUND_STDS) + RESIDUAL_SHARE * (outcomes - mean)

    def recommended_row(self) -> int:
        """Index in ``visited.codes`` of the configuration to recommend."""
        return int(self.recommendation_scores().argmax())

    def best_visited(self, count: int) -> Array:
        """Codes (at most ``count``, parameters) of the visited with the highest means."""
        mean = self.predict_mean(self.visited.codes)
        best: Array = self.visited.codes[np.argsort(-mean, kind="stable")[:count]]
        return best

    def with_pending(self, codes: Array) -> Surrogate:
        """Returns the same after running trials (k, parameters) ended just as it predicts.

        The kriging believer (Ginsbourger et al. 2010): it is more certain there, so workers that
        run side by side do not try the same.
        """
        if not len(codes):
            return self
        mean = self.predict_mean(codes)
        z, _ = self.visited.transformed(self.transform)
        X = np.vstack([self.gp.X, self.space.features(codes)])
        repeats = self.repeats.with_single_outcomes(len(codes))
        gp = TinyGP(X, np.append(z, mean), self.gp.hyperparameters, self.gp.groups, repeats)
        return replace(self, gp=gp, repeats=repeats)

    def with_noise_times(self, factor: float) -> Surrogate:
        """Returns the same with ``factor`` times the learned noise variance."""
        learned = self.gp.hyperparameters
        return self._with_hyperparameters(replace(learned, noise=factor * learned.noise))

    def with_lengthscales_times(self, factor: float) -> Surrogate:
        """Returns the same with ``factor`` times the learned lengthscales."""
        learned = self.gp.hyperparameters
        lengthscales = factor * learned.lengthscales
        return self._with_hyperparameters(replace(learned, lengthscales=lengthscales))

    def _with_hyperparameters(self, hyperparameters: Hyperparameters) -> Surrogate:
        z, _ = self.visited.transformed(self.transform)
        gp = TinyGP(self.gp.X, z, hyperparameters, self.gp.groups, self.repeats)
        return replace(self, gp=gp)


def row_keys(space: Space, codes: Array) -> list[bytes]:
    """Returns a key for each row of ``codes`` (n, parameters), equal for equal params."""
    rounded = space.to_unit(codes).round(9) + 0.0  # -0 is 0
    whole_row = np.dtype((np.void, rounded.itemsize * space.width))
    found: list[bytes] = np.ascontiguousarray(rounded).view(whole_row)[:, 0].tolist()
    return found


def _row_of_each(keys: Sequence[bytes]) -> Indices:
    """Numbers distinct keys in the order of their first occurrence."""
    rows: dict[bytes, int] = {}
    return np.array([rows.setdefault(key, len(rows)) for key in keys], dtype=np.intp)


def _finite_score(observation: Observation) -> float | None:
    if observation.score is None or observation.failed:
        return None
    score = float(observation.score)
    return score if math.isfinite(score) else None
