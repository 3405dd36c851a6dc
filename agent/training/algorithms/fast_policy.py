"""SB3's actor-critic policy for pictures, without what surrounds its network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.distributions import (
    DiagGaussianDistribution,
    Distribution,
    StateDependentNoiseDistribution,
)
from stable_baselines3.common.policies import ActorCriticCnnPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from agent.training.algorithms.patch_encoder import PatchEncoder
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
    :param symmetric: the policy that explores has that mean as well, and values are means of both
        pictures' values, in training too. So what is learned in a left bend holds in a right one
        ("network architecture" in Abdolhosseini et al. 2019, "On Learning Symmetric Locomotion").
    """

    mixed_precision = False

    def __init__(
        self,
        *args: Any,
        n_auxiliary: int = 0,
        mirror_signs: Sequence[float] = (),
        symmetric: bool = False,
        **options: Any,
    ) -> None:
        self.n_auxiliary = n_auxiliary
        self.mirror_signs = tuple(mirror_signs)
        self.symmetric = symmetric
        super().__init__(*args, **options)

    def _build(self, lr_schedule: Any) -> None:
        if self.n_auxiliary:
            self.auxiliary_net = torch.nn.Linear(self.features_dim, self.n_auxiliary)
        super()._build(lr_schedule)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {
            "n_auxiliary": self.n_auxiliary,
            "mirror_signs": self.mirror_signs,
            "symmetric": self.symmetric,
        }
        return super()._get_constructor_parameters() | own

    def views(self, pictures: torch.Tensor) -> torch.Tensor:
        """Patches (n, v, patches, numbers) of pictures, and of their mirror images if symmetric.

        Cut once, they serve many gradient steps.
        """
        encoder = self.features_extractor
        assert isinstance(encoder, PatchEncoder)
        seen = [pictures, pictures.flip(-1)] if self.symmetric else [pictures]
        return torch.stack([encoder.as_patches(each) for each in seen], dim=1)

    def answers(self, views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean actions (n, k), values (n, 1) and the actor's latents (n, v, net_width)."""
        n, v = views.shape[:2]
        latent, latent_value = self.latents(views.flatten(0, 1))
        means = self.action_net(latent).unflatten(0, (n, v))
        values = self.value_net(latent_value).unflatten(0, (n, v)).mean(1)
        return self._mean_of(means), values, latent.unflatten(0, (n, v))

    def _mean_of(self, means: torch.Tensor) -> torch.Tensor:
        """Mean actions (n, k) of those (n, v, k) in every view."""
        if means.shape[1] == 1:
            return means[:, 0]
        return 0.5 * (means[:, 0] + means[:, 1] * means.new_tensor(self.mirror_signs))

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
        mean, values, latent = self.answers(self.views(obs))
        distribution = self._distribution(mean, latent[:, 0])
        actions = distribution.get_actions(deterministic=deterministic)
        log_probs = distribution.log_prob(actions)
        shape = self.action_space.shape or ()
        return actions.reshape(-1, *shape), values, log_probs

    def get_distribution(self, obs: Any) -> Distribution:
        """Distribution of the actions at pictures."""
        mean, _, latent = self.answers(self.views(obs))
        return self._distribution(mean, latent[:, 0])

    def _distribution(self, mean: torch.Tensor, latent: torch.Tensor) -> Distribution:
        """Distribution of actions with these means (n, k), at latents (n, net_width)."""
        noise = self.action_dist
        if isinstance(noise, StateDependentNoiseDistribution):
            return noise.proba_distribution(mean, self.log_std, latent)
        assert isinstance(noise, DiagGaussianDistribution)
        return noise.proba_distribution(mean, self.log_std)

    def predict_values(self, obs: Any) -> torch.Tensor:
        """Values (n, 1) at pictures."""
        return self.answers(self.views(obs))[1]

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
        seen = [pictures, pictures.flip(-1)] if self.mirror_signs else [pictures]
        actions = self._mean_of(torch.stack([self._mean_actions(each) for each in seen], dim=1))
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
