from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.export_study import main
from agent.reporting.optuna_journal import read_journal
from tests.refusals import refusal
from tests.reporting.synthetic_study import records_of, write_ledger

ROOT = Path(__file__).resolve().parents[1]
LIMIT_SEC = 60.0
TIMES_TO_LOOK = 600


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def wait_for(done: Callable[[], bool]) -> None:
    for _ in range(TIMES_TO_LOOK):
        if done():
            return
        time.sleep(LIMIT_SEC / TIMES_TO_LOOK)
    raise AssertionError("it took too long")


def test_a_table_has_a_row_for_each_trial(tmp_path: Path) -> None:
    records = records_of(8)
    score = {"episodes": [1.0, 2.0], "laps": [2, 4], "times": {"best_lap_sec": 9.5, "none": None}}
    records[0] = replace(records[0], score=score, cause='said "no",\nand went')
    results = write_ledger(tmp_path / "results", records)
    path = tmp_path / "night.csv"
    assert main(["--results-dir", str(results), "--csv", str(path)]) == 0
    rows = rows_of(path)
    assert [int(row["trial"]) for row in rows] == [record.trial for record in records]
    assert rows[0]["cause"] == records[0].cause
    assert float(rows[0]["score.laps"]) == 3.0
    assert float(rows[0]["score.best_lap_sec"]) == 9.5
    assert not {"score.episodes", "score.none", "score.times"} & set(rows[0])
    for row, record in zip(rows, records, strict=True):
        assert row["mean_reward"] == ("" if record.mean_reward is None else str(record.mean_reward))
        assert float(row["params.learning_rate"]) == record.params["learning_rate"]
        assert bool(row["params.clip_range"]) == (record.params["agent"] == "ppo")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no file is named; give --optuna FILE, --csv FILE or both"),
        (["--csv", "{there}"], "there.txt exists; name another file or give --overwrite"),
        (["--optuna", "{there}"], "--optuna {there} is another file"),
        (["--csv", "{new}", "--optuna", "{new}"], "is the file of --optuna too"),
        (["--csv", "{tmp}/no/where"], "lies in no folder"),
        (["--csv", "{tmp}"], "is a folder; name a file"),
        (["--csv", "{new}", "--results-dir", "{there}"], "there.txt is no folder"),
        (["--csv", "{new}", "--results-dir", "{empty}"], "has no ledger with a trial in it"),
        (["--csv", "{new}", "--follow", "--name", "../x"], "cannot be a folder"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    names = {"tmp": tmp_path, "there": tmp_path / "there.txt", "new": tmp_path / "new"}
    names["empty"] = tmp_path / "empty"
    names["empty"].mkdir()
    names["there"].write_text("notes\n")
    results = write_ledger(tmp_path / "results", records_of(2))
    argv = [option.format(**names) for option in options]
    if not {"--name", "--results-dir"} & set(argv):
        argv += ["--results-dir", str(results)]
    assert words.format(**names) in refusal(main, argv, tmp_path, capsys)


def test_other_files_are_lost_when_asked_for(tmp_path: Path) -> None:
    results = write_ledger(tmp_path / "results", records_of(3))
    journal = tmp_path / "there.txt"
    table = tmp_path / "there.csv"
    for path in (journal, table):
        path.write_text("notes\n")
    files = ["--optuna", str(journal), "--csv", str(table)]
    assert main(["--results-dir", str(results), *files, "--overwrite"]) == 0
    assert len(rows_of(table)) == 3
    assert sum(each["op_code"] == 4 for each in read_journal(journal)) == 3


def test_a_night_is_followed_from_before_its_first_trial(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    journal = tmp_path / "night.journal"
    table = tmp_path / "night.csv"
    files = ["--optuna", str(journal), "--csv", str(table)]
    command = [sys.executable, "agent/export_study.py", "--results-dir", str(results), *files]
    with subprocess.Popen([*command, "--follow"], cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            for n in (1, 4):
                write_ledger(results, records_of(n))
                wait_for(lambda n=n: table.exists() and len(rows_of(table)) == n)  # type: ignore[misc]
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=LIMIT_SEC)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.decode().splitlines() == ["interrupted; run it again to go on"]
    assert {
        each["user_attrs"]["seed"] for each in read_journal(journal) if each["op_code"] == 4
    } == {
        1,
        2,
        3,
        4,
    }
