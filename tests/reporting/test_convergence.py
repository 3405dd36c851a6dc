"""The stopping rule over time, from the ledger alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.reporting.convergence import POINTS, assess_over_time
from agent.reporting.history import load_trials
from agent.reporting.searched_space import searched_space
from tests.reporting.synthetic_study import records_of, write_ledger


def test_a_study_is_assessed_up_to_its_last_trial(tmp_path: Path, quick: None) -> None:
    trials = load_trials(write_ledger(tmp_path, records_of(30, agents=("ppo",))))
    assessments = assess_over_time(trials, searched_space(trials))
    assert len(assessments) == POINTS
    assert [each.index for each in assessments] == sorted({each.index for each in assessments})
    last = assessments[-1]
    assert last.index == 30
    assert 2e-4 < last.convergence.recommended["learning_rate"] < 2e-3, "the scores peak at 6e-4"
    assert "never before 30" in assessments[0].convergence.reason
    assert "never before 30" not in last.convergence.reason


def test_trials_on_another_track_are_not_counted(tmp_path: Path) -> None:
    records = records_of(12, agents=("ppo",), failing=0.0)
    other = [
        replace(each, params=each.params | {"env": ["donkey-mountain-track-v0"]})
        for each in records[:6]
    ]
    trials = load_trials(write_ledger(tmp_path, other + records[6:]))
    assert {each.index for each in assess_over_time(trials, searched_space(trials))} == {
        7,
        8,
        9,
        10,
        11,
        12,
    }


def test_without_a_score_there_is_nothing_to_assess(tmp_path: Path) -> None:
    assert assess_over_time([], None) == []
    trials = load_trials(write_ledger(tmp_path, records_of(1, failing=0.0)))
    assert assess_over_time(trials, searched_space(trials)) == [], (
        "one trial leaves nothing that was searched"
    )
