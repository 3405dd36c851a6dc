from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.reporting.history import Trial, configurations, load_trials
from agent.reporting.searched_space import searched_space
from agent.reporting.surface import Surface, fit_surface, importances, slices
from tests.reporting.synthetic_study import records_of, write_ledger


def fitted(trials: list[Trial]) -> Surface:
    surface = fit_surface(searched_space(trials), configurations(trials))
    assert surface is not None
    return surface


def test_no_space_has_no_surface(tmp_path: Path) -> None:
    trials = load_trials(write_ledger(tmp_path, records_of(5)))
    assert fit_surface(None, configurations(trials)) is None


def test_too_few_configurations_make_no_surface(tmp_path: Path) -> None:
    trials = load_trials(write_ledger(tmp_path, records_of(2, failing=0.0, repeated=0.0)))
    assert fit_surface(searched_space(trials), configurations(trials)) is None


def test_a_slice_finds_the_peak_and_fixes_the_others(tmp_path: Path) -> None:
    found = {
        each.parameter.name: each
        for each in slices(fitted(load_trials(write_ledger(tmp_path, records_of(60)))))
    }
    rate = found["learning_rate"]
    assert 4e-4 < rate.values[int(np.argmax(rate.mean))] < 9e-4
    assert (rate.std >= 0).all()
    assert "learning_rate" not in rate.fixed
    assert found["n_steer"].fixed["agent"] == "dqn"
    assert found["n_steer"].values == list(range(3, 12))
    assert found["agent"].values == ["dqn", "ppo"]


def test_importance_finds_what_the_score_was_made_from(tmp_path: Path) -> None:
    found = {
        each.name: each
        for each in importances(fitted(load_trials(write_ledger(tmp_path, records_of(60)))))
    }
    assert max(found.values(), key=lambda each: each.total).name == "learning_rate"
    assert found["learning_rate"].first_order > 0.4
    assert sum(each.relevance for each in found.values()) == pytest.approx(1.0)
    assert all(
        0.0 <= each.first_order <= 1.0 and 0.0 <= each.total <= 1.5 for each in found.values()
    )


def test_equal_scores_explain_nothing(tmp_path: Path) -> None:
    records = [replace(record, mean_reward=1.0, run_status="ok") for record in records_of(10)]
    assert all(
        each.total < 1e-6
        for each in importances(fitted(load_trials(write_ledger(tmp_path, records))))
    )
