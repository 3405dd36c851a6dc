"""The fast policy decides as SB3's does, and by a mirrored picture besides where that helps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from stable_baselines3.common.policies import ActorCriticCnnPolicy

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.vec_envs import make_training_envs

Build = Callable[..., TrialConfig]


def policy_of(config: TrialConfig) -> FastPolicy:
    training = make_training_envs(config)
    policy = build(config, training).policy
    training.vec_env.close()
    assert isinstance(policy, FastPolicy)
    return policy


def test_decisions_for_many_pictures_are_those_of_stock_sb3(tiny: Build) -> None:
    policy = policy_of(tiny())
    pictures = np.stack([policy.observation_space.sample() for _ in range(5)])
    out_of_bounds = torch.tensor([0.3, 2.0])
    with torch.no_grad():
        policy.action_net.bias.copy_(out_of_bounds)  # type: ignore[operator]
    ours, _ = policy.predict(pictures, deterministic=True)
    theirs, _ = ActorCriticCnnPolicy.predict(policy, pictures, deterministic=True)
    assert np.array_equal(ours, theirs)
    assert ours.max() == 1.0
    one, _ = policy.predict(pictures[0], deterministic=True)
    np.testing.assert_allclose(one, ours[0], atol=1e-5)
    with pytest.raises(ValueError, match="shape"):
        policy.predict(pictures[:, :, :8], deterministic=True)


def test_an_imitator_does_in_a_mirrored_picture_the_mirror_image(tiny: Build) -> None:
    policy = policy_of(tiny(imitation_share=0.5))
    shape = policy.observation_space.shape or ()
    pictures = np.random.default_rng(5).integers(0, 256, (3, *shape), dtype=np.uint8)
    ours, _ = policy.predict(pictures, deterministic=True)
    mirrored, _ = policy.predict(np.ascontiguousarray(pictures[..., ::-1]), deterministic=True)
    np.testing.assert_allclose(mirrored, ours * (-1.0, 1.0), atol=1e-6)
    assert np.abs(ours[:, 0]).min() > 1e-4
    one, _ = policy.predict(pictures[0], deterministic=True)
    np.testing.assert_allclose(one, ours[0], atol=1e-6)
    policy.mirror_signs = ()
    alone, _ = policy.predict(pictures, deterministic=True)
    assert np.abs(alone - ours).max() > 1e-4


@pytest.mark.parametrize("sde_freq", [0, 4])
def test_a_symmetric_policy_explores_and_values_alike_in_the_mirrored_picture(
    tiny: Build, sde_freq: int
) -> None:
    policy = policy_of(tiny(symmetric=True, sde_freq=sde_freq))
    shape = policy.observation_space.shape or ()
    pictures = torch.from_numpy(
        np.random.default_rng(6).integers(0, 256, (3, *shape), dtype=np.uint8)
    )
    with torch.no_grad():
        mean, values, _ = policy.answers(policy.views(pictures))
        mirrored, same_values, _ = policy.answers(policy.views(pictures.flip(-1)))
        drawn_around = policy.get_distribution(pictures).mode()
    torch.testing.assert_close(mirrored, mean * torch.tensor((-1.0, 1.0)))
    torch.testing.assert_close(same_values, values)
    torch.testing.assert_close(drawn_around, mean)
    driven, _ = policy.predict(pictures.numpy(), deterministic=True)
    np.testing.assert_allclose(driven, mean.numpy(), atol=1e-6)
    assert mean[:, 0].abs().min() > 1e-4
