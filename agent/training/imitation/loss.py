"""The loss by which a policy learns from an expert's labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from agent.training.imitation.dataset import ImitationBatch
from agent.training.precision import answers_of

# Error of a label up to which it counts squared, where 1 is half of an action's range (measured:
# DECISIONS 76).
HUBER_DELTA = 0.3


@dataclass(frozen=True)
class ImitationLoss:
    """Huber's error of mean action and auxiliary numbers, beside the critic's squared error.

    Up to ``HUBER_DELTA`` an error counts squared, beyond by its size. Where a picture leaves two
    answers the policy then learns the likelier one; a squared error would teach the mean of both,
    which is wrong.

    Features are learned from the labels alone. The critic learns from them and does not move them.

    :param label_weights: (k + m,) of the errors
    :param vf_coef: weight of the critic's loss
    :param mixed_precision: of all but the last layers, as ``FastPolicy`` has it
    """

    label_weights: Sequence[float]
    vf_coef: float
    mixed_precision: bool = False

    def __call__(self, policy: Any, batch: ImitationBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss, and two numbers to log: the error of the actions and the critic's."""
        mixed = self.mixed_precision
        features = answers_of(policy.features_extractor, batch.pictures, mixed=mixed)
        latent = answers_of(policy.mlp_extractor.forward_actor, features, mixed=mixed)
        mean = policy.action_net(latent)
        predicted = torch.cat((mean, policy.auxiliary_net(features)), dim=1)
        errors = torch.nn.functional.smooth_l1_loss(
            predicted, batch.labels, reduction="none", beta=HUBER_DELTA
        ).mean(0)
        errors = errors * (2.0 * HUBER_DELTA) * predicted.new_tensor(self.label_weights)
        critic = policy.mlp_extractor.forward_critic
        latent_value = answers_of(critic, features.detach(), mixed=mixed)
        values = policy.value_net(latent_value).flatten()
        value_loss = torch.nn.functional.mse_loss(values, batch.returns)
        action_error = errors[: mean.shape[1]].sum()
        loss = errors.sum() + self.vf_coef * value_loss
        return loss, torch.stack((action_error, value_loss)).detach()
