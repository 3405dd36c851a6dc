"""What is learned on a second thread is what would have been learned on the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation.background import AuxiliaryGradient, BackgroundLearner
from agent.training.imitation.dataset import AggregatedDataset
from agent.training.imitation.loss import ImitationLoss
from agent.training.vec_envs import make_training_envs

Build = Callable[..., TrialConfig]


def weights_and_moments(policy: Any) -> list[torch.Tensor]:
    """Copies of weights and of Adam's state."""
    optimizer = policy.optimizer
    state = [value.clone() for value in optimizer.state[optimizer.row].values()]
    return [optimizer.row.detach().clone(), *state]


def models_of(config: TrialConfig, n: int) -> list[FastPPO]:
    training = make_training_envs(config)
    models = [cast(FastPPO, build(config, training)) for _ in range(n)]
    training.vec_env.close()
    return models


def random_dataset(shape: tuple[int, ...]) -> AggregatedDataset:
    rng = np.random.default_rng(3)
    dataset = AggregatedDataset(shape, label_size=8, capacity=64)
    dataset.add(
        rng.integers(0, 256, (64, *shape), dtype=np.uint8),
        rng.normal(size=(64, 8)).astype(np.float32),
        rng.normal(size=64).astype(np.float32),
    )
    return dataset


def test_the_policy_stays_until_the_end_and_then_is_what_it_would_have_become(tiny: Build) -> None:
    one, other = models_of(tiny(imitation_share=1.0), 2)
    dataset = random_dataset(one.observation_space.shape or ())
    loss = ImitationLoss([1.0] * 8, 0.5)
    here: Any = one.policy
    there: Any = other.policy
    for _ in range(2):  # the second time optimisers have a past
        dataset.queue_minibatches(3, 16)
        queued = dataset.queued
        assert queued is not None
        background = BackgroundLearner(here, loss, 0.5)
        before = weights_and_moments(here)
        background.begin(here, dataset)
        for rows in queued:
            there.optimizer.descend(loss(there, dataset.batch(rows, other.device))[0], 0.5)
        assert all(map(torch.equal, weights_and_moments(here), before))
        background.end(here, dataset)
        assert dataset.queued is None
        assert not torch.equal(here.optimizer.row, before[0])
        assert all(map(torch.equal, weights_and_moments(here), weights_and_moments(there)))
        assert torch.equal(here.action_net.weight, there.action_net.weight)


def test_the_gradient_beside_is_the_losss_times_its_weight(tiny: Build) -> None:
    (model,) = models_of(tiny(imitation_share=1.0), 1)
    policy: Any = model.policy
    dataset = random_dataset(model.observation_space.shape or ())
    loss = ImitationLoss([1.0] * 8, 0.0)
    gradient = AuxiliaryGradient(policy, loss, 3.0, dataset)
    np.random.seed(5)
    gradient.begin(16)
    found = gradient.result()
    np.random.seed(5)
    expected, numbers = loss(policy, dataset.draw(16, model.device))
    torch.testing.assert_close(found, policy.optimizer.gradient_of(3.0 * expected))
    assert gradient.error == float(numbers[0])
