"""Small models of the off-policy algorithms, for their tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.vec_envs import make_training_envs

OFF_POLICY = ("dqn", "sac", "td3", "ddpg", "tqc")
SMALL = {
    "batch_size": 16,
    "learning_starts": 10,
    "gradient_steps": 2,
    "features_dim": 8,
    "net_width": 8,
    "eval_episodes": 1,
}


@contextmanager
def trained(config: TrialConfig) -> Iterator[Any]:
    """The model of ``config`` after its timesteps."""
    training = make_training_envs(config)
    try:
        yield build(config, training).learn(config.trial.timesteps)
    finally:
        training.vec_env.close()
