from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.config import files
from agent.config.errors import UserError
from agent.reporting.history import (
    configurations,
    last_run,
    load_trials,
    read_champion,
    read_champions,
    read_evaluations,
    running_best,
)
from tests.reporting.synthetic_study import records_of, write_ledger


def test_trials_of_all_ledgers_stand_in_the_order_of_time(tmp_path: Path) -> None:
    records = records_of(4)
    folder = write_ledger(tmp_path, records[2:])
    early = [replace(record, kind="sweep") for record in records[:2]]
    (folder / files.SWEEP_LEDGER).write_text("".join(record.to_line() + "\n" for record in early))
    trials = load_trials(folder)
    assert [(trial.index, trial.record.trial) for trial in trials] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
    ]
    assert [trial.name for trial in trials[:2]] == ["sweep 1", "sweep 2"]


def test_a_file_without_a_record_is_no_ledger_and_left_out_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_ledger(tmp_path, records_of(3))
    (folder / "extra.jsonl").write_text(records_of(4)[3].to_line() + "\n")
    (folder / files.EVALUATIONS).write_text('{"env": "a", "mean_reward": 1.0}\n' * 2)
    (folder / files.RACES).write_text('{"env": "a", "races": {}}\n')
    (folder / "notes.jsonl").write_bytes(b'first {\n\xff\n{"rungs": 3}\n[1]\n')
    (folder / "experiments.jsonl").write_text('{"trial": 1, "params": {}, "run_status": "ok"}\n')
    (folder / "nested.jsonl").write_text("[" * 100_000 + "\n")
    (folder / "folder.jsonl").mkdir()
    assert [trial.record.trial for trial in load_trials(folder)] == [1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_an_unreadable_line_of_a_ledger_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_ledger(tmp_path, [])
    (folder / files.SEARCH_LEDGER).write_text("{torn\n")
    (folder / "extra.jsonl").write_text('{"env": "a"}\n' + records_of(1)[0].to_line() + "\n")
    assert len(load_trials(folder)) == 1
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2
    assert f"{files.SEARCH_LEDGER}:1: no record" in warnings[0]
    assert "extra.jsonl:1: no record" in warnings[1]


def test_an_old_record_is_completed_and_ports_make_no_difference(tmp_path: Path) -> None:
    record = records_of(1, failing=0.0)[0]
    old = {name: value for name, value in record.params.items() if name != "client"}
    records = [
        record,
        replace(record, params=old | {"env": ["donkey-generated-track-v0@9091"]}, seed=7),
    ]
    trials = load_trials(write_ledger(tmp_path, records))
    assert trials[1].params["client"] == "own"
    [only] = configurations(trials)
    assert len(only.scores) == 2


def test_configurations_pool_seeds_and_leave_failures_out(tmp_path: Path) -> None:
    records = records_of(1, failing=0.0) * 3
    records[1] = replace(records[1], params=records[1].params | {"seed": 9}, mean_reward=10.0)
    records[2] = replace(records[2], run_status="timeout", mean_reward=None)
    [only] = configurations(load_trials(write_ledger(tmp_path, records)))
    assert only.mean == pytest.approx(((records[0].mean_reward or 0) + 10.0) / 2)


def test_the_running_best_waits_for_a_score(tmp_path: Path) -> None:
    first = records_of(1, failing=0.0)[0]
    scores = [None, 3.0, 1.0, None, 4.0]
    records = [replace(first, mean_reward=s, run_status="ok" if s else "crashed") for s in scores]
    best = running_best(load_trials(write_ledger(tmp_path, records)))
    assert math.isnan(best[0])
    assert best[1:] == [3.0, 3.0, 3.0, 4.0]


def test_a_timestamp_that_is_no_time_is_none(tmp_path: Path) -> None:
    [trial] = load_trials(
        write_ledger(tmp_path, [replace(records_of(1)[0], timestamp="yesterday")])
    )
    assert trial.ended is None
    assert trial.began is None


def test_a_broken_manifest_is_an_error_and_a_missing_one_is_none(tmp_path: Path) -> None:
    assert read_champion(tmp_path) is None
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(UserError, match="no JSON object"):
        read_champion(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="cannot read the champion's manifest"):
        read_champion(tmp_path)


def test_evaluations_skip_what_is_no_object(tmp_path: Path) -> None:
    path = tmp_path / files.EVALUATIONS
    assert read_evaluations(path) == []
    path.write_text('{"env": "a"}\n[1]\n{"env": \n\n{"env": "b"}\n')
    assert [each["env"] for each in read_evaluations(path)] == ["a", "b"]


def test_what_the_product_itself_writes_is_no_ledger_whatever_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_ledger(tmp_path, records_of(2))
    for name in (files.EVALUATIONS, files.RACES, files.PROGRESS):
        (folder / name).write_text(records_of(1)[0].to_line() + "\n{torn\n")
    assert len(load_trials(folder)) == 2
    assert capsys.readouterr().err == ""


def test_a_torn_line_of_races_is_named_and_nobody_is_told_to_delete_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / files.RACES
    lines = [
        '{"env": "a"}',
        '{"env": ',
        "[" * 100_000,
        '{"env": ' + "9" * 400 + "}",
        '{"env": "b"}',
    ]
    path.write_text("\n".join(lines) + "\n")
    assert [each["env"] for each in read_evaluations(path)] == ["a", "b"]
    warnings = capsys.readouterr().err.splitlines()
    assert [line.split(":")[2] for line in warnings] == ["2", "3", "4"]
    assert "delete" not in "".join(warnings)


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"trial": ' + "9" * 400 + "}", "\0"])
def test_a_manifest_of_any_kind_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / files.CHAMPION).mkdir()
    (tmp_path / files.CHAMPION / files.MANIFEST).write_text(text)
    with pytest.raises(UserError, match="mend it or move it away"):
        read_champions(tmp_path, tmp_path)


def test_every_task_has_its_champion_and_those_of_another_experiment_are_left_out(
    tmp_path: Path,
) -> None:
    for name, ledger in (("", "../results/a.jsonl"), ("-b", None), ("-c", "../others/a.jsonl")):
        folder = tmp_path / "models" / f"{files.CHAMPION}{name}"
        folder.mkdir(parents=True)
        manifest = {"trial": 1, "name": name, "ledger": ledger}
        (folder / files.MANIFEST).write_text(json.dumps(manifest))
    found = read_champions(tmp_path / "models", tmp_path / "results")
    assert [manifest["name"] for manifest in found] == ["", "-b"]


def test_the_last_run_begins_after_the_last_long_pause(tmp_path: Path) -> None:
    night = records_of(5)
    ended = datetime.fromisoformat(night[0].timestamp)
    old = [
        replace(each, kind="sweep", timestamp=(ended - timedelta(days=30, hours=hour)).isoformat())
        for hour, each in enumerate(records_of(3))
    ]
    odd = replace(night[0], timestamp="never")
    trials = load_trials(write_ledger(tmp_path, [*old, *night, odd]))
    assert [trial.record.kind for trial in last_run(trials)] == [each.kind for each in night]
    assert len(last_run(trials[:3])) == 3
    assert last_run([]) == []
