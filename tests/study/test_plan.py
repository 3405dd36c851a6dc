"""Plans: what a study may choose, and where it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.search.parameter import Choice, Range
from agent.search.space import Space
from agent.study.plan import make_plan, nearest, settings
from agent.study.spaces import space_named

SPEC = ("spec", 5000, 20_000)


def own(tmp_path: Path, text: str) -> tuple[str, int, int]:
    path = tmp_path / "own.toml"
    path.write_text(text)
    return str(path), 5000, 20_000


def test_the_default_is_a_trial_as_it_is_clipped_into_the_space() -> None:
    assert make_plan({}, {}, *SPEC).default == {
        "agent": "ppo",
        "learning_rate": TrialConfig.of().algorithm.learning_rate,
        "timesteps": 10_000,
    }
    assert make_plan({"agent": "ppo"}, {}, "spec", 20_000, 30_000).default["timesteps"] == 20_000
    dqn = make_plan({"agent": "dqn"}, {}, *SPEC)
    assert dqn.default["n_steer"] == TrialConfig.of(agent="dqn").to_params()["n_steer"]


def test_what_the_user_gives_is_where_the_search_begins() -> None:
    plan = make_plan({"agent": "ppo", "learning_rate": 1e-3, "n_envs": 4}, {}, *SPEC)
    assert plan.default["learning_rate"] == 1e-3 and "learning_rate" in plan.space.names
    config = plan.config({"learning_rate": 2e-3, "timesteps": 6000}, 7)
    assert (config.algorithm.learning_rate, config.world.n_envs, config.trial.seed) == (2e-3, 4, 7)
    assert plan.begins_with(plan.config(plan.default, 1).to_params())
    assert not plan.begins_with(config.to_params())


def test_what_is_set_is_no_longer_searched() -> None:
    fixed = settings(
        ["learning_rate=0.01", "n-envs=2", "reward_shaping=false", "env=donkey-mountain-track-v0"]
    )
    assert fixed == {
        "learning_rate": 0.01,
        "n_envs": 2,
        "reward_shaping": False,
        "env": ["donkey-mountain-track-v0"],
    }
    plan = make_plan({"agent": "ppo", "reward_shaping": True}, fixed, *SPEC)
    assert plan.space.names == ("timesteps",)
    params = plan.config(plan.default, 1).to_params()
    assert {name: params[name] for name in fixed} == fixed


@pytest.mark.parametrize("agent", [None, "ppo", "dqn", "sac"])
def test_the_full_space_is_possible_for_every_algorithm(agent: str | None) -> None:
    plan = make_plan({} if agent is None else {"agent": agent}, {}, "full", 5000, 20_000)
    assert plan.begins_with(plan.config(plan.default, 1).to_params())
    assert {"gamma", "batch_size", "observation"} <= set(plan.space.names)


def test_the_middle_stands_for_what_the_defaults_cannot_be() -> None:
    space = Space(
        (
            Choice("agent", ("tqc", "td3")),
            Range("tau", 0.0, 0.4),
            Range("policy_delay", 1, 3, integer=True),
        )
    )
    assert nearest(space, {"agent": "ppo", "tau": 0.9, "policy_delay": None}) == {
        "agent": "tqc",
        "tau": 0.4,
        "policy_delay": 2,
    }


def test_a_space_of_ones_own(tmp_path: Path) -> None:
    text = (
        '[[parameter]]\nname = "agent"\nchoices = ["sac", "td3"]\n'
        '[[parameter]]\nname = "tau"\nlow = 0.01\nhigh = 0.1'
    )
    plan = make_plan({}, {}, *own(tmp_path, text))
    assert plan.default == {"agent": "sac", "tau": TrialConfig.of(agent="sac").to_params()["tau"]}
    assert make_plan({}, {"agent": "td3"}, *own(tmp_path, text)).space.names == ("tau",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[parameter]]\nname = "speed"\nlow = 0\nhigh = 1', "'speed' cannot be searched"),
        (
            '[[parameter]]\nname = "seed"\nlow = 0\nhigh = 9\ninteger = true',
            "'seed' cannot be searched",
        ),
        ('[[parameter]]\nname = "gamma"\nlow = 0.9\nhigh = 1.5', "gamma 1.5 is too large"),
        (
            '[[parameter]]\nname = "reward"\nchoices = ["sim", "praise"]',
            "reward 'praise' is unknown",
        ),
        ('[[parameter]]\nname = "tau"\nlow = 0.01\nhigh = 0.1', "no setting of ppo"),
        ("", "no parameters"),
    ],
)
def test_a_space_that_no_trial_can_follow_is_one_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint) as error:
        make_plan({}, {}, *own(tmp_path, text))
    assert "\n" not in str(error.value)


def test_nothing_left_to_search_is_refused() -> None:
    fixed = settings(["learning_rate=0.001", "timesteps=6000"])
    with pytest.raises(UserError, match="no parameters"):
        make_plan({"agent": "ppo"}, fixed, *SPEC)


def test_a_named_space_is_the_searchs_own() -> None:
    assert make_plan({"agent": "dqn"}, {}, *SPEC).space == space_named("spec", "dqn", 5000, 20_000)
