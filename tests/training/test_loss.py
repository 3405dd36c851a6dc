"""The imitation loss is Huber's difference from the labels, and the critic moves no feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.imitation.dataset import ImitationBatch
from agent.training.imitation.loss import HUBER_DELTA, ImitationLoss
from agent.training.vec_envs import make_training_envs


def test_the_loss_is_the_difference_from_the_labels_and_the_critic_moves_no_feature(
    tiny: Callable[..., TrialConfig],
) -> None:
    training = make_training_envs(tiny(imitation_share=1.0))
    policy: Any = build(tiny(imitation_share=1.0), training).policy
    pictures = torch.from_numpy(np.asarray(training.vec_env.reset()))
    with torch.no_grad():
        mean = policy.get_distribution(pictures).mode()
        auxiliary = policy.auxiliary_net(policy.features_extractor(pictures))
    predicted = torch.cat((mean, auxiliary), dim=1)
    apart = torch.tensor([0.2, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.1])
    returns = torch.tensor([3.0, -1.0])
    assert training.expert is not None
    weights = training.expert.label_weights
    imitation_loss = ImitationLoss(weights, vf_coef=0.5)
    loss, numbers = imitation_loss(policy, ImitationBatch(pictures, predicted + apart, returns))
    expected = weights[0] * 0.04 + weights[1] * HUBER_DELTA * (2.0 * 2.0 - HUBER_DELTA)
    values = policy.predict_values(pictures).flatten()
    critic = (values - returns).square().mean().item()
    assert numbers[0].item() == pytest.approx(expected, rel=1e-5)
    assert numbers[1].item() == pytest.approx(critic, rel=1e-4)
    expected += weights[2] * HUBER_DELTA * (2.0 * 1.0 - HUBER_DELTA) + weights[7] * 0.01
    assert loss.item() == pytest.approx(expected + 0.5 * critic, rel=1e-5)
    only_critic, _ = imitation_loss(policy, ImitationBatch(pictures, predicted, returns))
    parameters = list(policy.features_extractor.parameters())
    gradient = torch.autograd.grad(only_critic, parameters, materialize_grads=True)
    assert all(part.abs().max() < 1e-6 for part in gradient)
    training.vec_env.close()
