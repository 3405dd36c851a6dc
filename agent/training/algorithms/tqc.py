"""TQC: SAC whose critics learn the return's distribution and drop its highest quantiles."""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib import TQC as SB3TQC
from sb3_contrib.common.utils import quantile_huber_loss

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderTQCPolicy
from agent.training.algorithms.sac import SoftActorCritic, soft_actor_critic
from agent.training.vec_envs import TrainingEnvs

# quantile_huber_loss is a quantile's only for errors above 1, and returns are scaled to variance 1:
# errors are about 0.1. So errors are multiplied by this and the loss divided by it; chosen.
SHARPNESS = 20.0


class TQC(SoftActorCritic, SB3TQC):
    """sb3-contrib's TQC with one encoder and our gradient steps.

    Critics answer (batch, critics, quantiles).
    """

    def lower_estimate(self, answers: Any) -> torch.Tensor:
        dropped = self.top_quantiles_to_drop_per_net * answers.shape[1]
        kept = answers[0].numel() - dropped
        lowest: torch.Tensor = answers.flatten(1).sort(dim=1).values[:, :kept]
        return lowest

    def objective(self, answers: Any) -> torch.Tensor:
        mean: torch.Tensor = answers.mean(dim=(1, 2)).unsqueeze(1)
        return mean

    def critic_loss(self, current: Any, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = quantile_huber_loss(
            SHARPNESS * current, SHARPNESS * targets.unsqueeze(1), sum_over_quantiles=False
        )
        return loss / SHARPNESS

    def answer_of(self, current: Any, critic: int) -> torch.Tensor:
        answer: torch.Tensor = current[:, critic]
        return answer


def build(config: TrialConfig, training: TrainingEnvs) -> TQC:
    """The untrained model."""
    own = config.algorithm
    assert isinstance(own, settings.TQC)
    arguments = soft_actor_critic(config, training.vec_env)
    arguments["policy_kwargs"]["n_quantiles"] = own.n_quantiles
    arguments["top_quantiles_to_drop_per_net"] = own.drop_quantiles
    return TQC(OneEncoderTQCPolicy, training.vec_env, **arguments)
