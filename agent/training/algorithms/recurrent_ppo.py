"""PPO whose policy remembers: an LSTM between features and actions. The value is judged by the picture alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sb3_contrib import RecurrentPPO

from agent.config.trial import TrialConfig
from agent.training.algorithms.ppo import on_policy

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


def build(config: TrialConfig, worlds: VecEnv) -> RecurrentPPO:
    """The untrained model."""
    told = config.settings
    memory = {
        "features_extractor_kwargs": {
            "features_dim": told.features_dim,
            "layers": told.conv_layers,
            "bounded": True,
        },
        "lstm_hidden_size": told.lstm_size,
        "shared_lstm": False,
        "enable_critic_lstm": False,
        "share_features_extractor": True,
    }
    return RecurrentPPO("CnnLstmPolicy", worlds, **on_policy(config, worlds, **memory))
