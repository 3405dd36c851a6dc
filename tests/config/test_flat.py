from __future__ import annotations

import pytest

from agent.config.algorithms import ALGORITHMS
from agent.config.errors import UserError
from agent.config.flat import (
    arguments_of,
    defaults_of,
    facts_in,
    new_names_in,
    owners_in,
    refuse_strangers,
    with_new_names,
)
from agent.worlds.base import world_named

DONKEY = world_named("donkey")


def test_every_parameter_of_every_algorithm_and_of_the_world_is_known() -> None:
    names = facts_in("donkey")
    for agent in ALGORITHMS:
        assert defaults_of(ALGORITHMS[agent], DONKEY, {}).keys() <= names.keys()


def test_owners_are_the_algorithms_that_have_a_parameter() -> None:
    owners = owners_in("donkey")
    assert owners["n_epochs"] == ("ppo", "recurrent_ppo")
    assert owners["n_steer"] == ("dqn",)
    assert owners["imitation_share"] == ("ppo",)
    assert "gamma" not in owners
    assert "timesteps" not in owners


def test_old_names_stand_for_todays() -> None:
    assert new_names_in("donkey") == {
        "taught": "imitation_share",
        "lesson_weight": "imitation_weight",
        "crossroads": "narrow_crossing_share",
        "growing": "curriculum_share",
    }
    assert with_new_names({"taught": 0.5, "seed": 1}, DONKEY) == {"imitation_share": 0.5, "seed": 1}
    both = {"imitation_share": 0.2, "taught": 0.5}
    assert with_new_names(both, DONKEY) == {"imitation_share": 0.2}


def test_an_unknown_parameter_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UserError, match=r"unknown parameter 'wings'; known are .*gamma"):
        refuse_strangers({"wings": 2}, DONKEY)


def test_what_an_algorithm_lacks_may_be_none_or_at_its_default() -> None:
    refuse_strangers({"agent": "ppo", "n_steer": 7, "tau": None}, DONKEY)
    with pytest.raises(UserError, match=r"^n_steer 5 is no setting of ppo; drop it or choose dqn$"):
        refuse_strangers({"agent": "ppo", "n_steer": 5}, DONKEY)


def test_the_length_of_training_decides_some_defaults() -> None:
    ppo = ALGORITHMS["ppo"]
    sizes = [
        defaults_of(ppo, DONKEY, {"timesteps": timesteps})["batch_size"]
        for timesteps in (1, 10_000, 50_000, 100_000, 10**7)
    ]
    assert sizes == [32, 64, 128, 256, 512]


def test_the_number_of_actions_decides_the_target_entropy() -> None:
    assert defaults_of(ALGORITHMS["sac"], DONKEY, {})["target_entropy"] == -2.0


def test_arguments_name_what_is_given_and_repeat_lists() -> None:
    params = {"env": ["a", "b"], "demos": None, "reconnect": True, "roads": 3, "gamma": 1e-5}
    assert arguments_of(params | {"deterministic": False}) == [
        "--env", "a", "--env", "b", "--reconnect", "--roads", "3", "--gamma", "1e-05",
    ]  # fmt: skip


def test_a_value_that_looks_like_an_option_is_joined_to_its_own() -> None:
    assert arguments_of({"log_std_init": -1e-5}) == ["--log-std-init=-1e-05"]
