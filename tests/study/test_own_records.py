"""Records that count: those that this study could have launched, each once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent import donkeycar_outer_loop
from agent.config.trial import TrialConfig
from agent.study.champion_selection import MIN_SCORED_TRIALS, fresh_seed, select_champion
from agent.study.own_records import OwnRecords, without_repeats
from agent.study.plan import Plan, make_plan
from agent.trials.record import Record
from tests.controllers import Run, ledger, log, rewards

Make = Callable[..., Record]
SPEC = ("spec", 5000, 20_000)


def plan(**given: Any) -> Plan:
    fixed = given.pop("fixed", {})
    space = given.pop("space", SPEC)
    return make_plan(given, fixed, *space)


def params(**changed: Any) -> dict[str, Any]:
    return TrialConfig.of(**changed).to_params()


@pytest.mark.parametrize(
    ("given", "recorded", "why"),
    [
        ({}, {}, None),
        ({}, {"learning_rate": 2e-3, "timesteps": 20_000, "seed": 9, "device": "cpu"}, None),
        ({}, {"agent": "dqn", "n_steer": 5}, None),
        ({}, {"agent": "sac"}, "of another agent (sac)"),
        ({"agent": "ppo"}, {"agent": "dqn"}, "of another agent (dqn)"),
        ({"reward": "efficiency"}, {}, "of another reward (sim)"),
        ({}, {"reward": "race"}, "of another reward (race)"),
        ({"reward": "speed"}, {"reward": "sim", "reward_shaping": True}, None),
        ({}, {"reward_shaping": True}, "of another reward_shaping (true)"),
        ({"observation": "raw"}, {}, "of another observation (fast)"),
        ({"throttle_max": 0.5}, {"throttle_max": 0.6}, "of another throttle_max (0.6)"),
        ({}, {"action_repeat": 2}, "of another action_repeat (2)"),
        ({}, {"frame_stack": 4}, "of another frame_stack (4)"),
        ({}, {"gamma": 0.9}, "of another gamma (0.9)"),
        ({}, {"augment": ["flip"]}, "of another augment"),
        ({}, {"n_envs": 4}, None),
        ({"n_envs": 8}, {"n_envs": 4}, "of another n_envs (4)"),
        ({}, {"timesteps": 4999}, "outside timesteps 5000 to 20000"),
        ({"space": ("spec", 5000, 8000)}, {}, "outside timesteps 5000 to 8000"),
        ({}, {"learning_rate": 0.01}, "outside learning_rate 0.0001 to 0.003"),
        ({}, {"agent": "dqn", "n_steer": 13}, "outside n_steer 3 to 11"),
        ({"fixed": {"timesteps": 9000}}, {}, "of another timesteps (10000)"),
        ({}, {"max_cte": 4.0}, "of another task"),
        ({}, {"max_episode_steps": 300}, "of another task"),
    ],
)
def test_a_record_counts_if_this_study_could_have_launched_it(
    record: Make, given: dict[str, Any], recorded: dict[str, Any], why: str | None
) -> None:
    own = OwnRecords(plan(**given))
    one = record(1, params=params(**recorded))
    assert own.left_out([one]) == (why and f"1 record left out: 1 {why}")
    assert own.of([one]) == ([] if why else [one])


def test_what_an_old_record_does_not_name_has_its_default(record: Make) -> None:
    short = {name: params()[name] for name in ("agent", "env", "timesteps", "learning_rate")}
    old = record(1, params=short)
    assert OwnRecords(plan()).of([old]) == [old]
    assert OwnRecords(plan(frame_gap=6)).of([old]) == []


def test_settings_of_a_choice_that_is_not_made_make_no_difference(record: Make) -> None:
    own = OwnRecords(plan(reward="race"))
    assert own.of([record(1, params=params(reward="race", reward_shaping=True))])


def test_what_cannot_run_today_is_left_out(record: Make) -> None:
    strange = record(1, params=params() | {"wings": 2})
    assert OwnRecords(plan()).left_out([strange]) == "1 record left out: 1 that cannot run today"


def test_a_trial_counts_once_however_often_it_stands_in_the_ledger(record: Make) -> None:
    first = record(1, timestamp="2026-04-13T03:14:15")
    replayed = record(1, timestamp="2026-05-13T03:14:15")
    lost = record(2, None, run_status="crashed", cause="its model was thinned")
    scored = record(2, 60.0)
    elsewhere = record(1, 70.0, params=params(learning_rate=2e-3))
    replicate = record(1, kind="replicate")
    records = [first, lost, replayed, scored, elsewhere, replicate]
    assert without_repeats(records) == [first, scored, elsewhere, replicate]
    assert OwnRecords(plan()).left_out(records) == "2 records left out: 2 twice"


def test_one_line_says_how_many_are_left_out_and_why(record: Make) -> None:
    records = [
        *(record(n, params=params(reward="race")) for n in (1, 2)),
        record(3, params=params(reward="efficiency")),
        *(record(4, params=params(timesteps=300)) for _ in range(2)),
        *(record(5) for _ in range(2)),
        record(6, world="elsewhere"),
    ]
    assert OwnRecords(plan()).left_out(records) == (
        "7 records left out: 3 of another reward (efficiency, race), 2 twice,"
        " 1 of another task, 1 outside timesteps 5000 to 20000"
    )


def searched(record: Make, *scores: float, **changed: Any) -> list[Record]:
    return [
        record(n, score, params=params(learning_rate=round(1e-4 * n, 6), **changed), seed=n)
        for n, score in enumerate(scores, start=1)
    ]


def test_only_what_this_study_may_run_is_repeated(record: Make) -> None:
    """The best trained for longer than is allowed today, the second best did not."""
    records = searched(record, 50, 40, 60, 30, 20, 10)
    records += [record(7, 90.0, params=params(timesteps=18_000), seed=7)]
    narrow = OwnRecords(plan(space=("spec", 5000, 10_000)))
    assert select_champion(records, 3).next_replicate == params(
        timesteps=18_000, seed=fresh_seed(1)
    )
    wanted = select_champion(records, 3, narrow.include).next_replicate
    assert wanted == params(learning_rate=3e-4, seed=fresh_seed(1))


def test_a_test_that_was_begun_outside_the_space_waits_and_holds_nobody_up(record: Make) -> None:
    records = searched(record, 50, 40, 60, 30, 20, 10)
    long = params(timesteps=18_000)
    for n in (7, 8):
        seed = fresh_seed(n - 6)
        records.append(record(n, 80.0, kind="replicate", params=long | {"seed": seed}, seed=seed))
    narrow = OwnRecords(plan(space=("spec", 5000, 10_000)))
    assert select_champion(records, 3).next_replicate == long | {"seed": fresh_seed(3)}
    wanted = select_champion(records, 3, narrow.include).next_replicate
    assert wanted == params(learning_rate=3e-4, seed=fresh_seed(1))


def test_another_study_s_champion_of_the_task_is_challenged_as_it_stands(record: Make) -> None:
    records = searched(record, 50, 40, 60, 30, 20, 10)
    other = params(reward="race")
    for n in range(1, 4):
        seed = fresh_seed(n)
        records.append(
            record(6 + n, 55.0, kind="replicate", params=other | {"seed": seed}, seed=seed)
        )
    own = OwnRecords(plan())
    wanted = select_champion(records, 3, own.include).next_replicate
    assert wanted == params(learning_rate=3e-4, seed=fresh_seed(1)), "60 is above 55"
    better = [record(each.trial, 65.0, kind="replicate", params=each.params, seed=each.seed)
              for each in records[6:]]  # fmt: skip
    assert select_champion(records[:6] + better, 3, own.include).next_replicate is None


def test_trials_of_others_make_no_study_ready_to_choose(record: Make) -> None:
    others = searched(record, *range(90, 90 + MIN_SCORED_TRIALS), reward="race")
    mine = record(20, 95.0)
    own = OwnRecords(plan())
    assert select_champion([*others, mine], 3, own.include).next_replicate is None


def test_a_night_learns_from_its_own_records_only(run: Run, tmp_path: Path) -> None:
    plans = rewards(*range(30, 40))
    assert run(plans, "--trials", "2", "--agent", "ppo", "--throttle-max", "0.5") == 0
    assert run(plans, "--trials", "3", "--agent", "ppo", "--reward", "race") == 0
    assert log(tmp_path).count("starts (default)") == 2
    assert "2 records left out: 2 of another reward (sim)" in log(tmp_path)
    assert "trial 4 starts (random, 1 observations)" in log(tmp_path)
    assert run(plans, "--trials", "1", "--agent", "ppo", "--reward", "race") == 0
    assert "trial 6 starts (gp, 3 observations)" in log(tmp_path)


def test_a_narrower_range_does_not_count_longer_trainings_at_its_edge(
    run: Run, tmp_path: Path
) -> None:
    plans = {f"trial-{n:03d}": {"mean_reward": 2700.0} for n in (1, 2, 3)}
    plans |= {f"trial-{n:03d}": {"mean_reward": 40.0} for n in (4, 5, 6)}
    long = ("--min-timesteps", "20000", "--max-timesteps", "40000", "--agent", "ppo")
    short = ("--max-timesteps", "8000", "--agent", "ppo", "--trials", "3")
    assert run(plans, "--trials", "3", *long) == 0
    assert run(plans, *short) == 0
    assert "3 records left out: 3 outside timesteps 5000 to 8000" in log(tmp_path)
    last = log(tmp_path).rpartition("recommended: ")[2]
    assert float(last.partition("(expected ")[2].split()[0]) < 100.0
    assert max(record["params"]["timesteps"] for record in ledger(tmp_path)[3:]) <= 8000


def test_replicates_keep_to_the_range_of_today(run: Run, tmp_path: Path) -> None:
    plans = rewards(*[50.0] * 5, 90.0, *[40.0] * 6)
    long = ("--min-timesteps", "20000", "--max-timesteps", "40000", "--agent", "ppo")
    assert run(plans, "--trials", "6", *long) == 0
    assert run(plans, "--trials", "6", "--max-timesteps", "8000", "--agent", "ppo") == 0
    assert {record["kind"] for record in ledger(tmp_path)} == {"search"}
    assert max(record["params"]["timesteps"] for record in ledger(tmp_path)[6:]) <= 8000


def test_medians_are_those_of_the_study_s_own(run: Run, tmp_path: Path) -> None:
    climbing = {
        f"trial-{n:03d}": {"progress": [s / 4, s / 2, s, s], "mean_reward": s}
        for n, s in enumerate((400, 500, 600, 700, 800), start=1)
    }
    poor = {"*": {"progress": [3, 2, 5, 5], "mean_reward": 5}}
    argv = ("--agent", "ppo", "--confirm-seeds", "0")
    assert run(climbing, "--trials", "5", *argv) == 0
    assert run(poor, "--trials", "2", *argv, "--reward", "race") == 0
    assert [record["run_status"] for record in ledger(tmp_path)[5:]] == ["ok", "ok"]


def test_a_grid_counts_without_the_controller_s_own_default_of_the_reward(
    run: Run, tmp_path: Path
) -> None:
    grid = ("--n-steer", "3", "--n-throttle", "2", "--learning-rate", "0.001")
    plans = {"sweep-001": {"mean_reward": 5.0}} | rewards(1, 2, 3)
    assert run(plans, *grid, module=donkeycar_outer_loop) == 0
    assert run(plans, "--trials", "2", "--agent", "dqn") == 0
    assert "left out" not in log(tmp_path)
    assert run(plans, "--trials", "1", "--agent", "dqn", "--reward-shaping") == 0
    assert "1 record left out: 1 of another reward_shaping (false)" in log(tmp_path)
