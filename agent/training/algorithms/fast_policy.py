"""SB3's actor-critic policy for pictures, without what surrounds its network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from agent.training.precision import answers_of


class FastPolicy(ActorCriticCnnPolicy):
    """Hands its network pictures as bytes; floats take four times as long to cut into patches.

    ``mixed_precision`` is of training alone and not saved: actor's and critic's last layers, some
    hundred weights, and a deterministic ``predict`` compute in float32 all the same.

    :param n_auxiliary: numbers that the features are also to predict, see ``capabilities.Expert``;
        0 for none
    :param mirror_signs: signs (k,) of the actions in the mirrored scene. With them a deterministic
        action is the mean of the action in the picture and the mirrored action in the mirrored
        picture, so that errors of the two cancel. Empty where left and right differ.
    """

    mixed_precision = False

    def __init__(
        self,
        *args: Any,
        n_auxiliary: int = 0,
        mirror_signs: Sequence[float] = (),
        **options: Any,
    ) -> None:
        self.n_auxiliary = n_auxiliary
        self.mirror_signs = tuple(mirror_signs)
        super().__init__(*args, **options)

    def _build(self, lr_schedule: Any) -> None:
        if self.n_auxiliary:
            self.auxiliary_net = torch.nn.Linear(self.features_dim, self.n_auxiliary)
        super()._build(lr_schedule)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"n_auxiliary": self.n_auxiliary, "mirror_signs": self.mirror_signs}
        return super()._get_constructor_parameters() | own

    def latents(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents (n, net_width) of actor and critic for pictures, or their patches."""
        mixed = self.mixed_precision
        features = answers_of(self.features_extractor, pictures, mixed=mixed)
        latent, latent_value = answers_of(self.mlp_extractor, features, mixed=mixed)
        return latent, latent_value

    def forward(
        self, obs: Any, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Actions (n, k), values (n, 1) and log-probabilities (n,) at pictures."""
        latent, latent_value = self.latents(obs)
        distribution = self._get_action_dist_from_latent(latent)
        actions = distribution.get_actions(deterministic=deterministic)
        log_probs = distribution.log_prob(actions)
        shape = self.action_space.shape or ()
        return actions.reshape(-1, *shape), self.value_net(latent_value), log_probs

    def predict_values(self, obs: Any) -> torch.Tensor:
        """Values (n, 1) at pictures."""
        _, latent_value = self.latents(obs)
        values: torch.Tensor = self.value_net(latent_value)
        return values

    @torch.no_grad()
    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], Any]:
        """SB3's ``predict``; a deterministic one runs the layers that it needs and nothing else.

        :param observation: one picture or several (..., channels, rows, columns) uint8
        :param state: passed through
        :param episode_start: not used
        :param deterministic: take the mean action
        :raises ValueError: pictures of another shape
        """
        shape = np.shape(observation)
        if not deterministic or shape[-3:] != self.observation_space.shape:
            return super().predict(observation, state, episode_start, deterministic)
        pictures = torch.from_numpy(observation).to(self.device).view(-1, *shape[-3:])
        actions = self._mean_actions(pictures)
        if self.mirror_signs:
            mirrored = self._mean_actions(pictures.flip(-1))
            actions = 0.5 * (actions + mirrored * actions.new_tensor(self.mirror_signs))
        assert isinstance(self.action_space, spaces.Box)
        clipped = np.clip(actions.cpu().numpy(), self.action_space.low, self.action_space.high)
        return clipped.reshape(*shape[:-3], -1), state

    def _mean_actions(self, pictures: torch.Tensor) -> torch.Tensor:
        latent = self.mlp_extractor.forward_actor(self.features_extractor(pictures))
        actions: torch.Tensor = self.action_net(latent)
        return actions

    def extract_features(
        self, obs: Any, features_extractor: BaseFeaturesExtractor | None = None
    ) -> torch.Tensor:
        """Features (batch, features_dim) of pictures (batch, channels, rows, columns)."""
        features: torch.Tensor = self.features_extractor(obs)
        return features
