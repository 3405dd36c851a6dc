"""What the search believes of a history: replicates, failures, noise, bends, and histories that are nasty."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.search.outcome_transform import POWERS, Outcome, likeliest, scaled
from agent.search.proposer import propose, recommend
from agent.search.space import Choice, Range, Space, trial_space
from agent.search.surrogate import CAUTION, OWN, Entry, Observation, Surrogate, Visited
from tests.search.nasty import nasty_history

LINE = Space((Range("x", 0.0, 1.0),))


def _at(x: float) -> dict[str, Any]:
    return {"x": x}


@pytest.mark.parametrize("power", POWERS)
def test_bends_invert_and_their_slope_is_the_derivative(power: float) -> None:
    y = np.array([-300.0, -20.0, 1.0, 3.0, 5.0, 90.0])
    outcome = Outcome(largest=10.0, centre=0.3, scale=2.0, power=power)
    np.testing.assert_allclose(outcome.inverse(outcome.forward(y)), y, rtol=1e-9)
    slope = (outcome.forward(y + 1e-5) - outcome.forward(y - 1e-5)) / 2e-5
    np.testing.assert_allclose(np.exp(outcome.log_slope(y)) / 20.0, slope, rtol=1e-6)
    np.testing.assert_allclose(outcome.variance(y, np.full(6, 4.0)), 4.0 * slope**2, rtol=1e-5)


def test_the_bend_is_chosen_by_likelihood() -> None:
    z = np.random.default_rng(0).standard_normal(60)
    for y, powers in ((z, {1.0}), (np.exp(1.5 * z), {0.0}), (-np.exp(1.5 * z), {2.0})):
        assert likeliest(scaled(y), y, np.eye(60)).power in powers
    few = np.exp(3.0 * z[:5])
    assert likeliest(scaled(few), few, np.eye(5)).power == 1.0


def test_a_floor_of_crashes_does_not_set_the_scale() -> None:
    """More than half of the scores nearly equal: the scale is that of the better ones, so that these stay apart."""
    y = np.array([9.0, 9.1, 9.2] * 10 + [40.0, 120.0, 250.0, 370.0, 490.0])
    assert 50.0 < scaled(y).largest * scaled(y).scale < 400.0
    assert scaled(np.append(y, -1e9)).scale * 1e9 == pytest.approx(scaled(y).scale * 490.0, rel=0.2)


def test_replicates_are_one_row_with_the_posterior_of_all() -> None:
    """Pooled: mean, noise / n. Against the plain process of every single outcome, at the same hyperparameters."""
    rng = np.random.default_rng(0)
    history: list[Entry] = [
        (_at(x), math.sin(5 * x) + rng.normal(0, 0.3)) for x in (0.1, 0.4, 0.4, 0.4, 0.7, 0.7)
    ]
    surrogate = Surrogate.fit(LINE, history)
    assert surrogate.visited.codes[:, 0].tolist() == [0.1, 0.4, 0.7]
    assert surrogate.repeats.count.tolist() == [1.0, 3.0, 2.0]
    gp, hyper = surrogate.gp, surrogate.gp.hyperparameters
    singles = surrogate.outcome.forward(surrogate.visited.scores)
    z = (singles - gp.outcome_mean) / gp.outcome_std
    X = np.array([[0.1], [0.4], [0.4], [0.4], [0.7], [0.7]])
    at = np.array([[0.3], [0.4], [0.9]])
    K = gp._kernel(X, X) + hyper.noise * np.eye(6)
    cross = gp._kernel(X, at)
    mean, std = surrogate.predict(at)
    np.testing.assert_allclose(
        mean, gp.outcome_mean + gp.outcome_std * (cross.T @ np.linalg.solve(K, z)), rtol=1e-8
    )
    variance = hyper.signal - (cross * np.linalg.solve(K, cross)).sum(axis=0)
    np.testing.assert_allclose(std, gp.outcome_std * np.sqrt(variance), rtol=1e-8)


def test_the_spread_of_replicates_tells_noise_from_signal() -> None:
    rng = np.random.default_rng(1)
    points = rng.random(12)

    def learned(noise: float) -> float:
        signal = [
            (x, 3.0 * math.sin(40.0 * x)) for x in points
        ]  # too wiggly to be told from noise without replicates
        scores = [(_at(x), y + noise * rng.standard_normal()) for x, y in signal for _ in range(4)]
        return Surrogate.fit(LINE, scores).gp.hyperparameters.noise

    assert learned(0.01) < 0.01
    assert learned(3.0) > 0.3


def test_known_noise_of_the_episodes_counts() -> None:
    def believed(std: float | None) -> float:
        others: list[Entry] = [
            Observation(_at(x), 10.0 * x, std=0.1, episodes=5) for x in np.linspace(0, 0.9, 10)
        ]
        history = [*others, Observation(_at(0.95), 20.0, std=std, episodes=5)]
        surrogate = Surrogate.fit(LINE, history)
        return float(surrogate.in_scores(*surrogate.predict(np.array([[0.95]])))[0][0])

    assert believed(20.0) < believed(0.1) - 2.0
    assert Observation(_at(0), 1.0, std=3.0, episodes=9).variance == 1.0
    assert Observation(_at(0), 1.0, std=3.0).variance == 0.0
    assert Observation(_at(0), 1.0, std=math.nan, episodes=9).variance == 0.0


def test_a_failed_trial_is_the_worst_seen_and_sets_no_scale() -> None:
    rng = np.random.default_rng(0)
    scores: list[Entry] = [(_at(x), 100.0 + 10.0 * x) for x in rng.random(10)]
    failed: list[Entry] = [Observation(_at(x), None, failed=True) for x in (0.91, 0.95, 0.99)]
    visited = Visited.of(LINE, scores + failed)
    assert visited.filled[10:].tolist() == [visited.succeeded.min()] * 3
    assert (
        Surrogate.fit(LINE, scores + failed).outcome.scale
        == Surrogate.fit(LINE, scores).outcome.scale
    )
    mean, _ = Surrogate.fit(LINE, scores + failed).predict(np.array([[0.75], [0.95]]))
    assert mean[1] < mean[0]
    assert Visited.of(
        LINE, [*scores, (_at(0.5), None), Observation(_at(0.6), None)]
    ).codes.shape == (10, 1)


def test_only_failures_still_move_the_search_away() -> None:
    history = [Observation(_at(x), None, failed=True) for x in (0.0, 0.05, 0.1)]
    assert propose(LINE, history, np.random.default_rng(0), 2.0).params["x"] > 0.5


def test_a_lucky_seed_is_not_recommended() -> None:
    rng = np.random.default_rng(3)
    history: list[Entry] = [
        (_at(x), -20.0 * (x - 0.3) ** 2 + rng.normal(0, 0.3)) for x in np.linspace(0, 1, 30)
    ]
    lucky: list[Entry] = [(_at(0.85), 1.5)]
    found = recommend(LINE, history + lucky)
    assert abs(found.params["x"] - 0.3) < 0.2
    assert abs(found.mean) < 0.5
    with pytest.raises(ValueError, match="propose at random"):
        recommend(LINE, [])


def test_part_of_what_the_neighbours_do_not_explain_counts() -> None:
    """All else equal the higher score is kept, though the process takes the difference for noise."""
    rng = np.random.default_rng(3)
    history: list[tuple[dict[str, Any], float]] = [
        (_at(x), rng.standard_normal()) for x in np.linspace(0.0, 1.0, 41).round(3)
    ]
    surrogate = Surrogate.fit(LINE, history)
    mean, std = surrogate.predict(surrogate.visited.codes)
    outcomes, _ = surrogate.visited.outcomes(surrogate.outcome)
    assert surrogate.gp.hyperparameters.noise > 0.5
    assert recommend(LINE, history).params == max(history, key=lambda entry: entry[1])[0]
    gain = (surrogate.merits() - mean + CAUTION * std) / (outcomes - mean)
    np.testing.assert_allclose(gain, OWN)


def test_good_neighbours_count_more_than_a_slightly_higher_score() -> None:
    row: list[Entry] = [(_at(x), 1.0) for x in (0.1, 0.15, 0.2, 0.25, 0.3)]
    rest: list[Entry] = [(_at(x), 0.2 * math.sin(90.0 * x)) for x in np.linspace(0.45, 0.8, 8)]
    assert recommend(LINE, [(_at(0.98), 1.09), *rest, *row]).params["x"] < 0.35


def test_what_is_inactive_does_not_change_a_prediction() -> None:
    space = trial_space(None, 5_000, 20_000)
    rng = np.random.default_rng(0)
    history: list[Entry] = [
        (params, rng.normal()) for params in (space.sample(rng) for _ in range(20))
    ]
    surrogate = Surrogate.fit(space, history)
    base = {"agent": "ppo", "learning_rate": 1e-3, "timesteps": 9_000}
    points = [
        base,
        {**base, "n_steer": 3, "n_throttle": 2},
        {**base, "n_steer": 11, "n_throttle": 6},
    ]
    mean, std = surrogate.predict(np.array([space.codes(params) for params in points]))
    assert len(set(mean.tolist())) == len(set(std.tolist())) == 1


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    rng = np.random.default_rng(0)
    history: list[Entry] = [
        (_at(x), math.sin(6.0 * x) + rng.normal(0, 0.1)) for x in rng.random(30)
    ]
    cold = Surrogate.fit(LINE, history)
    warm = Surrogate.fit(LINE, history, Surrogate.fit(LINE, history[:-1]).theta)
    np.testing.assert_allclose(warm.theta, cold.theta, atol=0.2)
    for ignored in (
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (math.nan, 0.0, 0.0),
        (0.0, 1e3, 0.0),
    ):  # another space's, insane
        assert Surrogate.fit(LINE, history, ignored).theta == cold.theta


def test_no_suggestion_comes_twice() -> None:
    space = Space(
        (Range("n", 1, 12, integer=True), Choice("c", ("a", "b")), Range("m", 1, 3, integer=True))
    )
    history: list[Entry] = []
    for trial in range(40):
        params = propose(space, history, np.random.default_rng(trial), 0.5, n_candidates=100).params
        history.append((params, -abs(params["n"] - 6.0)))
    assert len(Visited.of(space, history).codes) == 40


def test_workers_do_not_clump() -> None:
    rng = np.random.default_rng(0)
    history: list[Entry] = [
        (_at(x), -((x - 0.6) ** 2) + rng.normal(0, 0.05)) for x in (0.1, 0.5, 0.9)
    ]
    pending: list[dict[str, Any]] = []
    for worker in range(4):
        pending.append(
            propose(LINE, history, np.random.default_rng(worker), 2.0, pending=pending).params
        )
    places = sorted(params["x"] for params in pending)
    assert min(np.diff(places)) > 0.02


@pytest.mark.parametrize("seed", range(100))
def test_nasty_histories_give_a_finite_proposal(seed: int) -> None:
    space, history = nasty_history(seed)
    proposal = propose(space, history, np.random.default_rng(seed), 2.0, n_candidates=100)
    assert space.params(np.array(space.codes(proposal.params))) == proposal.params
    for candidate in proposal.top:
        assert np.isfinite([candidate.ucb, candidate.mean, candidate.std]).all()
