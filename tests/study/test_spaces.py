"""Spaces as data: names that a trial has, the user's own file, and parameters that are fixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.config.algorithms import ALGORITHMS
from agent.config.settings import facts_of
from agent.config.trial import TrialConfig
from agent.search.parameter import Choice, Range
from agent.search.space import Space
from agent.study.spaces import fix, load_space, space_named, spec_space

OWN = """
[[parameter]]
name = "agent"
choices = ["ppo", "dqn"]

[[parameter]]
name = "n_steer"
low = 3
high = 11
integer = true
when = { agent = "dqn" }

[[parameter]]
name = "learning_rate"
low = 1e-5
high = 1e-2
log = true
"""


@pytest.mark.parametrize("agent", [*ALGORITHMS, None])
@pytest.mark.parametrize("name", ["spec", "full"])
def test_every_sample_is_a_trial(name: str, agent: str | None) -> None:
    space = space_named(name, agent, 5_000, 20_000)
    for seed in range(50):
        params = space.sample(np.random.default_rng(seed))
        config = TrialConfig.of(**({"agent": agent} if agent else {}) | params)
        assert params.items() <= config.to_params().items()


@pytest.mark.parametrize("agent", ALGORITHMS)
def test_the_full_space_has_an_agent_s_own_settings_and_no_other_agent_s(agent: str) -> None:
    names = set(space_named("full", agent, 1, 2).names)
    own = facts_of(ALGORITHMS[agent])
    all_settings = {name for kind in ALGORITHMS.values() for name in facts_of(kind)}
    assert names & all_settings <= own.keys()
    assert {name for name, facts in own.items() if facts.search is not None} <= names


def test_the_agent_decides_the_parameters_of_the_specification_s_space() -> None:
    bins = ("n_steer", "n_throttle")
    rest = ("learning_rate", "timesteps")
    assert spec_space(None, 1, 2).names == ("agent", *bins, *rest)
    assert spec_space("dqn", 1, 2).names == (*bins, *rest)
    assert spec_space("ppo", 1, 2).names == rest


def test_impossible_spaces_of_the_specification_are_refused() -> None:
    with pytest.raises(ValueError, match="agent 'sarsa' is unknown; choose from ppo"):
        spec_space("sarsa", 1, 2)
    with pytest.raises(ValueError, match="timesteps from 9 to 5"):
        spec_space("ppo", 9, 5)


def test_settings_depend_on_the_agent_where_it_is_searched() -> None:
    space = space_named("full", None, 1, 2)
    when = {parameter.name: parameter.when for parameter in space.parameters}
    assert when["n_epochs"] == ("agent", "ppo")
    assert when["tau"] == ("agent", "dqn")
    assert when["gamma"] is None
    assert "entropy_rate" not in when


def test_own_space_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    space = load_space(tmp_path / "own.toml")
    assert space == Space(
        (
            Choice("agent", ("ppo", "dqn")),
            Range("n_steer", 3, 11, integer=True, when=("agent", "dqn")),
            Range("learning_rate", 1e-5, 1e-2, log=True),
        )
    )
    assert space_named(str(tmp_path / "own.toml"), None, 1, 2) == space
    assert space_named(str(tmp_path / "own.toml"), "ppo", 1, 2).names == ("learning_rate",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[parameter]\n", "own.toml is no search space"),
        ("", "no parameters"),
        ("parameter = 3", r"write \[\[parameter\]\]"),
        ("[[parameter]]\nlow = 1", "has no name"),
        ('[[parameter]]\nname = "x"\nlow = 1', "x: high None is not a number"),
        ('[[parameter]]\nname = "x"\nlow = 1\nhigh = 2\nlgo = true', "x: key 'lgo' is unknown"),
        ('[[parameter]]\nname = "x"\nlow = 1\nhigh = 2\nlog = 1', "log 1 is not true or false"),
        ('[[parameter]]\nname = "x"\nlow = 2\nhigh = 1', "not above"),
        ('[[parameter]]\nname = "x"\nchoices = "ab"', "choices 'ab' is not a list"),
        ('[[parameter]]\nname = "x"\nchoices = [1]\nwhen = "y"', "when 'y' is not one choice"),
        ('[[parameter]]\nname = "x"\nchoices = [1]\nwhen = { y = 2 }', "put that choice before it"),
    ],
)
def test_what_is_no_space_is_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ValueError, match=complaint) as caught:
        load_space(tmp_path / "own.toml")
    assert "own.toml" in str(caught.value)


def test_a_missing_file_and_an_unknown_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"gone\.toml is no search space"):
        space_named("gone.toml", None, 1, 2)
    with pytest.raises(ValueError, match="choose spec, full"):
        space_named("huge", None, 1, 2)


def test_a_fixed_parameter_is_no_longer_searched() -> None:
    space = spec_space(None, 5_000, 20_000)
    assert fix(space, {"agent": "ppo"}).names == ("learning_rate", "timesteps")
    dqn = fix(space, {"agent": "dqn", "learning_rate": 1e-3})
    assert dqn.names == ("n_steer", "n_throttle", "timesteps")
    with pytest.raises(ValueError, match=r"searches 0\.001"):
        dqn.codes({"n_steer": 5, "n_throttle": 3, "timesteps": 9_000, "learning_rate": 2e-3})
    with pytest.raises(ValueError, match="'gamma' is not searched"):
        fix(space, {"gamma": 0.9})
    with pytest.raises(ValueError, match="agent 'sac' is unknown"):
        fix(space, {"agent": "sac"})
