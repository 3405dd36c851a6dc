from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from agent.config.algorithms import ALGORITHMS
from agent.config.errors import UserError
from agent.config.flat import defaults_of, owners_in
from agent.config.presets import PRESETS
from agent.config.settings import facts_of
from agent.config.trial import TrialConfig
from agent.training.saved_model import read_config
from agent.trials.record import Record, config_id
from agent.worlds.base import WORLDS, world_named
from tests.config.configurations import CONFIGS

FIXTURES = Path(__file__).parents[1] / "fixtures"
# Today's parameters of the records in ``old_ledger.jsonl``, from versions before those had all of
# them or had them under these names.
IN_OLD_LEDGER: dict[int, dict[str, Any]] = {
    1: {
        "learning_rate": 3e-4, "reward_shaping": True, "timesteps": 6000, "n_envs": 8,
        "throttle_min": 0.0, "throttle_max": 1.0, "frame_stack": 4,
    },
    2: {
        "agent": "dqn", "n_steer": 5, "n_throttle": 2, "learning_rate": 2e-3, "throttle_min": 0.0,
        "throttle_max": 1.0, "frame_stack": 4,
    },
    3: {
        "agent": "dqn", "env": ["donkey-warren-track-v0@127.0.0.1:9091"], "reconnect": True,
        "seed": 7, "learning_rate": 3e-4, "frame_stack": 4,
    },
    4: {
        "agent": "sac", "tau": 0.02, "n_critics": 3, "learning_rate": 3e-4, "ent_coef": 0.05,
        "features_dim": 128, "gradient_steps": 4, "entropy_rate": 3e-4,
    },
    5: {
        "imitation_share": 0.5, "timesteps": 50_000, "warm_start": "model.zip", "frame_stack": 2,
        "learning_rate": 1e-3, "conv_layers": 1, "n_epochs": 2,
    },
    6: {
        "imitation_share": 0.5, "imitation_weight": 3.0, "narrow_crossing_share": 0.5,
        "teacher_grip": 0.6, "augment": ["blur"],
    },
    7: {"curriculum_share": 0.25, "roads": 512},
    8: {"agent": "recurrent_ppo", "lstm_size": 128},
    9: {"agent": "tqc", "demos": "drive.npz"},
}  # fmt: skip


def old_records() -> list[Record]:
    lines = (FIXTURES / "old_ledger.jsonl").read_text().splitlines()
    return [Record.from_line(line) for line in lines]


