"""The surrogate of a history: replicates, failures, known noise, and what it recommends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.search.kernel import matern52
from agent.search.parameter import Range
from agent.search.space import Space
from agent.search.surrogate import (
    LOWER_BOUND_STDS,
    RESIDUAL_SHARE,
    Entry,
    Observation,
    Surrogate,
    Visited,
)
from tests.search.example_spaces import BOTH_AGENTS, PPO

LINE = Space((Range("x", 0.0, 1.0),))


def at(x: float) -> dict[str, Any]:
    return {"x": x}


def recommended(history: list[Entry]) -> tuple[float, float]:
    """The recommended x and its believed score."""
    surrogate = Surrogate.fit(LINE, history)
    row = surrogate.recommended_row()
    codes = surrogate.visited.codes
    score, _ = surrogate.to_scores(*surrogate.predict(codes))
    return float(codes[row, 0]), float(score[row])


def test_entries_that_cannot_be_used_are_left_out() -> None:
    good = {"learning_rate": 1e-3, "timesteps": 10_000}
    history: list[Entry] = [
        (good, 50.0),
        ({**good, "agent": "ppo", "seed": 3, "timesteps": 1_000_000}, 60.0),
        (good, None),
        (good, math.nan),
        (good, math.inf),
        Observation(good, None),
        ({"learning_rate": 1e-3}, 70.0),
        ({**good, "learning_rate": "fast"}, 70.0),
        ({**good, "agent": "dqn"}, 70.0),
    ]
    visited = Visited.of(PPO, history)
    assert visited.scores.tolist() == [50.0, 60.0]
    assert PPO.params(visited.codes[1]) == {**good, "timesteps": 20_000}


def test_replicates_are_one_row_with_the_posterior_of_all() -> None:
    """Against the plain process of every single outcome, at the same hyperparameters."""
    rng = np.random.default_rng(0)
    xs = (0.1, 0.4, 0.4, 0.4, 0.7, 0.7)
    surrogate = Surrogate.fit(LINE, [(at(x), math.sin(5 * x) + rng.normal(0, 0.3)) for x in xs])
    assert surrogate.visited.codes[:, 0].tolist() == [0.1, 0.4, 0.7]
    assert surrogate.repeats.count.tolist() == [1.0, 3.0, 2.0]
    gp = surrogate.gp
    learned = gp.hyperparameters
    singles = surrogate.transform.forward(surrogate.visited.scores)
    z = (singles - gp.outcome_mean) / gp.outcome_std
    X = np.array(xs)[:, None]
    new = np.array([[0.3], [0.4], [0.9]])
    K = matern52(X, X, learned) + learned.noise * np.eye(6)
    cross = matern52(X, new, learned)
    mean, std = surrogate.predict(new)
    expected = gp.outcome_mean + gp.outcome_std * (cross.T @ np.linalg.solve(K, z))
    np.testing.assert_allclose(mean, expected, rtol=1e-8)
    variance = learned.signal - (cross * np.linalg.solve(K, cross)).sum(axis=0)
    np.testing.assert_allclose(std, gp.outcome_std * np.sqrt(variance), rtol=1e-8)


def test_the_spread_of_replicates_separates_noise_from_signal() -> None:
    rng = np.random.default_rng(1)
    points = rng.random(12)

    def learned(noise: float) -> float:
        # Too wiggly to be told from noise without replicates.
        signal = [(x, 3.0 * math.sin(40.0 * x)) for x in points for _ in range(4)]
        scores = [(at(x), y + noise * rng.standard_normal()) for x, y in signal]
        return Surrogate.fit(LINE, scores).gp.hyperparameters.noise

    assert learned(0.01) < 0.01
    assert learned(3.0) > 0.3


def test_known_noise_of_the_episodes_counts() -> None:
    others = [Observation(at(x), 10.0 * x, std=0.1, episodes=5) for x in np.linspace(0, 0.9, 10)]

    def believed(std: float | None) -> float:
        surrogate = Surrogate.fit(LINE, [*others, Observation(at(0.95), 20.0, std, episodes=5)])
        score, _ = surrogate.to_scores(*surrogate.predict(np.array([[0.95]])))
        return float(score[0])

    assert believed(20.0) < believed(0.1) - 2.0


@pytest.mark.parametrize(
    ("std", "episodes", "variance"),
    [(3.0, 9, 1.0), (3.0, 1, 0.0), (None, 9, 0.0), (math.nan, 9, 0.0), (1e200, 9, 0.0)],
)
def test_the_variance_of_a_score_is_that_of_its_mean(
    std: float | None, episodes: int, variance: float
) -> None:
    assert Observation(at(0), 1.0, std, episodes).variance == variance


def test_a_failed_trial_is_the_worst_seen_and_sets_no_scale() -> None:
    rng = np.random.default_rng(0)
    scores: list[Entry] = [(at(x), 100.0 + 10.0 * x) for x in rng.random(10)]
    failed = [Observation(at(x), None, failed=True) for x in (0.91, 0.95, 0.99)]
    visited = Visited.of(LINE, [*scores, *failed])
    assert visited.imputed[10:].tolist() == [visited.succeeded.min()] * 3
    without = Surrogate.fit(LINE, scores)
    surrogate = Surrogate.fit(LINE, [*scores, *failed])
    assert surrogate.transform.scale == without.transform.scale
    mean, _ = surrogate.predict(np.array([[0.75], [0.95]]))
    assert mean[1] < mean[0]


def test_a_lucky_seed_is_not_recommended() -> None:
    rng = np.random.default_rng(3)
    history: list[Entry] = [
        (at(x), -20.0 * (x - 0.3) ** 2 + rng.normal(0, 0.3)) for x in np.linspace(0, 1, 30)
    ]
    x, mean = recommended([*history, (at(0.85), 1.5)])
    assert abs(x - 0.3) < 0.2
    assert abs(mean) < 0.5


def test_part_of_the_residual_counts() -> None:
    """All else equal the higher score is kept, though the process takes the gap for noise."""
    rng = np.random.default_rng(3)
    history: list[tuple[dict[str, Any], float]] = [
        (at(x), rng.standard_normal()) for x in np.linspace(0.0, 1.0, 41).round(3)
    ]
    surrogate = Surrogate.fit(LINE, history)
    assert surrogate.gp.hyperparameters.noise > 0.5
    best, _ = max(history, key=lambda entry: entry[1])
    assert LINE.params(surrogate.visited.codes[surrogate.recommended_row()]) == best
    mean, std = surrogate.predict(surrogate.visited.codes)
    outcomes, _ = surrogate.visited.transformed(surrogate.transform)
    lower_bound = mean - LOWER_BOUND_STDS * std
    share = (surrogate.recommendation_scores() - lower_bound) / (outcomes - mean)
    np.testing.assert_allclose(share, RESIDUAL_SHARE)


def test_good_neighbours_count_more_than_a_slightly_higher_score() -> None:
    row: list[Entry] = [(at(x), 1.0) for x in (0.1, 0.15, 0.2, 0.25, 0.3)]
    rest: list[Entry] = [(at(x), 0.2 * math.sin(90.0 * x)) for x in np.linspace(0.45, 0.8, 8)]
    x, _ = recommended([(at(0.98), 1.09), *rest, *row])
    assert x < 0.35


def test_an_inactive_parameter_does_not_change_a_prediction() -> None:
    rng = np.random.default_rng(0)
    tried = [BOTH_AGENTS.sample(rng) for _ in range(20)]
    surrogate = Surrogate.fit(BOTH_AGENTS, [(params, rng.normal()) for params in tried])
    base = {"agent": "ppo", "learning_rate": 1e-3, "timesteps": 9_000}
    bins: tuple[dict[str, int], ...] = (
        {},
        {"n_steer": 3, "n_throttle": 2},
        {"n_steer": 11, "n_throttle": 6},
    )
    mean, std = surrogate.predict(np.array([BOTH_AGENTS.codes({**base, **each}) for each in bins]))
    assert len(set(mean.tolist())) == len(set(std.tolist())) == 1


def test_pending_trials_leave_the_mean_and_lower_the_uncertainty() -> None:
    surrogate = Surrogate.fit(LINE, [(at(x), -((x - 0.6) ** 2)) for x in (0.1, 0.5, 0.9)])
    new = np.array([[0.3]])
    with_pending = surrogate.with_pending(new)
    mean, std = surrogate.predict(new)
    assert with_pending.predict(new)[0] == pytest.approx(mean, rel=1e-3)
    assert with_pending.predict(new)[1] < 0.8 * std
    assert surrogate.with_pending(np.empty((0, 1))) is surrogate


def test_other_hyperparameters_are_those_learned_times_a_factor() -> None:
    surrogate = Surrogate.fit(LINE, [(at(x), math.sin(5 * x)) for x in (0.1, 0.4, 0.5, 0.9)])
    learned = surrogate.gp.hyperparameters
    noisier = surrogate.with_noise_times(20.0).gp.hyperparameters
    assert noisier.noise == 20.0 * learned.noise
    assert noisier.lengthscales.tolist() == learned.lengthscales.tolist()
    rougher = surrogate.with_lengthscales_times(0.5).gp.hyperparameters
    assert rougher.lengthscales.tolist() == (0.5 * learned.lengthscales).tolist()
    assert rougher.noise == learned.noise


def test_of_too_many_rows_the_best_stay_and_some_of_every_rank() -> None:
    rng = np.random.default_rng(5)
    xs = rng.permutation(1000) / 1000.0
    history: list[Entry] = [(at(float(x)), float(x)) for x in [*xs, *xs[:200]]]
    visited = Visited.of(LINE, history)
    fewer = visited.at_most(100)
    kept = fewer.codes[:, 0]
    assert len(set(kept)) == 100
    assert sorted(kept)[-50:] == [x / 1000.0 for x in range(950, 1000)]
    assert kept.min() == 0.0
    assert np.diff(np.sort(kept)[:50]).max() < 0.025
    # Each row has kept all of its outcomes, in their order.
    assert (fewer.scores == fewer.codes[fewer.row, 0]).all()
    assert len(fewer.row) == 100 + sum(x in kept for x in xs[:200])


def test_few_rows_are_left_as_they_are() -> None:
    visited = Visited.of(LINE, [(at(x / 10.0), float(x)) for x in range(10)])
    assert visited.at_most(10) is visited


def test_a_long_history_keeps_its_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.search.surrogate.MAX_ROWS", 40)
    history: list[Entry] = [(at(x / 500.0), -abs(x - 333.0)) for x in range(500)]
    surrogate = Surrogate.fit(LINE, history)
    assert len(surrogate.visited.codes) == 40
    x, score = recommended(history)
    assert abs(x - 0.666) < 0.02
    assert score == pytest.approx(0.0, abs=5.0)
