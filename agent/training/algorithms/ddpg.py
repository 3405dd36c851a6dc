"""DDPG: TD3 without its cautions, explored with the drifting noise of Ornstein and Uhlenbeck."""

from __future__ import annotations

import numpy as np
from stable_baselines3 import DDPG as SB3DDPG
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderTD3Policy
from agent.training.algorithms.off_policy import off_policy
from agent.training.algorithms.td3 import DeterministicActorCritic
from agent.training.vec_envs import TrainingEnvs


class DDPG(DeterministicActorCritic, SB3DDPG):
    """SB3's DDPG with one encoder and our gradient steps."""


def build(config: TrialConfig, training: TrainingEnvs) -> DDPG:
    """The untrained model."""
    own = config.algorithm
    assert isinstance(own, settings.DDPG)
    vec_env = training.vec_env
    shape = vec_env.action_space.shape or ()
    noise = OrnsteinUhlenbeckActionNoise(np.zeros(shape), np.full(shape, own.noise_std), dt=1.0)
    return DDPG(OneEncoderTD3Policy, vec_env, action_noise=noise, **off_policy(config, vec_env))