@given(CONFIGS)
def test_params_round_trip(config: TrialConfig) -> None:
    assert TrialConfig.from_params(config.to_params()) == config
    assert TrialConfig.from_params(json.loads(json.dumps(config.to_params()))) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agent", "sarsa"),
        ("world", "moon"),
        ("timesteps", 0),
        ("timesteps", "many"),
        ("learning_rate", float("nan")),
        ("seed", -1),
        ("env", []),
        ("n_steer", 1),
        ("memory_limit", "lots"),
        ("augment", ["rain"]),
    ],
)
def test_impossible_values_are_named_with_a_remedy(name: str, value: object) -> None:
    with pytest.raises(UserError, match=name) as caught:
        TrialConfig.from_params({name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("agent", ALGORITHMS)
def test_params_have_every_setting_of_the_algorithm_and_none_of_another(agent: str) -> None:
    config = TrialConfig.of(agent=agent)
    params = config.to_params()
    kind = ALGORITHMS[agent]
    assert type(config.algorithm) is kind
    assert facts_of(kind).keys() <= params.keys()
    of_no_world = owners_in("donkey").keys() - facts_of(world_named("donkey").Options).keys()
    others = {name for name in of_no_world if agent not in owners_in("donkey")[name]}
    assert others & params.keys() == set()


@pytest.mark.parametrize("agent", ALGORITHMS)
def test_a_default_that_is_given_changes_nothing(agent: str) -> None:
    defaults = defaults_of(ALGORITHMS[agent], world_named("donkey"), {})
    own = {name: defaults[name] for name in TrialConfig.of(agent=agent).to_params()}
    own |= {"agent": agent, "env": TrialConfig.of().trial.env}
    assert TrialConfig.of(**own) == TrialConfig.of(agent=agent)


@pytest.mark.parametrize(
    ("agent", "name", "value"),
    [
        ("ppo", "n_steer", 5),
        ("dqn", "n_epochs", 4),
        ("sac", "exploration_final", 0.1),
        ("ddpg", "policy_delay", 2),
        ("td3", "imitation_share", 0.5),
    ],
)
def test_a_setting_of_another_algorithm_is_refused_with_those_that_have_it(
    agent: str, name: str, value: Any
) -> None:
    with pytest.raises(UserError) as caught:
        TrialConfig.of(agent=agent, **{name: value})
    complaint, _, owner = str(caught.value).rpartition(" ")
    assert complaint.startswith(f"{name} {value} is no setting of {agent}; drop it or choose")
    assert TrialConfig.of(agent=owner, **{name: value}).to_params()[name] == value


def test_parameters_of_two_owners_are_checked_together() -> None:
    with pytest.raises(UserError, match="action_repeat 2 and demos"):
        TrialConfig.of(agent="dqn", action_repeat=2, demos="drive.npz")
    with pytest.raises(UserError, match="mixed_precision and agent 'recurrent_ppo'"):
        TrialConfig.of(agent="recurrent_ppo", mixed_precision=True)
    with pytest.raises(UserError, match=r"imitation_weight 1\.0 needs labels"):
        TrialConfig.of(imitation_weight=1.0)


def test_a_changed_configuration_differs_in_what_was_changed() -> None:
    config = TrialConfig.of(seed=3, roads=512)
    changed = config.changed(gamma=0.5, growing=0.25)
    assert changed == TrialConfig.of(seed=3, roads=512, gamma=0.5, curriculum_share=0.25)
    assert config.changed() == config


def test_a_long_training_takes_larger_minibatches_unless_they_are_given() -> None:
    assert TrialConfig.of(timesteps=100_000).to_params()["batch_size"] == 256
    assert TrialConfig.of(timesteps=100_000, batch_size=48).to_params()["batch_size"] == 48


def test_the_learner_is_what_the_world_has_to_know() -> None:
    assert TrialConfig.of(agent="dqn").learner.discrete
    assert not TrialConfig.of().learner.labelled
    imitating = TrialConfig.of(imitation_share=0.5, timesteps=77).learner
    assert (imitating.discrete, imitating.labelled, imitating.timesteps) == (False, True, 77)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"env": ["moon"]}, "env 'moon' is no task of world 'donkey'; choose from donkey-"),
        ({"warm_start": "nowhere.zip"}, "warm_start nowhere.zip does not exist; give a model.zip"),
        ({"reconnect": True}, "reconnect is for simulators on ports"),
        ({"agent": "sac", "demos": "nowhere.npz"}, "nowhere.npz do not exist; record them"),
    ],
)
def test_what_cannot_be_run_here_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TrialConfig.of(**params).check_ready()


def test_a_world_without_its_library_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.line_world import LineWorld

    world = LineWorld()
    monkeypatch.setattr(LineWorld, "requires", "no_such_library")
    monkeypatch.setattr(LineWorld, "extra", "line")
    monkeypatch.setattr("tests.line_world.WORLD", world)
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    with pytest.raises(UserError, match=r"pip install 'donkeycar-rl-autoresearch\[line\]'"):
        TrialConfig.of(world="line").check_ready()


@pytest.mark.parametrize("record", old_records(), ids=lambda record: f"trial {record.trial}")
def test_records_of_older_versions_are_todays_configurations(record: Record) -> None:
    today = TrialConfig.of(**IN_OLD_LEDGER[record.trial])
    config = TrialConfig.from_params(record.params)
    assert config == today
    assert TrialConfig.from_params(config.to_params()) == today
    assert record.config_id == config_id(today.to_params())
    assert record.repeatable


def test_the_old_ledger_s_configurations_are_all_different() -> None:
    records = old_records()
    assert [record.trial for record in records] == list(IN_OLD_LEDGER)
    assert len({record.config_id for record in records}) == len(records)


def test_an_old_trial_s_configuration_is_found_beside_its_model() -> None:
    config = read_config(FIXTURES / "old_trial" / "model.zip")
    assert config == TrialConfig.of(**IN_OLD_LEDGER[2])


def test_an_old_champion_s_configuration_is_found_beside_its_model() -> None:
    config = read_config(FIXTURES / "old_champion" / "model.zip")
    changed = {"seed": 1, "eval_episodes": 4, "teacher_grip": 1.0}
    assert config == TrialConfig.of(**{**PRESETS["generalist"], **changed})
