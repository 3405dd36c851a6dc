from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.reporting.history import load_trials
from agent.reporting.searched_space import active_names, searched_space
from agent.search.parameter import Choice, Range
from tests.reporting.synthetic_study import records_of, write_ledger


def test_the_space_is_what_varied_and_an_action_bin_is_inactive_for_ppo(tmp_path: Path) -> None:
    space = searched_space(load_trials(write_ledger(tmp_path, records_of(40))))
    assert space is not None
    assert set(space.names) == {"agent", "learning_rate", "n_steer"}
    by_name = dict(zip(space.names, space.parameters, strict=True))
    assert by_name["n_steer"].when == ("agent", "dqn")
    assert by_name["learning_rate"].when is None
    assert isinstance(by_name["agent"], Choice)
    rate = by_name["learning_rate"]
    assert isinstance(rate, Range) and rate.log and not rate.integer


def test_one_algorithm_needs_no_condition(tmp_path: Path) -> None:
    space = searched_space(load_trials(write_ledger(tmp_path, records_of(20, agents=("dqn",)))))
    assert space is not None
    assert sorted(space.names) == ["learning_rate", "n_steer"]
    assert all(parameter.when is None for parameter in space.parameters)


def test_what_differs_between_sweep_and_search_was_not_searched(tmp_path: Path) -> None:
    records = records_of(10, agents=("dqn",))
    shaped = [replace(r, kind="sweep", params=r.params | {"reward_shaping": True}) for r in records]
    space = searched_space(load_trials(write_ledger(tmp_path, records + shaped)))
    assert space is not None
    assert "reward_shaping" not in space.names


def test_nothing_that_varied_is_no_space(tmp_path: Path) -> None:
    assert searched_space(load_trials(write_ledger(tmp_path, records_of(1)))) is None


def test_a_conditional_parameter_is_active_for_its_algorithm_only(tmp_path: Path) -> None:
    trials = load_trials(write_ledger(tmp_path, records_of(40)))
    space = searched_space(trials)
    for trial in trials:
        assert ("n_steer" in active_names(space, trial.params)) == (trial.agent == "dqn")


def test_params_that_do_not_fit_have_no_active_names(tmp_path: Path) -> None:
    space = searched_space(load_trials(write_ledger(tmp_path, records_of(20))))
    assert active_names(space, {"agent": "ppo"}) == set()
    assert active_names(None, {"agent": "ppo"}) == set()
