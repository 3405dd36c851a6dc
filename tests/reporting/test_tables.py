from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.reporting.history import Trial, configurations, load_trials
from agent.reporting.searched_space import searched_space
from agent.reporting.tables import (
    best_configurations,
    best_trials,
    champion_summary,
    champion_table,
    evaluations_table,
    races_table,
    trials_table,
)
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


def test_a_champion_s_summary_is_short() -> None:
    manifest = {
        "trial": 7,
        "kind": "search",
        "mean_reward": 12.5,
        "params": {"agent": "ppo", "env": ["a@9091", "b"], "gamma": 0.9},
        "confirmation": {"standing": "confirmed"},
        "model_path": "m" * 60,
    }
    rows = {row[0]: row[1] for row in champion_summary(manifest).rows}
    assert (rows["task"], rows["trial"], rows["standing"]) == ("a + b", "search 7", "confirmed")
    assert rows["model"] == "m" * 60
    assert len(rows) < 8


@pytest.mark.parametrize("odd", [{}, {"params": 5, "confirmation": [1]}, {"params": {"env": 5}}])
def test_any_manifest_has_a_summary(odd: dict[str, Any]) -> None:
    assert champion_summary(odd).rows
    assert champion_table(odd, []).head


def test_races_have_a_row_for_each_driver() -> None:
    won: dict[str, Any] = {
        "total_sec": 131.25,
        "laps": 10,
        "progress": 10.2,
        "crashes": 1,
        "lap_times": [12.5, 11],
    }
    out: dict[str, Any] = {
        "total_sec": None,
        "laps": 10,
        "progress": 2.5,
        "crashes": 3,
        "lap_times": [],
    }
    race = {"timestamp": "2026-12-02T08:00:00.123", "env": "a", "model": "m.zip"}
    table = races_table([race | {"races": {"trained": won, "random": out}}, {"races": [5]}, {}])
    assert table.rows == [
        ["2026-12-02 08:00:00", "a", "trained", "131.2", "10", "1", "11", "m.zip"],
        ["2026-12-02 08:00:00", "a", "random", "out", "2.5", "3", "-", "m.zip"],
    ]
    strange = {"races": {"x": {"lap_times": ["a", None], "laps": []}, "y": 5}}
    assert len(races_table([strange]).rows) == 2


def test_an_evaluation_has_the_world_s_measures_and_its_baselines() -> None:
    score = {"episodes": [900.0, 910.0], "laps": 2, "lap_time_sec": None, "tiles_missed": 0.5}
    floors = {"random policy": {"episodes": [-30.0, -20.0]}, "expert": {"episodes": [935.5]}}
    table = evaluations_table(
        [
            {"env": "a", "score": score, "floors": floors},
            {"env": "b", "score": [], "floors": {"x": 5, "y": {"episodes": ["?"]}}},
            {},
        ]
    )
    rows = [dict(zip(table.head, row, strict=True)) for row in table.rows]
    assert [row["measures"] for row in rows] == [
        "laps 2, lap_time_sec -, tiles_missed 0.5",
        "-",
        "-",
    ]
    assert [row["baselines"] for row in rows] == [
        "random policy -25, expert 935.5",
        "x -, y -",
        "-",
    ]


def test_paths_and_causes_are_not_cut(tmp_path: Path) -> None:
    path = "agent/models/champion-of-a-task-with-a-long-name/model.zip"
    assert path in evaluations_table([{"model": path}]).rows[0]
    cause = "exit code 1: " + "why " * 30
    failed = replace(records_of(1)[0], mean_reward=None, run_status="crashed", cause=cause)
    loaded = load_trials(write_ledger(tmp_path, [failed]))
    assert cause in trials_table(loaded, None).rows[0]


def test_a_space_of_many_parameters_is_one_column(tmp_path: Path) -> None:
    names = ("gamma", "gae_lambda", "clip_range", "vf_coef", "ent_coef", "max_grad_norm")
    records = [
        replace(each, params=each.params | dict.fromkeys(names, 0.1 + each.trial / 100))
        for each in records_of(4, agents=("ppo",), failing=0.0, repeated=0.0)
    ]
    loaded = load_trials(write_ledger(tmp_path, records))
    table = best_configurations(configurations(loaded), searched_space(loaded))
    assert table.head[-2:] == ("agent", "parameters")
    assert all(f"{name} 0.1" in table.rows[0][-1] for name in names)
