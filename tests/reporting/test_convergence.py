"""The stopping rule over time, from the ledger alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.reporting.convergence import POINTS, follow
from agent.reporting.history import load_trials
from agent.reporting.surface import searched_space
from tests.reporting.nights import history, write


def test_a_night_is_followed_to_its_last_trial(tmp_path: Path) -> None:
    trials = load_trials(write(tmp_path, history(30, agents=("ppo",))))
    outlooks = follow(trials, searched_space(trials))
    assert len(outlooks) == POINTS
    assert [each.place for each in outlooks] == sorted({each.place for each in outlooks})
    last = outlooks[-1]
    assert last.place == 30
    assert 2e-4 < last.convergence.recommended["learning_rate"] < 2e-3, (
        "the night's scores peak at 6e-4"
    )
    assert "never before 30" in outlooks[0].convergence.reason
    assert "never before 30" not in last.convergence.reason


def test_trials_on_another_track_are_not_counted(tmp_path: Path) -> None:
    records = history(12, agents=("ppo",), failing=0.0)
    other = [
        replace(each, params=each.params | {"env": ["donkey-mountain-track-v0"]})
        for each in records[:6]
    ]
    trials = load_trials(write(tmp_path, other + records[6:]))
    assert {each.place for each in follow(trials, searched_space(trials))} == {7, 8, 9, 10, 11, 12}


def test_without_a_score_there_is_nothing_to_follow(tmp_path: Path) -> None:
    assert follow([], None) == []
    trials = load_trials(write(tmp_path, history(1, failing=0.0)))
    assert follow(trials, searched_space(trials)) == [], (
        "one trial leaves nothing that was searched"
    )
