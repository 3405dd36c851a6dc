from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.reporting.history import Trial, load_trials
from agent.reporting.tables import best_trials, champion_table
from agent.trials.record import Record
from tests.reporting.synthetic_study import records_of, write_ledger


def measured(record: Record) -> Record:
    """A record from a world that counts tiles; the third of its trials counts gates too."""
    score = {"episodes": [1.0], "tiles": [record.trial]}
    if record.trial == 3:
        score["gates"] = [7]
    return replace(record, score=score)


def trials(tmp_path: Path) -> list[Trial]:
    records = records_of(4, failing=0.0)
    return load_trials(write_ledger(tmp_path, [measured(record) for record in records]))


def test_the_best_trials_show_the_measures_of_their_world(tmp_path: Path) -> None:
    table = best_trials(trials(tmp_path))
    assert set(table.head) == {"trial", "score", "std", "tiles", "gates"}
    scores = [float(row[1]) for row in table.rows]
    assert scores == sorted(scores, reverse=True)
    column = list(table.head).index
    for row in table.rows:
        number = row[0].rpartition(" ")[2]
        assert row[column("tiles")] == number
        assert row[column("gates")] == ("7" if number == "3" else "-")


def test_the_champion_shows_the_measures_of_the_trial_that_was_promoted(tmp_path: Path) -> None:
    loaded = trials(tmp_path)
    record = loaded[1].record
    manifest = {"trial": record.trial, "kind": record.kind, "timestamp": record.timestamp}
    assert ("measure: tiles", "2") in champion_table(manifest, loaded).rows
    other_ledger = manifest | {"kind": "sweep"}
    assert len(champion_table(other_ledger, loaded).rows) == len(other_ledger)
