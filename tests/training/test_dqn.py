from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.vec_envs import make_training_envs
from tests.training.off_policy_models import SMALL, trained

Build = Callable[..., TrialConfig]


def test_it_acts_on_numbered_actions_with_exactly_the_given_learning_rate(tiny: Build) -> None:
    config = tiny(agent="dqn", n_steer=5, n_throttle=2, learning_rate=0.00123)
    training = make_training_envs(config)
    model = build(config, training)
    assert isinstance(model, DQN)
    assert model.action_space == spaces.Discrete(10)
    before = [parameter.detach().clone() for parameter in model.q_net.parameters()]
    model.learn(config.trial.timesteps)
    assert {group["lr"] for group in model.policy.optimizer.param_groups} == {0.00123}
    assert any(not torch.equal(a, b) for a, b in zip(before, model.q_net.parameters(), strict=True))
    training.vec_env.close()


def test_every_environment_explores_by_its_own_draw(tiny: Build) -> None:
    with trained(tiny(agent="dqn", n_envs=8, exploration_fraction=1.0, **SMALL)) as model:
        model.exploration_rate = 0.5
        model.num_timesteps = 10**6
        greedy, _ = model.predict(model._last_obs, deterministic=True)
        shares = [float(np.mean(model._sample_action(0, n_envs=8)[0] != greedy)) for _ in range(30)]
        assert 0.3 < np.mean(shares) < 0.6
        assert any(0.0 < share < 1.0 for share in shares)
