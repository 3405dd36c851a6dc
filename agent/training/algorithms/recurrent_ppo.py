"""PPO whose policy has an LSTM between features and actions. The critic sees the picture alone."""

from __future__ import annotations

from sb3_contrib import RecurrentPPO

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.ppo import on_policy
from agent.training.vec_envs import TrainingEnvs


def build(config: TrialConfig, training: TrainingEnvs) -> RecurrentPPO:
    """The untrained model."""
    own = config.algorithm
    assert isinstance(own, settings.RecurrentPPO)
    memory = {
        "features_extractor_kwargs": {
            "features_dim": own.features_dim,
            "layers": own.conv_layers,
            "bounded": True,
        },
        "lstm_hidden_size": own.lstm_size,
        "shared_lstm": False,
        "enable_critic_lstm": False,
        "share_features_extractor": True,
    }
    vec_env = training.vec_env
    return RecurrentPPO("CnnLstmPolicy", vec_env, **on_policy(config, vec_env, **memory))
