"""Cost: seconds are learned from earlier trials, and of equals the cheaper is tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.search.cost import per_second, seconds_model
from agent.search.parameter import Choice, Range
from agent.search.proposer import propose
from agent.search.space import Space
from agent.search.surrogate import Observation

STEPS = Space(
    (Range("rate", 1e-4, 1e-2, log=True), Range("timesteps", 1000, 30_000, log=True, integer=True))
)


def history(n: int) -> list[Observation]:
    """Longer training is a little better, and costs 3 ms a step."""
    rng = np.random.default_rng(0)
    tried = [STEPS.sample(rng) for _ in range(n)]
    scores = [
        np.log10(params["timesteps"]) / 5.0 - np.log10(params["rate"] / 1e-3) ** 2
        for params in tried
    ]
    return [
        Observation(params, float(score), elapsed_sec=0.003 * params["timesteps"])
        for params, score in zip(tried, scores, strict=True)
    ]


def test_seconds_follow_the_training_length() -> None:
    codes = np.array([STEPS.codes({"rate": 1e-3, "timesteps": steps}) for steps in (3000, 20_000)])
    assert seconds_model(STEPS, history(12))(codes) == pytest.approx([9.0, 60.0], rel=0.1)


def test_nothing_timed_costs_the_same() -> None:
    codes = np.array([STEPS.codes({"rate": 1e-3, "timesteps": steps}) for steps in (3000, 20_000)])
    untimed: list[Any] = [
        ({"rate": 1e-3, "timesteps": 5000}, 1.0),
        Observation({"rate": 1e-3, "timesteps": 1}, 2.0),
    ]
    assert (seconds_model(STEPS, untimed)(codes) == 1.0).all()


@pytest.mark.parametrize("order", [("slow", "quick", "other"), ("other", "quick", "slow")])
def test_the_cheaper_of_equals_comes_first(order: tuple[str, ...]) -> None:
    space = Space((Choice("car", order), Range("x", 1, 9, integer=True)))
    seconds = {"slow": 100.0, "quick": 10.0, "other": 30.0}
    history = [
        Observation({"car": car, "x": x}, score=-float((x - 5) ** 2), elapsed_sec=seconds[car])
        for car in order
        for x in (1, 4, 7)
    ]
    proposal = propose(space, history, np.random.default_rng(0), 2.0, cost_aware=True)
    assert proposal.params["car"] == "quick"


def test_a_search_that_minds_the_cost_trains_for_shorter() -> None:
    def steps(cost_aware: bool) -> float:
        found = [
            propose(
                STEPS, history(5), np.random.default_rng(seed), 2.0, cost_aware=cost_aware
            ).params["timesteps"]
            for seed in range(8)
        ]
        return float(np.mean(np.log(found)))

    assert steps(cost_aware=True) < steps(cost_aware=False) - 0.5


def test_losses_cost_more_when_they_are_slow() -> None:
    values = per_second(np.array([2.0, 2.0, -2.0, -2.0]), np.array([1.0, 4.0, 1.0, 4.0]))
    assert values.tolist() == [2.0, 0.5, -2.0, -8.0]
