"""Proposals: random first, then the best bound; repeatable, new, and better than chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.search.candidates import SpaceExhausted
from agent.search.parameter import Choice, Range
from agent.search.proposer import TOP, propose
from agent.search.space import Space
from agent.search.surrogate import Entry, Observation, Surrogate, Visited
from tests.search.example_spaces import BOTH_AGENTS, DQN
from tests.search.nasty import nasty_history

History = list[tuple[dict[str, Any], float]]

LINE = Space((Range("x", 0.0, 1.0),))
BOX = Space(tuple(Range(name, 0.0, 1.0) for name in "abcde"))
FINITE = Space(tuple(Range(name, 1, 6, integer=True) for name in "abcd"))


def score(params: dict[str, Any]) -> float:
    """A toy: DQN with 8 x 4 bins and a learning rate of 1e-3 is best, at 100."""
    rate = -20.0 * (math.log10(params["learning_rate"]) + 3.0) ** 2
    if "n_steer" not in params:
        return 40.0 + rate
    return 100.0 + rate - 2.0 * (params["n_steer"] - 8) ** 2 - 4.0 * (params["n_throttle"] - 4) ** 2


def history_of(space: Space, n: int) -> History:
    rng = np.random.default_rng(0)
    return [(params, score(params)) for params in (space.sample(rng) for _ in range(n))]


@pytest.mark.parametrize("n", [0, 1])
def test_the_first_two_are_random(n: int) -> None:
    proposals = [
        propose(DQN, history_of(DQN, n), np.random.default_rng(seed), kappa=2.0)
        for seed in range(20)
    ]
    assert {proposal.source for proposal in proposals} == {"random"}
    assert {proposal.n_observations for proposal in proposals} == {n}
    assert proposals[0].ucb is None
    assert proposals[0].top == []
    assert len({proposal.params["n_steer"] for proposal in proposals}) > 4


def test_from_the_third_on_the_process_decides() -> None:
    proposal = propose(DQN, history_of(DQN, 2), np.random.default_rng(0), kappa=2.0)
    assert proposal.source == "gp"
    assert proposal.n_observations == 2


def test_the_top_five_are_what_the_process_predicts() -> None:
    kappa = 1.5
    history = history_of(BOTH_AGENTS, 20)
    proposal = propose(BOTH_AGENTS, history, np.random.default_rng(0), kappa)
    assert len(proposal.top) == TOP
    assert proposal.top[0] == (proposal.params, proposal.ucb, proposal.mean, proposal.std)
    bounds = [candidate.ucb for candidate in proposal.top]
    assert bounds == sorted(bounds, reverse=True)
    surrogate = Surrogate.fit(BOTH_AGENTS, history)
    codes = np.array([BOTH_AGENTS.codes(candidate.params) for candidate in proposal.top])
    mean, std = surrogate.predict(codes)
    medians, spreads = surrogate.to_scores(mean, std)
    upper = surrogate.transform.inverse(mean + kappa * std)
    for i, candidate in enumerate(proposal.top):
        expected = (upper[i], medians[i], spreads[i])
        assert candidate[1:] == pytest.approx(expected, rel=1e-3)


def test_the_same_seed_gives_the_same_proposal() -> None:
    history = history_of(BOTH_AGENTS, 15)
    first, second, other = (
        propose(BOTH_AGENTS, history, np.random.default_rng(seed), 2.0) for seed in (5, 5, 6)
    )
    assert first == second
    assert first.top != other.top


@pytest.mark.parametrize("n_seen", [1, 11])
def test_only_an_untried_point_is_proposed(n_seen: int) -> None:
    space = Space((Range("n", 1, 6, integer=True), Choice("side", ("left", "right"))))
    points = [{"n": n, "side": side} for n in range(1, 7) for side in ("left", "right")]
    history = [(params, 100.0 if i == 0 else 0.0) for i, params in enumerate(points[:n_seen])]
    for seed in range(30):
        assert propose(space, history, np.random.default_rng(seed), 0.0).params in points[n_seen:]


def test_no_suggestion_comes_twice() -> None:
    space = Space(
        (Range("n", 1, 12, integer=True), Choice("c", ("a", "b")), Range("m", 1, 3, integer=True))
    )
    history: list[Entry] = []
    for trial in range(40):
        params = propose(space, history, np.random.default_rng(trial), 0.5).params
        history.append((params, -abs(params["n"] - 6.0)))
    assert len(Visited.of(space, history).codes) == 40


def test_params_that_were_tried_elsewhere_do_not_come_again() -> None:
    space = Space((Choice("car", ("a", "b", "c")),))
    history = [({"car": "a"}, 1.0), ({"car": "b"}, 2.0)]
    assert propose(space, history, np.random.default_rng(0), 2.0).params == {"car": "c"}
    with pytest.raises(SpaceExhausted, match="all 3 configurations were tried"):
        propose(space, history, np.random.default_rng(0), 2.0, tried=[{"car": "c"}])


@pytest.mark.parametrize("n_scored", [1, 4])
def test_an_exhausted_space_says_so(n_scored: int) -> None:
    space = Space((Range("n", 1, 4, integer=True),))
    history = [({"n": n}, -10.0 * abs(n - 3)) for n in range(1, n_scored + 1)]
    pending = [{"n": n} for n in range(n_scored + 1, 5)]
    with pytest.raises(SpaceExhausted, match="all 4 configurations were tried"):
        propose(space, history, np.random.default_rng(0), 0.0, pending=pending)


@pytest.mark.parametrize("space", [BOX, FINITE], ids=["continuous", "finite"])
def test_every_second_proposal_stays_near_the_best(space: Space) -> None:
    """However much the unknown is worth, every second trial is a neighbour of the best."""
    distances: dict[bool, list[float]] = {True: [], False: []}
    for n in range(20, 28):
        tried = [space.sample(np.random.default_rng(100 * n + i)) for i in range(n)]
        history = [
            (params, -float(np.square(space.encode(params) - 0.4).sum())) for params in tried
        ]
        proposal = propose(space, history, np.random.default_rng(n), kappa=100.0)
        ranked = sorted(history, key=lambda entry: -entry[1])[:TOP]
        best = space.features(np.array([space.codes(params) for params, _ in ranked]))
        proposed = space.features(np.array([space.codes(proposal.params)]))
        distances[n % 2 == 0].append(float(np.square(best - proposed).sum(axis=1).min()))
    assert np.mean(distances[True]) < 0.7 * np.mean(distances[False])


@pytest.mark.parametrize("winner", ["ppo", "dqn"])
def test_conditional_parameters_come_with_their_agent_only(winner: str) -> None:
    history = [
        (params, 50.0 if params["agent"] == winner else 0.0)
        for params, _ in history_of(BOTH_AGENTS, 12)
    ]
    proposal = propose(BOTH_AGENTS, history, np.random.default_rng(0), 0.5)
    assert proposal.params["agent"] == winner
    for candidate in proposal.top:
        is_dqn = candidate.params["agent"] == "dqn"
        assert ("n_steer" in candidate.params, "n_throttle" in candidate.params) == (is_dqn, is_dqn)


def test_only_failures_still_move_the_search_away() -> None:
    history = [Observation({"x": x}, None, failed=True) for x in (0.0, 0.05, 0.1)]
    assert propose(LINE, history, np.random.default_rng(0), 2.0).params["x"] > 0.5


def test_workers_do_not_try_the_same() -> None:
    rng = np.random.default_rng(0)
    history = [({"x": x}, -((x - 0.6) ** 2) + rng.normal(0, 0.05)) for x in (0.1, 0.5, 0.9)]
    pending: list[dict[str, Any]] = []
    for worker in range(4):
        rng = np.random.default_rng(worker)
        pending.append(propose(LINE, history, rng, 2.0, pending=pending).params)
    assert min(np.diff(sorted(params["x"] for params in pending))) > 0.02


@pytest.mark.parametrize("scores", [[0.0] * 6, [1e300, -1e300] * 3, [1e-320, 0.0, 5.0] * 2])
def test_strange_scores_still_give_a_proposal(scores: list[float]) -> None:
    params = {"n_steer": 5, "n_throttle": 3, "learning_rate": 1e-3}
    history = [(params, score) for score in scores]
    proposal = propose(DQN, history, np.random.default_rng(0), 2.0)
    assert proposal.source == "gp"
    assert proposal.params != params
    assert DQN.decode(DQN.encode(proposal.params)) == proposal.params


@pytest.mark.parametrize("seed", range(100))
def test_nasty_histories_give_a_finite_proposal(seed: int) -> None:
    space, history = nasty_history(seed)
    proposal = propose(space, history, np.random.default_rng(seed), 2.0)
    assert space.params(np.array(space.codes(proposal.params))) == proposal.params
    for candidate in proposal.top:
        assert np.isfinite([candidate.ucb, candidate.mean, candidate.std]).all()


@pytest.mark.parametrize("kappa", [-1.0, math.nan, math.inf])
def test_an_impossible_kappa_is_refused(kappa: float) -> None:
    with pytest.raises(ValueError, match="kappa"):
        propose(DQN, [], np.random.default_rng(0), kappa)


def regret(seed: int, trials: int, random_only: bool) -> float:
    rng = np.random.default_rng(seed)
    history: History = []
    for _ in range(trials):
        if random_only:
            params = BOTH_AGENTS.sample(rng)
        else:
            params = propose(BOTH_AGENTS, history, rng, 1.0).params
        history.append((params, score(params) + rng.normal(0.0, 2.0)))
    return 100.0 - max(score(params) for params, _ in history)


def test_it_finds_the_optimum_ahead_of_random_search() -> None:
    searched = [regret(seed, 25, random_only=False) for seed in range(4)]
    chance = [regret(seed, 25, random_only=True) for seed in range(4)]
    assert np.mean(searched) < 4.0
    assert np.mean(searched) < 0.5 * np.mean(chance)
