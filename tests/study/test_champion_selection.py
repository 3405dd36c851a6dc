"""Champion selection against lucky seeds: decisions from records alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agent.config.trial import TrialConfig
from agent.study.champion_selection import (
    CHAMPION_SEEDS,
    MIN_SCORED_TRIALS,
    ChampionSelection,
    champion_replicates,
    fresh_seed,
    select_champion,
)
from agent.trials.record import Record, config_id

Make = Callable[..., Record]


def params(rate: float, seed: int = 0) -> dict:
    return TrialConfig.of(learning_rate=rate, seed=seed).to_params()


def searched(record: Make, *scores: float, first: int = 1) -> list[Record]:
    """Search trials of as many configurations."""
    return [
        record(trial, score, params=params(round(1e-4 * trial, 6), seed=trial), seed=trial)
        for trial, score in enumerate(scores, start=first)
    ]


def replicate(record: Make, records: list[Record], score: float | None, confirm: int = 3) -> Record:
    """The replicate that ``records`` ask for; without a score it crashed."""
    wanted = select_champion(records, confirm).next_replicate
    assert wanted is not None
    crash = {} if score is not None else {"run_status": "crashed", "cause": "x"}
    return record(
        len(records) + 1, score, params=wanted, kind="replicate", seed=wanted["seed"], **crash
    )


def test_a_replicate_that_was_lost_with_its_node_is_run_again(record: Make) -> None:
    records = searched(record, 50, 40, 60, 90, 30, 20)
    wanted = select_champion(records, 3).next_replicate
    assert wanted is not None
    facts = {"params": wanted, "kind": "replicate", "seed": wanted["seed"]}
    records.append(record(7, None, run_status="lost", cause="x", **facts))
    assert select_champion(records, 3).next_replicate == wanted


def with_champion(record: Make, means: list[float]) -> list[Record]:
    """Six search trials, of which the fourth is the best, and its replicates with ``means``."""
    records = searched(record, 50, 40, 60, 90, 30, 20)
    for score in means:
        records.append(replicate(record, records, score))
    return records


def study(
    record: Make,
    true_means: dict[float, float],
    noise: float,
    confirm: int,
    trials: int,
    seed: int = 0,
) -> list[Record]:
    """A study with the replicates it asks for; a score is its configuration's mean and noise."""
    rng = np.random.default_rng(seed)
    rates = list(true_means)
    records: list[Record] = []
    while len(records) < trials:
        wanted = select_champion(records, confirm).next_replicate
        if wanted is None:
            rate = rates[len([r for r in records if r.kind == "search"]) % len(rates)]
            own, kind = params(rate, seed=len(records) + 1), "search"
        else:
            own, kind = wanted, "replicate"
        score = true_means[own["learning_rate"]] + noise * rng.standard_normal()
        records.append(record(len(records) + 1, score, params=own, kind=kind, seed=own["seed"]))
    return records


def test_no_replicate_runs_before_there_is_something_to_choose_from(record: Make) -> None:
    records = searched(record, *[50.0] * (MIN_SCORED_TRIALS - 1))
    assert select_champion(records, 3) == ChampionSelection(None, None)
    failed = record(9, None, run_status="crashed", cause="x")
    assert select_champion([*records, failed], 3) == ChampionSelection(None, None), (
        "a failure is nothing to choose"
    )


def test_the_best_of_the_first_is_the_champion_after_its_replicates(record: Make) -> None:
    records = searched(record, 50, 40, 60, 90, 30, 20)
    for k in range(1, CHAMPION_SEEDS + 1):
        selection = select_champion(records, 3)
        assert (selection.champion is None) == (k <= 3)
        assert selection.next_replicate == params(4e-4, fresh_seed(k))
        records.append(replicate(record, records, 55.0))
    assert select_champion(records, 3).champion == config_id(params(4e-4))
    assert [r.trial for r in champion_replicates(records, 3)] == [7, 8, 9, 10, 11]


def test_a_lucky_challenger_is_dropped_after_its_first_bad_replicate(record: Make) -> None:
    records = with_champion(record, [70.0] * 5)
    assert select_champion(records, 3).next_replicate is None, "60 is no challenge to 70"
    records += [record(12, 500.0, params=params(2e-3))]
    wanted = select_champion(records, 3).next_replicate
    assert wanted == params(2e-3, fresh_seed(1))
    records.append(replicate(record, records, 65.0))
    assert select_champion(records, 3) == ChampionSelection(config_id(params(4e-4)), None)


def test_a_better_configuration_wins_on_the_champion_s_own_seeds(record: Make) -> None:
    records = [*with_champion(record, [70.0] * 5), record(12, 75.0, params=params(2e-3))]
    for score in (80.0, 65.0, 90.0):
        assert select_champion(records, 3).champion == config_id(params(4e-4))
        records.append(replicate(record, records, score))
        records.append(record(len(records) + 1, 1.0))  # another replicate can be afforded
    assert select_champion(records, 3).champion == config_id(params(2e-3))
    seeds = {r.seed for r in records if r.kind == "replicate" and r.params["learning_rate"] == 2e-3}
    assert seeds == {fresh_seed(k) for k in (1, 2, 3)}


def test_the_second_best_challenges_a_champion_that_was_only_lucky(
    record: Make,
) -> None:
    records = [*with_champion(record, [10.0] * 5), record(12, 1.0)]
    assert select_champion(records, 3).next_replicate == params(3e-4, fresh_seed(1)), (
        "60, then 50, 40 ... are above 10"
    )


def test_a_challenger_whose_replicate_fails_is_dropped(record: Make) -> None:
    records = [*with_champion(record, [50.0] * 5), record(12, 1.0)]
    records.append(replicate(record, records, None))
    assert select_champion([*records, record(14, 1.0)], 3).next_replicate is None


def test_there_are_never_more_replicates_than_search_trials(record: Make) -> None:
    rates = {1e-3 * (1 + k): 50.0 + k for k in range(8)}
    for seed in range(5):
        records = study(record, rates, 30.0, 3, 60, seed)
        kinds = [r.kind for r in records]
        assert all(kinds[:n].count("replicate") <= kinds[:n].count("search") for n in range(60))
        assert kinds.count("replicate") >= CHAMPION_SEEDS


def test_fresh_seeds_do_not_flatter(record: Make) -> None:
    """Eight configurations, and noise as large as their differences: reported less true score."""
    means = {1e-3 * (1 + k): 50.0 + k for k in range(8)}
    plain: list[float] = []
    confirmed: list[float] = []
    for seed in range(15):
        records = study(record, means, 8.0, 3, 40, seed)
        best = max((r for r in records if r.kind == "search"), key=lambda r: r.mean_reward or 0.0)
        plain.append((best.mean_reward or 0.0) - means[best.params["learning_rate"]])
        champion = select_champion(records, 3).champion
        assert champion is not None
        seen = champion_replicates(records, 3)
        confirmed.append(
            float(np.mean([r.mean_reward or 0.0 for r in seen]))
            - means[seen[0].params["learning_rate"]]
        )
    assert np.mean(plain) > 8.0
    assert abs(np.mean(confirmed)) < 0.4 * np.mean(plain)


def test_what_this_version_would_not_run_again_does_not_challenge(record: Make) -> None:
    records = searched(record, 50, 40, 60, 90, 30, 20)
    for strange in ({"wings": 2}, {"learning_rate": -1.0}):
        odd = record(7, 99.0, params=params(1e-3) | strange)
        assert select_champion([*records, odd], 3).next_replicate == params(4e-4, fresh_seed(1))
