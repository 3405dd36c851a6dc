"""TQC: SAC whose critics learn the return's distribution, of which the highest quantiles are dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from sb3_contrib import TQC as SB3TQC
from sb3_contrib.common.utils import quantile_huber_loss

from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderTQCPolicy
from agent.training.algorithms.sac import Entropic, entropic

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


# The loss is a quantile's only for errors above 1, and returns are scaled to variance 1: errors are about 0.1.
SHARPNESS = 20.0


class TQC(Entropic, SB3TQC):
    """sb3-contrib's TQC with one encoder and our gradient steps. Critics answer with (batch, critics, quantiles)."""

    def cautious(self, said: Any) -> torch.Tensor:
        dropped = self.top_quantiles_to_drop_per_net * said.shape[1]
        lowest: torch.Tensor = said.flatten(1).sort(dim=1).values[:, : said[0].numel() - dropped]
        return lowest

    def expected(self, said: Any) -> torch.Tensor:
        mean: torch.Tensor = said.mean(dim=(1, 2)).unsqueeze(1)
        return mean

    def critic_loss(self, current: Any, targets: torch.Tensor) -> torch.Tensor:
        sharp, aim = SHARPNESS * current, SHARPNESS * targets.unsqueeze(1)
        loss: torch.Tensor = quantile_huber_loss(sharp, aim, sum_over_quantiles=False)
        return loss / SHARPNESS

    def first_and_last(self, current: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return current[:, 0], current[:, -1]


def build(config: TrialConfig, worlds: VecEnv) -> TQC:
    """The untrained model."""
    told = config.settings
    arguments = entropic(config, worlds)
    arguments["policy_kwargs"]["n_quantiles"] = told.n_quantiles
    return TQC(
        OneEncoderTQCPolicy, worlds, top_quantiles_to_drop_per_net=told.drop_quantiles, **arguments
    )
