"""Policies of SAC, TD3, DDPG and TQC with one encoder, trained by the critics' loss.

So does DrQ-v2 (Yarats et al. 2021).

Stock SB3 gives actor, critics and targets a network for pictures each, or lets the actor's loss
train a shared one. Here a picture passes the network once for all of them, which is most of a
gradient step on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy


class OneEncoder:
    """Mixin before one of SB3's actor-critic policies: the heads see features, not pictures.

    The encoder belongs to the critics' optimiser. Target critics have heads of their own and share
    the encoder.
    """

    encoder: BaseFeaturesExtractor

    def _build(self: Any, lr_schedule: Schedule) -> None:
        self.encoder = self.make_features_extractor()
        features = spaces.Box(-float("inf"), float("inf"), (self.encoder.features_dim,))
        self.actor_kwargs["observation_space"] = features
        self.critic_kwargs["observation_space"] = features
        super()._build(lr_schedule)  # type: ignore[misc]
        self.critic.optimizer.add_param_group({"params": list(self.encoder.parameters())})

    def make_actor(self: Any, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        head = FlattenExtractor(self.actor_kwargs["observation_space"])
        return super().make_actor(head)  # type: ignore[misc]

    def make_critic(self: Any, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        head = FlattenExtractor(self.critic_kwargs["observation_space"])
        return super().make_critic(head)  # type: ignore[misc]

    def encode(self: Any, observation: torch.Tensor) -> torch.Tensor:
        """Features (batch, features_dim) of pictures (batch, channels, height, width)."""
        features: torch.Tensor = self.encoder(observation)
        return features

    def _predict(self: Any, observation: Any, deterministic: bool = False) -> torch.Tensor:
        features = self.encode(observation)
        action: torch.Tensor = super()._predict(features, deterministic)  # type: ignore[misc]
        return action


class OneEncoderSACPolicy(OneEncoder, SACPolicy):
    """SAC's policy over one encoder."""


class OneEncoderTD3Policy(OneEncoder, TD3Policy):
    """TD3's and DDPG's policy over one encoder."""


class OneEncoderTQCPolicy(OneEncoder, TQCPolicy):
    """TQC's policy over one encoder."""
