from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from agent.config.trial import UserError
from agent.reporting.history import (
    configurations,
    load_trials,
    read_champion,
    read_evaluations,
    running_best,
)
from agent.trials.ledger import SWEEP_LEDGER
from tests.reporting.nights import history, write


def test_trials_of_all_ledgers_stand_in_the_order_of_time(tmp_path: Path) -> None:
    records = history(4)
    folder = write(tmp_path, records[2:])
    early = [replace(record, kind="sweep") for record in records[:2]]
    (folder / SWEEP_LEDGER).write_text("".join(record.to_line() + "\n" for record in early))
    (folder / "evaluations.jsonl").write_text('{"env": "x"}\n')
    trials = load_trials(folder, not_ledgers=["evaluations.jsonl"])
    assert [(trial.place, trial.record.trial) for trial in trials] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
    ]
    assert [trial.name for trial in trials[:2]] == ["sweep 1", "sweep 2"]


def test_an_old_record_is_completed_and_ports_make_no_difference(tmp_path: Path) -> None:
    record = history(1, failing=0.0)[0]
    old = {name: value for name, value in record.params.items() if name != "client"}
    records = [
        record,
        replace(record, params=old | {"env": ["donkey-generated-track-v0@9091"]}, seed=7),
    ]
    trials = load_trials(write(tmp_path, records))
    assert trials[1].params["client"] == "own"
    [only] = configurations(trials)
    assert len(only.scores) == 2


def test_configurations_pool_seeds_and_leave_failures_out(tmp_path: Path) -> None:
    records = history(1, failing=0.0) * 3
    records[1] = replace(records[1], params=records[1].params | {"seed": 9}, mean_reward=10.0)
    records[2] = replace(records[2], run_status="timeout", mean_reward=None)
    [only] = configurations(load_trials(write(tmp_path, records)))
    assert only.mean == pytest.approx(((records[0].mean_reward or 0) + 10.0) / 2)


def test_the_running_best_waits_for_a_score(tmp_path: Path) -> None:
    first = history(1, failing=0.0)[0]
    scores = [None, 3.0, 1.0, None, 4.0]
    records = [replace(first, mean_reward=s, run_status="ok" if s else "crashed") for s in scores]
    best = running_best(load_trials(write(tmp_path, records)))
    assert math.isnan(best[0])
    assert best[1:] == [3.0, 3.0, 3.0, 4.0]


def test_a_timestamp_that_is_no_time_is_none(tmp_path: Path) -> None:
    [trial] = load_trials(write(tmp_path, [replace(history(1)[0], timestamp="yesterday")]))
    assert trial.ended is None
    assert trial.began is None


def test_a_broken_manifest_is_told_and_a_missing_one_is_none(tmp_path: Path) -> None:
    assert read_champion(tmp_path) is None
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(UserError, match="no JSON object"):
        read_champion(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="cannot read the champion's manifest"):
        read_champion(tmp_path)


def test_evaluations_skip_what_is_no_object(tmp_path: Path) -> None:
    path = tmp_path / "evaluations.jsonl"
    assert read_evaluations(path) == []
    path.write_text('{"env": "a"}\n[1]\n{"env": \n\n{"env": "b"}\n')
    assert [each["env"] for each in read_evaluations(path)] == ["a", "b"]
