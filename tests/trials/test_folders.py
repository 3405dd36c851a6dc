"""Folders of trials, which experiments may share: whose trial is whose, and which are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.config import files
from agent.config.trial import TrialConfig
from agent.trials.folders import Folders, Launch
from agent.trials.ledger import Ledger
from agent.trials.record import Record

CONFIG = TrialConfig.of()


@pytest.fixture
def ours(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "models", "trial", tmp_path / "ours" / "ledger.jsonl")


@pytest.fixture
def theirs(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "models", "trial", tmp_path / "theirs" / "ledger.jsonl")


def launched(folders: Folders) -> int:
    trial = folders.next_trial([])
    folder = folders.open(Launch(trial, "search", CONFIG))
    (folder / files.MODEL).write_bytes(b"weights")
    return trial


def recorded(folders: Folders, record: Record) -> None:
    folders.ledger.parent.mkdir(exist_ok=True)
    Ledger(folders.ledger).append(record)
    folders.close(record.trial)


def test_a_trial_that_another_experiment_runs_is_left_alone(ours: Folders, theirs: Folders) -> None:
    assert launched(theirs) == 1
    assert launched(ours) == 2
    assert [launch.trial for launch in ours.unrecorded([])] == [2]
    assert [launch.trial for launch in theirs.unrecorded([])] == [1]


def test_no_number_is_taken_twice(ours: Folders, theirs: Folders) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: (ours, theirs)[n % 2].next_trial([]), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert not list(ours.models_dir.glob(".claim-*"))


def test_a_number_whose_trial_never_began_is_given_back(ours: Folders, theirs: Folders) -> None:
    assert (ours.next_trial([]), theirs.next_trial([])) == (1, 2)
    assert ours.unrecorded([]) == []
    assert [path.name for path in ours.models_dir.iterdir()] == ["trial-002"]


def test_a_deleted_ledgers_trials_are_not_replayed(
    ours: Folders, record: Callable[..., Record]
) -> None:
    for trial in (launched(ours), launched(ours)):
        recorded(ours, record(trial))
    ours.ledger.unlink()
    assert ours.unrecorded([]) == []
    trial = launched(ours)
    assert trial == 3
    recorded(ours, record(trial, 60.0))
    assert ours.unrecorded(Ledger(ours.ledger).load()) == []


def test_a_line_that_got_lost_is_written_again(
    ours: Folders, record: Callable[..., Record]
) -> None:
    for trial in (launched(ours), launched(ours)):
        recorded(ours, record(trial))
    first, _ = ours.ledger.read_text().splitlines(keepends=True)
    ours.ledger.write_text(first)
    assert [launch.trial for launch in ours.unrecorded(Ledger(ours.ledger).load())] == [2]


def test_models_of_another_experiment_are_not_thinned(
    ours: Folders, theirs: Folders, record: Callable[..., Record]
) -> None:
    for folders in (theirs, ours, ours):
        launched(folders)
    records = [record(trial, float(trial)) for trial in (1, 2, 3)]
    assert ours.thin(records, {"best": 1}) == [ours.of(2) / files.MODEL]
    assert (ours.of(1) / files.MODEL).exists()


def test_a_folder_of_before_is_of_the_ledger_that_knows_it(
    ours: Folders, record: Callable[..., Record]
) -> None:
    launched(ours)
    path = ours.of(1) / files.LAUNCH
    document = json.loads(path.read_text())
    del document["ledger"]
    path.write_text(json.dumps(document))
    assert ours.unrecorded([]) == []
    assert ours.thin([record(1), record(2)], {"last": 1}) == [ours.of(1) / files.MODEL]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"trial": 1}', "[" * 100_000])
def test_a_launch_that_is_none_is_nobodys(ours: Folders, text: str) -> None:
    launched(ours)
    (ours.of(1) / files.LAUNCH).write_text(text)
    assert ours.unrecorded([]) == []
    assert ours.next_trial([]) == 2
