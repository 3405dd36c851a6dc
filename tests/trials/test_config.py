from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.trials.config import OneLineParser, TrialConfig, UserError, add_trial_arguments, parse_memory, trial_config

CONFIGS = st.builds(
    TrialConfig,
    agent=st.sampled_from(["ppo", "dqn"]),
    env=st.lists(st.sampled_from(["donkey-generated-track-v0", "donkey-warren-track-v0@9091"]), min_size=1, max_size=3),
    timesteps=st.integers(1, 10**9),
    n_steer=st.integers(2, 99),
    learning_rate=st.floats(1e-300, 1.0),
    seed=st.integers(0, 2**31 - 1),
    reward_shaping=st.booleans(),
    reward_term=st.sampled_from([[], ["constant"], ["scale=2", "reckless=0.1,speed=60"]]),
    max_cte=st.floats(1e-9, 1e9),
    throttle_min=st.floats(0.0, 0.4),
    throttle_max=st.floats(0.5, 1.0),
    memory_limit=st.sampled_from(["8G", "900M", "1.5G"]),
)


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
    [("agent", "sac"), ("timesteps", 0), ("learning_rate", float("nan")), ("seed", -1), ("env", []), ("n_steer", 1)],
)
def test_impossible_values_are_named_with_a_remedy(name: str, value: object) -> None:
    with pytest.raises(UserError, match=name) as caught:
        TrialConfig.from_params({name: value})
    assert "\n" not in str(caught.value)


def test_memory_sizes() -> None:
    assert parse_memory("8G") == 8 * 1024**3
    assert parse_memory("900M") == 900 * 1024**2
    for text in ("8", "G", "-1G", "nanG", ""):
        with pytest.raises(UserError, match="8G or 900M"):
            parse_memory(text)
