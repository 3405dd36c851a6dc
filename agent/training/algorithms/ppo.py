"""PPO: continuous actions, rollouts fitted to the length of training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stable_baselines3 import PPO

from agent.training.algorithms.networks import RoadCNN
from agent.trials.config import TrialConfig

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

GAMMA = 0.98
ROLLOUT_STEPS = 128
BATCH = 256


def rollout_shape(timesteps: int, n_envs: int) -> tuple[int, int]:
    """Steps per world and minibatch size of PPO's rollouts.

    Rollouts are shortened a little so that whole ones add up to ``timesteps``: 10,000 steps in 8 worlds
    are ten rollouts of 125 steps, not ten of 128 that overshoot.
    """
    rollouts = math.ceil(timesteps / (ROLLOUT_STEPS * n_envs))
    steps = max(2, math.ceil(timesteps / (rollouts * n_envs)))
    minibatches = max(1, round(steps * n_envs / BATCH))
    return steps, math.ceil(steps * n_envs / minibatches)


def build(config: TrialConfig, worlds: VecEnv) -> PPO:
    """The untrained model."""
    steps, batch = rollout_shape(config.timesteps, worlds.num_envs)
    return PPO(
        "CnnPolicy",
        worlds,
        learning_rate=config.learning_rate,
        n_steps=steps,
        batch_size=batch,
        n_epochs=4,
        gamma=GAMMA,
        gae_lambda=0.95,
        ent_coef=0.0,
        policy_kwargs={"features_extractor_class": RoadCNN, "net_arch": [64], "log_std_init": -0.7},
        seed=config.seed,
        device=config.device,
    )
