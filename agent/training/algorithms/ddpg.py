"""DDPG: TD3 without its cautions, explored with the drifting noise of Ornstein and Uhlenbeck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from stable_baselines3 import DDPG as SB3DDPG
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise

from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderTD3Policy
from agent.training.algorithms.off_policy import off_policy
from agent.training.algorithms.td3 import Deterministic

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


class DDPG(Deterministic, SB3DDPG):
    """SB3's DDPG with one encoder and our gradient steps."""


def build(config: TrialConfig, worlds: VecEnv) -> DDPG:
    """The untrained model."""
    noise = OrnsteinUhlenbeckActionNoise(np.zeros(2), np.full(2, config.settings.noise_std), dt=1.0)
    return DDPG(OneEncoderTD3Policy, worlds, action_noise=noise, **off_policy(config, worlds))
