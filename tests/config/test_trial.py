from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.algorithms import DEFAULTS, PRESETS, defaults_of
from agent.config.command_line import OneLineParser, add_trial_arguments, trial_config
from agent.config.trial import BINS, TrialConfig, UserError, arguments_of, parse_memory


def configs(agent: str) -> st.SearchStrategy[TrialConfig]:
    """Trials of ``agent``, some of its settings given and some not."""
    bins = (
        {"n_steer": st.integers(2, 99), "n_throttle": st.integers(2, 99)} if agent == "dqn" else {}
    )
    return st.builds(
        TrialConfig,
        agent=st.just(agent),
        env=st.lists(
            st.sampled_from(["donkey-generated-track-v0", "donkey-warren-track-v0@9091"]),
            min_size=1,
            max_size=3,
        ),
        timesteps=st.integers(1, 10**9),
        learning_rate=st.none() | st.floats(1e-300, 1.0, exclude_min=True),
        seed=st.integers(0, 2**31 - 1),
        reward_shaping=st.booleans(),
        reward_term=st.sampled_from([[], ["constant"], ["scale=2", "reckless=0.1,speed=60"]]),
        max_cte=st.floats(1e-9, 1e9),
        throttle_min=st.floats(0.0, 0.4),
        throttle_max=st.floats(0.5, 1.0),
        memory_limit=st.sampled_from(["8G", "900M", "1.5G"]),
        gamma=st.none() | st.floats(0.0, 0.999),
        batch_size=st.none() | st.integers(2, 10**6),
        **bins,
    )


CONFIGS = st.sampled_from(sorted(DEFAULTS)).flatmap(configs)


@given(CONFIGS)
def test_the_runner_parses_the_very_configuration_that_was_launched(config: TrialConfig) -> None:
    parser = OneLineParser()
    add_trial_arguments(parser)
    assert trial_config(parser.parse_args(config.to_argv())) == config


@given(CONFIGS)
def test_params_round_trip(config: TrialConfig) -> None:
    assert TrialConfig.from_params(config.to_params()) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agent", "sarsa"),
        ("timesteps", 0),
        ("learning_rate", float("nan")),
        ("seed", -1),
        ("env", []),
        ("n_steer", 1),
    ],
)
def test_impossible_values_are_named_with_a_remedy(name: str, value: object) -> None:
    with pytest.raises(UserError, match=name) as caught:
        TrialConfig.from_params({name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("agent", DEFAULTS)
def test_a_trial_says_every_setting_of_its_algorithm_and_none_of_another(agent: str) -> None:
    params = TrialConfig(agent=agent).to_params()
    told = defaults_of(agent, params["timesteps"])
    assert told.items() <= params.items()
    others = (
        {name for settings in DEFAULTS.values() for name in settings}
        - DEFAULTS[agent].keys()
        - {*BINS}
    )
    assert {params[name] for name in others} == {None}
    assert vars(TrialConfig(agent=agent, gamma=0.5).settings) == told | {"gamma": 0.5}


@pytest.mark.parametrize(
    ("agent", "name", "value"),
    [
        ("ppo", "n_steer", 5),
        ("dqn", "n_epochs", 4),
        ("sac", "exploration_final", 0.1),
        ("ddpg", "policy_delay", 2),
    ],
)
def test_a_setting_of_another_algorithm_is_refused_with_those_that_have_it(
    agent: str, name: str, value: object
) -> None:
    with pytest.raises(
        UserError, match=f"^{name} {value} is no setting of {agent}; drop it or choose "
    ) as caught:
        TrialConfig(agent=agent, **{name: value})  # type: ignore[arg-type]
    owner = str(caught.value).split()[-1]
    assert getattr(TrialConfig(agent=owner, **{name: value}), name) == value  # type: ignore[arg-type]


def test_every_setting_is_a_field_and_every_default_possible() -> None:
    names = {name for settings in DEFAULTS.values() for name in settings}
    assert names <= {spec.name for spec in fields(TrialConfig)}
    for agent in DEFAULTS:
        assert TrialConfig(agent=agent, **defaults_of(agent, 10_000)) == TrialConfig(agent=agent)


def test_a_whole_number_is_one() -> None:
    with pytest.raises(UserError, match=r"n_epochs 2\.5 is not a whole number"):
        TrialConfig.from_params({"n_epochs": 2.5})


def test_records_older_than_the_settings_are_read() -> None:
    names = {spec.name for spec in fields(TrialConfig)}
    settings = {name for agent in DEFAULTS.values() for name in agent} - {
        "learning_rate",
        "n_envs",
        *BINS,
    }
    kept = names - settings
    old = {name: value for name, value in TrialConfig().to_params().items() if name in kept}
    assert TrialConfig.from_params(old | {"n_steer": 5}) == TrialConfig(frame_stack=4)
    assert TrialConfig.from_params(old | {"n_steer": 5, "agent": "dqn"}) == TrialConfig(
        agent="dqn",
        n_steer=5,
        learning_rate=old["learning_rate"],
        n_envs=old["n_envs"],
        frame_stack=4,
    )


def test_memory_sizes() -> None:
    assert parse_memory("8G") == 8 * 1024**3
    assert parse_memory("900M") == 900 * 1024**2
    for text in ("8", "G", "-1G", "nanG", ""):
        with pytest.raises(UserError, match="8G or 900M"):
            parse_memory(text)


def test_a_long_ppo_training_takes_larger_minibatches_unless_told() -> None:
    sizes = [
        TrialConfig(timesteps=timesteps).batch_size
        for timesteps in (1, 10_000, 50_000, 100_000, 10**7)
    ]
    assert sizes == [32, 64, 128, 256, 512]
    assert TrialConfig(timesteps=100_000, batch_size=48).batch_size == 48


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_its_parameters_and_what_is_given_beside_it_wins(preset: str) -> None:
    parser = OneLineParser()
    add_trial_arguments(parser)
    params = PRESETS[preset]
    assert trial_config(parser.parse_args(["--preset", preset])) == TrialConfig(**params)
    assert trial_config(parser.parse_args(arguments_of(params))) == TrialConfig(**params)
    config = trial_config(
        parser.parse_args(
            ["--timesteps", "77", "--preset", preset, "--env", "donkey-warren-track-v0"]
        )
    )
    assert config == TrialConfig(**params | {"timesteps": 77, "env": ["donkey-warren-track-v0"]})


def test_the_generalist_sees_random_roads_only() -> None:
    assert set(PRESETS["generalist"]["env"]) <= {
        "donkey-random-track-v0",
        "donkey-generated-roads-v0",
    }
