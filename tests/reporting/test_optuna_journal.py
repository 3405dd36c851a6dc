from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.config.errors import UserError
from agent.reporting import optuna_journal
from agent.reporting.history import Trial, load_trials
from agent.reporting.optuna_journal import append_to_journal, read_journal, studies_of
from agent.trials.progress import Rung
from agent.trials.record import Record
from tests.reporting.synthetic_study import records_of, write_ledger

WIDE = 0.05  # a learning rate that no search is offered


def trials_of(tmp_path: Path, records: list[Record]) -> list[Trial]:
    return load_trials(write_ledger(tmp_path / "results", records))


def night(n: int) -> list[Record]:
    """Records of which some failed, and one was stopped early at its second rung."""
    records = records_of(n, repeated=0.2)
    rungs = (Rung(0.25, 2500, 10.5), Rung(0.5, 5000, 20.25))
    records[3] = replace(
        records[3], run_status="pruned", mean_reward=None, std_reward=None, rungs=rungs
    )
    return records


def two_tasks(n: int) -> list[Record]:
    """Records of two tracks, and of one of them in shorter episodes."""
    kinds: list[dict[str, Any]] = [
        {"env": ["donkey-warren-track-v0"]},
        {"env": ["donkey-generated-track-v0"]},
        {"env": ["donkey-warren-track-v0"], "max_episode_steps": 500},
    ]
    return [
        replace(record, trial=100 + i, params=record.params | kinds[i % 3])
        for i, record in enumerate(records_of(n, failing=0.0))
    ]


def test_a_growing_night_is_appended_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "night.journal"
    records = night(30)
    before = b""
    for n in (20, 25, 30):
        trials = trials_of(tmp_path, records[:n])
        append_to_journal(trials, path)
        found = path.read_bytes()
        assert found.startswith(before)
        before = found
        assert append_to_journal(trials, path) == 0
        assert path.read_bytes() == before
    created = [each for each in read_journal(path) if each["op_code"] == 4]
    assert [each["user_attrs"]["trial"] for each in created] == [
        f"{record.kind} {record.trial}" for record in records
    ]
    assert not (tmp_path / "night.journal.lock").is_symlink()


def test_a_range_that_was_too_narrow_has_the_study_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "night.journal"
    records = records_of(6, agents=("ppo",))
    append_to_journal(trials_of(tmp_path, records), path)
    before = path.read_bytes()
    records.append(replace(records[0], trial=7, params=records[0].params | {"learning_rate": WIDE}))
    append_to_journal(trials_of(tmp_path, records), path)
    assert path.read_bytes().startswith(before)
    later = read_journal(path)[before.count(b"\n") :]
    assert [each["op_code"] for each in later] == [1, 0, 3, *[4] * 7]
    assert {each.get("study_id") for each in later[2:]} == {1}
    highs = {
        json.loads(each["distributions"]["learning_rate"])["attributes"]["high"]
        for each in later[3:]
    }
    assert highs == {WIDE}


def test_each_task_is_a_study(tmp_path: Path) -> None:
    studies = studies_of(trials_of(tmp_path, two_tasks(9)))
    assert {name: len(trials) for name, trials in studies.items()} == {
        "donkey-warren-track-v0": 3,
        "donkey-generated-track-v0": 3,
        "donkey-warren-track-v0 2": 3,
    }


def test_a_torn_tail_swallows_no_operation(tmp_path: Path) -> None:
    path = tmp_path / "night.journal"
    records = night(12)
    append_to_journal(trials_of(tmp_path, records[:11]), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])  # as a process that was killed leaves it
    append_to_journal(trials_of(tmp_path, records), path)
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
    assert sum(each["op_code"] == 4 for each in read_journal(path)) == 12


@pytest.mark.parametrize(
    "content",
    [
        b"notes\n",
        b"no end",
        b'{"op_code":0,"worker_id":"x","study_name":"y"}\n',
        b"[]\n",
        b"\xff\n",
    ],
)
def test_another_file_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(UserError, match="another file"):
        append_to_journal(trials_of(tmp_path, night(5)), path)
    assert path.read_bytes() == content


def test_a_lock_that_stays_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optuna_journal, "LOCK_TIMEOUT_SEC", 0.1)
    path = tmp_path / "night.journal"
    os.symlink("elsewhere", f"{path}.lock")
    with pytest.raises(UserError, match=r"delete .*night\.journal\.lock"):
        append_to_journal(trials_of(tmp_path, night(5)), path)
    assert not path.exists()


@pytest.mark.parametrize("failing", [0.0, 1.0])
def test_any_record_can_be_written(tmp_path: Path, failing: float) -> None:
    odd = [
        replace(
            record,
            timestamp="never",
            params={"agent": "ppo", "learning_rate": "?" if record.trial == 2 else -record.trial},
        )
        for record in records_of(4, failing=failing)
    ]
    assert append_to_journal(trials_of(tmp_path, odd), tmp_path / "odd") == 6


def test_optuna_reads_the_same_trials_states_and_values(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="needs optuna (the extra named peers)")
    path = tmp_path / "night.journal"
    records = [*night(40), *two_tasks(9)]
    trials = trials_of(tmp_path, records)
    for n in (1, 7, 30, len(trials)):
        append_to_journal(trials[:n], path)
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    storage = optuna.storages.JournalStorage(backend)
    names = [study.study_name for study in optuna.get_all_study_summaries(storage)]
    assert len(names) == 3
    known = {trial.name: trial for trial in trials}
    states = {"ok": "COMPLETE", "pruned": "PRUNED", "timeout": "FAIL"}
    seen = 0
    for name in names:
        study = optuna.load_study(study_name=name, storage=storage)
        for found in study.trials:
            trial = known[found.user_attrs["trial"]]
            assert (found.datetime_start, found.datetime_complete) == (trial.began, trial.ended)
            assert found.state.name == states[trial.record.run_status]
            assert found.value == trial.score
            assert {each: trial.params[each] for each in found.params} == found.params
            assert found.intermediate_values == {
                rung.timesteps: rung.mean_reward for rung in trial.record.rungs
            }
            found._validate()
            seen += 1
    assert seen == len(trials)
    assert Counter(trial.record.run_status for trial in trials)["pruned"] == 1
