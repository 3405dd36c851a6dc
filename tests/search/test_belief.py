from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from agent.search.acquisition import ucb
from agent.search.belief import belief_of
from agent.search.parameter import Choice, Range
from agent.search.space import Space
from agent.search.surrogate import Surrogate

KAPPA = 2.0
SPACE = Space(
    (
        Choice("agent", ("ppo", "sac")),
        Range("rate", 1e-4, 1e-2, log=True),
        Range("idle", 0.0, 1.0),
        Range("count", 1, 4, integer=True),
        Range("tau", 0.0, 1.0, when=("agent", "sac")),
    )
)


def score(params: dict[str, Any]) -> float:
    return 100.0 - 40.0 * math.log10(params["rate"] / 1e-3) ** 2 + 10.0 * params["count"]


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    rng = np.random.default_rng(3)
    tried = [SPACE.sample(rng) for _ in range(40)]
    return Surrogate.fit(SPACE, [(params, score(params)) for params in tried])


def test_slices_are_the_surrogate_s_own_predictions(surrogate: Surrogate) -> None:
    belief = belief_of(surrogate, KAPPA)
    recommended = SPACE.params(surrogate.visited.codes[surrogate.recommended_row()])
    for each in belief.slices:
        assert len(each.values) == len(each.mean) == len(each.upper)
        assert len(set(each.values)) == len(each.values)
        if each.name == "agent":
            continue
        rows = [SPACE.codes({**recommended, each.name: value}) for value in each.values]
        mean, std = surrogate.predict(np.array(rows))
        inverse = surrogate.transform.inverse
        assert each.mean == pytest.approx(inverse(mean).tolist(), rel=1e-3)
        assert each.upper == pytest.approx(inverse(ucb(mean, std, KAPPA)).tolist(), rel=1e-3)
        assert all(a <= b <= c for a, b, c in zip(each.low, each.mean, each.high, strict=True))


def test_slices_reach_the_ends_of_a_range(surrogate: Surrogate) -> None:
    found = {each.name: each for each in belief_of(surrogate, KAPPA).slices}
    assert found["rate"].values[0] == pytest.approx(1e-4)
    assert found["rate"].values[-1] == pytest.approx(1e-2)
    assert found["rate"].log
    assert found["count"].values == [1, 2, 3, 4]
    assert found["agent"].values == ["ppo", "sac"]


def test_the_best_of_a_slice_is_where_the_scores_are_best(surrogate: Surrogate) -> None:
    found = {each.name: each for each in belief_of(surrogate, KAPPA).slices}
    rate = found["rate"]
    assert rate.values[int(np.argmax(rate.mean))] == pytest.approx(1e-3, rel=0.5)


def test_what_changes_the_score_is_important_and_what_does_not_is_not(
    surrogate: Surrogate,
) -> None:
    importances = belief_of(surrogate, KAPPA).importances
    assert set(importances) == set(SPACE.names)
    assert importances["rate"] > 0.5
    assert importances["idle"] < 0.1 * importances["rate"]


def test_an_inactive_parameter_has_no_slice() -> None:
    rng = np.random.default_rng(0)
    tried = [{**SPACE.sample(rng), "agent": "ppo"} for _ in range(8)]
    names = {each.name for each in belief_of(fit(tried), KAPPA).slices}
    assert names == {"agent", "rate", "idle", "count"}


@pytest.mark.parametrize("scores", [[5.0], [1e299, -1e299], [7.0, 7.0, 7.0]])
def test_few_or_extreme_scores_give_json(scores: list[float]) -> None:
    rng = np.random.default_rng(1)
    surrogate = Surrogate.fit(SPACE, [(SPACE.sample(rng), value) for value in scores])
    json.dumps(asdict(belief_of(surrogate, KAPPA)), allow_nan=False)


def fit(tried: list[dict[str, Any]]) -> Surrogate:
    return Surrogate.fit(SPACE, [(params, score(params)) for params in tried])
