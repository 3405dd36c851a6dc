"""PPO's settings: rollouts that add up, a learning rate that falls, and what an expert adds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gymnasium import spaces
from stable_baselines3 import PPO

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.algorithms.ppo import rollout_shape
from agent.training.vec_envs import make_training_envs

Build = Callable[..., TrialConfig]


@pytest.mark.parametrize(
    ("timesteps", "n_envs", "steps"), [(10_000, 8, 125), (64, 2, 32), (1, 1, 2), (1024, 8, 128)]
)
def test_rollouts_add_up_to_the_timesteps(timesteps: int, n_envs: int, steps: int) -> None:
    shape, batch = rollout_shape(timesteps, n_envs, 128, 256)
    assert shape == steps
    assert 1 < batch <= shape * n_envs


@pytest.mark.parametrize("observation", ["fast", "raw"])
def test_it_acts_continuously_with_exactly_the_given_learning_rate(
    tiny: Build, observation: str
) -> None:
    config = tiny(learning_rate=0.00123, observation=observation)
    training = make_training_envs(config)
    model = build(config, training)
    assert isinstance(model, PPO)
    assert isinstance(model.action_space, spaces.Box)
    model.learn(config.trial.timesteps)
    assert {group["lr"] for group in model.policy.optimizer.param_groups} == {0.00123}
    training.vec_env.close()


def test_a_falling_learning_rate_ends_where_it_is_set_to(tiny: Build) -> None:
    config = tiny(learning_rate=0.002, lr_end=0.25)
    training = make_training_envs(config)
    model = build(config, training)
    rates = [model.lr_schedule(left) for left in (1.0, 0.5, 0.0)]
    assert rates == pytest.approx([0.002, 0.00125, 0.0005])
    training.vec_env.close()


@pytest.mark.parametrize(("share", "auxiliary", "signs"), [(0.0, 0, ()), (0.5, 6, (-1.0, 1.0))])
def test_a_policy_has_what_the_experts_labels_need(
    tiny: Build, share: float, auxiliary: int, signs: tuple[float, ...]
) -> None:
    config = tiny(imitation_share=share)
    training = make_training_envs(config)
    policy = build(config, training).policy
    assert isinstance(policy, FastPolicy)
    assert policy.n_auxiliary == auxiliary
    assert policy.mirror_signs == signs
    training.vec_env.close()
