from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, PPO

from agent.config.trial import TrialConfig, UserError
from agent.training.algorithms import build, check_device
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.training.algorithms.ppo import rollout_shape
from agent.training.algorithms.replay import replay_capacity
from agent.training.vec_envs import make_training_worlds

FAST = spaces.Box(0, 255, (4, 40, 80), np.uint8)
RAW = spaces.Box(0, 255, (3, 120, 160), np.uint8)
BATCH = 64


@pytest.mark.parametrize("space", [FAST, RAW])
def test_the_network_turns_any_camera_image_into_features(space: spaces.Box) -> None:
    features = PatchEncoder(space, features_dim=32)(torch.rand(2, *space.shape))
    assert features.shape == (2, 32)
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("observation", ["fast", "raw"])
def test_ppo_acts_continuously_with_exactly_the_given_learning_rate(
    tiny: Callable[..., TrialConfig], observation: str
) -> None:
    config = tiny(learning_rate=0.00123, observation=observation)
    worlds = make_training_worlds(config, config.gamma)
    model = build(config, worlds)
    assert isinstance(model, PPO)
    assert isinstance(model.action_space, spaces.Box)
    model.learn(config.timesteps)
    assert {group["lr"] for group in model.policy.optimizer.param_groups} == {0.00123}
    worlds.close()


def test_dqn_acts_on_the_bins_with_exactly_the_given_learning_rate(
    tiny: Callable[..., TrialConfig],
) -> None:
    config = tiny(agent="dqn", n_steer=5, n_throttle=2, learning_rate=0.00123)
    worlds = make_training_worlds(config, config.gamma)
    model = build(config, worlds)
    assert isinstance(model, DQN)
    assert model.action_space == spaces.Discrete(10)
    before = [parameter.detach().clone() for parameter in model.q_net.parameters()]
    model.learn(config.timesteps)
    assert {group["lr"] for group in model.policy.optimizer.param_groups} == {0.00123}
    assert any(not torch.equal(a, b) for a, b in zip(before, model.q_net.parameters(), strict=True))
    worlds.close()


@pytest.mark.parametrize(
    ("timesteps", "n_envs", "steps"), [(10_000, 8, 125), (64, 2, 32), (1, 1, 2), (1024, 8, 128)]
)
def test_rollouts_add_up_to_the_timesteps(timesteps: int, n_envs: int, steps: int) -> None:
    shape, batch = rollout_shape(timesteps, n_envs, 128, 256)
    assert shape == steps
    assert 1 < batch <= shape * n_envs


def test_replay_buffer_holds_the_whole_training_where_it_fits() -> None:
    capacity, size = replay_capacity(FAST, 10_000, "8G", BATCH)
    assert capacity == 10_000
    assert 10_000 * 2 * 12_800 < size < 10_000 * 2 * 12_900


def test_replay_buffer_stays_within_half_of_the_memory_limit() -> None:
    capacity, size = replay_capacity(RAW, 1_000_000, "1G", BATCH)
    assert size <= 0.5 * 1024**3
    assert capacity == size // (2 * 57_600 + 32) > 4000


def test_a_memory_limit_too_small_for_one_batch_is_refused_with_what_is_needed() -> None:
    with pytest.raises(UserError, match=r"memory_limit '1M' holds .* give at least \d+M") as caught:
        replay_capacity(FAST, 10_000, "1M", BATCH)
    enough = str(caught.value).split()[-1]
    assert replay_capacity(FAST, 10_000, enough, BATCH)[0] >= BATCH


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="--device cpu"):
        check_device("cuda")
    check_device("auto")


def test_a_falling_learning_rate_ends_where_it_is_told_to(tiny: Callable[..., TrialConfig]) -> None:
    config = tiny(learning_rate=0.002, lr_end=0.25)
    model = build(config, make_training_worlds(config, config.gamma))
    rates = [model.lr_schedule(left) for left in (1.0, 0.5, 0.0)]
    assert rates == pytest.approx([0.002, 0.00125, 0.0005])
