"""Proposals: random first, then the best bound; repeatable, new, and better than chance."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from agent.search.candidates import SpaceExhausted
from agent.search.proposer import TOP, propose
from agent.search.space import Choice, Range, Space, sweep_space, trial_space
from agent.search.surrogate import Surrogate, Visited

History = list[tuple[dict[str, Any], float]]


BOX = Space(tuple(Range(name, 0.0, 1.0) for name in "abcde"))
FINITE = Space(tuple(Range(name, 1, 6, integer=True) for name in "abcd"))


def _score(params: dict[str, Any]) -> float:
    """A toy: DQN with 8 x 4 bins and a learning rate of 1e-3 is best, at 100."""
    rate = -20.0 * (math.log10(params["learning_rate"]) + 3.0) ** 2
    bins = (
        -2.0 * (params["n_steer"] - 8) ** 2 - 4.0 * (params["n_throttle"] - 4) ** 2
        if "n_steer" in params
        else -60.0
    )
    return 100.0 + rate + bins


def _history(space: Space, n: int, seed: int = 0) -> History:
    rng = np.random.default_rng(seed)
    return [(params, _score(params)) for params in (space.sample(rng) for _ in range(n))]


@pytest.mark.parametrize("n", [0, 1])
def test_the_first_two_are_random(n: int) -> None:
    space = sweep_space()
    proposals = [
        propose(space, _history(space, n), np.random.default_rng(seed), kappa=2.0)
        for seed in range(20)
    ]
    assert {proposal.source for proposal in proposals} == {"random"}
    assert {proposal.n_observations for proposal in proposals} == {n}
    assert proposals[0].ucb is None
    assert proposals[0].top == []
    assert len({proposal.params["n_steer"] for proposal in proposals}) > 4


def test_from_the_third_on_the_process_decides() -> None:
    space = sweep_space()
    proposal = propose(space, _history(space, 2), np.random.default_rng(0), kappa=2.0)
    assert proposal.source == "gp"
    assert proposal.n_observations == 2


def test_top_five_are_what_the_process_predicts() -> None:
    space, kappa = trial_space(None, 5_000, 20_000), 1.5
    history = _history(space, 20)
    proposal = propose(space, history, np.random.default_rng(0), kappa)
    assert len(proposal.top) == TOP
    assert proposal.top[0] == (proposal.params, proposal.ucb, proposal.mean, proposal.std)
    bounds = [candidate.ucb for candidate in proposal.top]
    assert bounds == sorted(bounds, reverse=True)
    surrogate = Surrogate.fit(space, history)
    mean, std = surrogate.predict(
        np.array([space.codes(candidate.params) for candidate in proposal.top])
    )
    score, spread = surrogate.in_scores(mean, std)
    for i, candidate in enumerate(proposal.top):
        assert (candidate.mean, candidate.std) == pytest.approx((score[i], spread[i]), rel=1e-3)
        assert candidate.ucb == pytest.approx(
            surrogate.outcome.inverse(mean + kappa * std)[i], rel=1e-3
        )


def test_same_seed_same_proposal() -> None:
    space = trial_space(None, 5_000, 20_000)
    history = _history(space, 15)
    first, second, other = (
        propose(space, history, np.random.default_rng(seed), 2.0) for seed in (5, 5, 6)
    )
    assert first == second
    assert first.top != other.top


@pytest.mark.parametrize("n_seen", [1, 11])
def test_only_the_untried_point_is_proposed(n_seen: int) -> None:
    space = Space((Range("n", 1, 6, integer=True), Choice("side", ("left", "right"))))
    points = [{"n": n, "side": side} for n in range(1, 7) for side in ("left", "right")]
    history = [(params, 100.0 if i == 0 else 0.0) for i, params in enumerate(points[:n_seen])]
    for seed in range(30):
        assert propose(space, history, np.random.default_rng(seed), 0.0).params in points[n_seen:]


@pytest.mark.parametrize("n_scored", [1, 4])
def test_an_exhausted_space_says_so(n_scored: int) -> None:
    space = Space((Range("n", 1, 4, integer=True),))
    history = [({"n": n}, -10.0 * abs(n - 3)) for n in range(1, n_scored + 1)]
    pending = [{"n": n} for n in range(n_scored + 1, 5)]
    with pytest.raises(SpaceExhausted, match="all 4 configurations were tried"):
        propose(space, history, np.random.default_rng(0), 0.0, pending=pending)


@pytest.mark.parametrize("space", [BOX, FINITE], ids=["continuous", "finite"])
def test_every_second_proposal_stays_near_the_best(space: Space) -> None:
    """However much the unknown is worth, every second trial is among the neighbours of the best."""
    distances: dict[bool, list[float]] = {True: [], False: []}
    for n in range(20, 28):
        tried = [space.sample(np.random.default_rng(100 * n + i)) for i in range(n)]
        history = [
            (params, -float(np.square(space.encode(params) - 0.4).sum())) for params in tried
        ]
        proposal = propose(space, history, np.random.default_rng(n), kappa=100.0)
        ranked = sorted(history, key=lambda entry: -entry[1])[:TOP]
        best = space.features(np.array([space.codes(params) for params, _ in ranked]))
        place = space.features(np.array([space.codes(proposal.params)]))
        distances[n % 2 == 0].append(float(np.square(best - place).sum(axis=1).min()))
    assert np.mean(distances[True]) < 0.7 * np.mean(distances[False])


def test_entries_that_cannot_be_used_are_left_out() -> None:
    space = trial_space("ppo", 5_000, 20_000)
    good = {"learning_rate": 1e-3, "timesteps": 10_000}
    history: list[tuple[dict[str, Any], float | None]] = [
        (good, 50.0),
        ({**good, "agent": "ppo", "seed": 3, "timesteps": 1_000_000}, 60.0),
        (good, None),
        (good, math.nan),
        (good, math.inf),
        ({"learning_rate": 1e-3}, 70.0),
        ({**good, "learning_rate": "fast"}, 70.0),
        ({**good, "agent": "dqn"}, 70.0),
    ]
    visited = Visited.of(space, history)
    assert visited.scores.tolist() == [50.0, 60.0]
    assert space.params(visited.codes[1]) == {**good, "timesteps": 20_000}
    assert propose(space, history, np.random.default_rng(0), 2.0).n_observations == 2


@pytest.mark.parametrize("winner", ["ppo", "dqn"])
def test_conditional_parameters_come_with_their_agent_only(winner: str) -> None:
    space = trial_space(None, 5_000, 20_000)
    history = [
        (params, 50.0 if params["agent"] == winner else 0.0) for params, _ in _history(space, 12)
    ]
    proposal = propose(space, history, np.random.default_rng(0), 0.5)
    assert proposal.params["agent"] == winner
    for candidate in proposal.top:
        is_dqn = candidate.params["agent"] == "dqn"
        assert ("n_steer" in candidate.params, "n_throttle" in candidate.params) == (is_dqn, is_dqn)


@pytest.mark.parametrize("scores", [[0.0] * 6, [1e300, -1e300] * 3, [1e-320, 0.0, 5.0] * 2])
def test_strange_scores_still_give_a_proposal(scores: list[float]) -> None:
    space = sweep_space()
    params = {"n_steer": 5, "n_throttle": 3, "learning_rate": 1e-3}
    proposal = propose(
        space,
        [(params, score) for score in scores],
        np.random.default_rng(0),
        2.0,
        n_candidates=200,
    )
    assert proposal.source == "gp"
    assert proposal.params != params
    assert space.decode(space.encode(proposal.params)) == proposal.params


@pytest.mark.parametrize(
    ("kappa", "n_candidates"), [(-1.0, 10), (math.nan, 10), (math.inf, 10), (1.0, 0)]
)
def test_impossible_settings_are_refused(kappa: float, n_candidates: int) -> None:
    with pytest.raises(ValueError, match=r"kappa|n_candidates"):
        propose(sweep_space(), [], np.random.default_rng(0), kappa, n_candidates)


def test_one_candidate_is_enough() -> None:
    space = sweep_space()
    assert (
        len(propose(space, _history(space, 5), np.random.default_rng(0), 1.0, n_candidates=1).top)
        == 1
    )


def _regret(space: Space, seed: int, trials: int, random_only: bool) -> float:
    rng = np.random.default_rng(seed)
    history: History = []
    for _ in range(trials):
        params = (
            space.sample(rng)
            if random_only
            else propose(space, history, rng, 1.0, n_candidates=500).params
        )
        history.append((params, _score(params) + rng.normal(0.0, 2.0)))
    return 100.0 - max(_score(params) for params, _ in history)


def test_finds_the_optimum_ahead_of_random_search() -> None:
    space = trial_space(None, 5_000, 20_000)
    searched = [_regret(space, seed, 25, random_only=False) for seed in range(4)]
    chance = [_regret(space, seed, 25, random_only=True) for seed in range(4)]
    assert np.mean(searched) < 4.0
    assert np.mean(searched) < 0.5 * np.mean(chance)


def test_search_needs_numpy_only() -> None:
    code = (
        "import sys, agent.search.proposer, agent.search.space;"
        "print([name for name in ('torch', 'scipy', 'gymnasium', 'stable_baselines3', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
