"""The title against lucky seeds: pure decisions on records."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agent.trials.config import TrialConfig
from agent.trials.record import Record
from agent.trials.title import HOLD_SEEDS, confirmation, contender, decide, fresh_seed

Make = Callable[..., Record]


def params(rate: float, seed: int = 0) -> dict:
    return TrialConfig(learning_rate=rate, seed=seed).to_params()


def night(
    record: Make, true_means: dict[float, float], noise: float, confirm: int, trials: int, seed: int = 0
) -> list[Record]:
    """A night of trials whose scores are the configuration's mean and the luck of the seed; replicates as decided."""
    rng = np.random.default_rng(seed)
    rates = list(true_means)
    records: list[Record] = []
    while len(records) < trials:
        needed = decide(records, 0, confirm).needed
        if needed is None:
            rate = rates[len([r for r in records if r.kind == "search"]) % len(rates)]
            own, kind = params(rate, seed=len(records) + 1), "search"
        else:
            own, kind = needed, "replicate"
        score = true_means[own["learning_rate"]] + noise * rng.standard_normal()
        records.append(record(len(records) + 1, score, params=own, kind=kind, seed=own["seed"]))
    return records


def test_the_first_configuration_is_trained_anew_before_it_has_the_title(record: Make) -> None:
    records = [record(1, 90.0, params=params(1e-3, 7), seed=7)]
    for k in range(1, HOLD_SEEDS + 1):
        title = decide(records, 0, 3)
        assert (title.champion is None) == (k <= 3)
        assert title.needed == params(1e-3, fresh_seed(0, k))
        records.append(record(k + 1, 50.0, params=title.needed, kind="replicate", seed=title.needed["seed"]))
    assert decide(records, 0, 3) == decide(records, 5 * 0, 3)
    assert decide(records, 0, 3).needed is None
    assert decide(records, 0, 3).champion == contender(params(1e-3))
    assert [r.trial for r in confirmation(records, contender(params(1e-3)))] == [2, 3, 4, 5, 6]


def test_a_lucky_score_is_dropped_after_the_first_fresh_seed_that_says_so(record: Make) -> None:
    records = night(record, {1e-3: 50.0}, 0.0, 3, 6)
    records.append(record(7, 500.0, params=params(2e-3), kind="search"))
    needed = decide(records, 0, 3).needed
    assert needed == params(2e-3, fresh_seed(0, 1))
    records.append(record(8, 40.0, params=needed, kind="replicate", seed=needed["seed"]))
    assert decide(records, 0, 3).needed is None
    assert decide(records, 0, 3).champion == contender(params(1e-3))


def test_a_better_configuration_takes_the_title_on_the_champions_own_seeds(record: Make) -> None:
    records = night(record, {1e-3: 50.0, 2e-3: 80.0}, 0.0, 3, 12)
    assert decide(records, 0, 3).champion == contender(params(2e-3))
    seeds: dict[float, list[int]] = {r.params["learning_rate"]: [] for r in records}
    for r in records:
        if r.kind == "replicate":
            seeds[r.params["learning_rate"]].append(r.seed)
    assert seeds[1e-3] == seeds[2e-3]


def test_a_replicate_that_fails_loses_the_contest(record: Make) -> None:
    records = night(record, {1e-3: 50.0}, 0.0, 3, 6)
    records.append(record(7, 60.0, params=params(2e-3), kind="search"))
    needed = decide(records, 0, 3).needed
    assert needed is not None
    records.append(
        record(8, None, params=needed, kind="replicate", seed=needed["seed"], run_status="crashed", cause="x")
    )
    assert decide(records, 0, 3).needed is None


def test_fresh_seeds_do_not_flatter(record: Make) -> None:
    """Eight configurations, seeds as loud as the differences: what is said of the champion against what it can do."""
    means = {1e-3 * (1 + k): 50.0 + k for k in range(8)}
    plain: list[float] = []
    confirmed: list[float] = []
    for seed in range(30):
        records = night(record, means, 8.0, 3, 40, seed)
        best = max((r for r in records if r.kind == "search"), key=lambda r: r.mean_reward or 0.0)
        plain.append((best.mean_reward or 0.0) - means[best.params["learning_rate"]])
        champion = decide(records, 0, 3).champion
        assert champion is not None
        held = confirmation(records, champion)
        confirmed.append(float(np.mean([r.mean_reward or 0.0 for r in held])) - means[held[0].params["learning_rate"]])
    assert np.mean(plain) > 8.0
    assert abs(np.mean(confirmed)) < 0.4 * np.mean(plain)


def test_where_a_simulator_listens_and_the_seed_do_not_name_a_contender() -> None:
    here = TrialConfig(env=["donkey-generated-track-v0@9091"], seed=1).to_params()
    there = TrialConfig(env=["donkey-generated-track-v0@127.0.0.1:9093"], seed=2).to_params()
    assert contender(here) == contender(there) != contender(TrialConfig(learning_rate=0.1).to_params())
