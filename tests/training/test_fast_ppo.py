"""The lean PPO is stock PPO: the same rollout moves its weights to the same place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.policies import ActorCriticCnnPolicy

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_ppo import FastPolicy, FastPPO
from agent.training.algorithms.patch_encoder import CELL, CONTRAST, FAINT, PatchEncoder, as_patches
from agent.training.vec_envs import make_training_worlds

Build = Callable[..., TrialConfig]


class Quiet(BaseCallback):
    def _on_step(self) -> bool:
        return True


@pytest.fixture(params=[4, 0], ids=["sde", "gaussian"])
def model(request: pytest.FixtureRequest, tiny: Build) -> Iterator[FastPPO]:
    """A model with a rollout that it has not learned from yet; every minibatch is clipped somewhere."""
    large = {
        "learning_rate": 0.01,
        "conv_layers": 1,
    }  # few weights: of a gradient that is rounding Adam makes a step
    config = tiny(
        sde_freq=request.param, ent_coef=0.01, batch_size=20, n_epochs=3, n_steps=32, **large
    )
    worlds = make_training_worlds(config, config.gamma)
    model = build(config, worlds)
    assert isinstance(model, FastPPO)
    model.set_logger(configure(None, []))
    _, callback = model._setup_learn(64, Quiet())
    model.collect_rollouts(worlds, callback, model.rollout_buffer, model.n_steps)
    yield model
    worlds.close()


def learned(
    model: FastPPO, train: Callable[[FastPPO], None]
) -> tuple[torch.Tensor, dict[str, float]]:
    """Weights and logged numbers after ``train``; the model and its rollout stay as they were."""
    before, buffer = deepcopy(model.policy.state_dict()), model.rollout_buffer
    model.rollout_buffer = deepcopy(buffer)
    optimiser = deepcopy(model.policy.optimizer.state_dict())
    np.random.seed(3)
    train(model)
    weights = torch.cat([parameter.detach().flatten() for parameter in model.policy.parameters()])
    numbers = dict(model.logger.name_to_value)
    model.policy.load_state_dict(before)
    model.policy.optimizer.load_state_dict(optimiser)
    model.rollout_buffer = buffer
    return weights, numbers


def test_it_learns_what_stock_ppo_learns(model: FastPPO) -> None:
    before = torch.cat(
        [parameter.detach().clone().flatten() for parameter in model.policy.parameters()]
    )
    lean, ours = learned(model, FastPPO.train)
    stock, theirs = learned(model, PPO.train)
    assert float((stock - before).abs().max()) > 0.01
    torch.testing.assert_close(lean, stock, rtol=1e-3, atol=2e-4)
    assert (
        {"train/approx_kl", "train/explained_variance", "train/std"} < ours.keys() == theirs.keys()
    )
    for name in (
        "train/approx_kl",
        "train/explained_variance",
        "train/std",
    ):  # others are means of all epochs there
        assert ours[name] == pytest.approx(theirs[name], rel=1e-2, abs=1e-4)


def test_its_rows_of_parameters_stay_the_policys_when_it_is_saved_and_loaded(
    model: FastPPO, tmp_path: str
) -> None:
    model.train()
    model.save(f"{tmp_path}/model.zip")
    for kind in (FastPPO, PPO):
        loaded = kind.load(f"{tmp_path}/model.zip", device="cpu")
        row = torch.cat([parameter.detach().flatten() for parameter in loaded.policy.parameters()])
        assert torch.equal(
            row, torch.cat([p.detach().flatten() for p in model.policy.parameters()])
        )
        assert torch.equal(row, loaded.policy.optimizer.row)  # type: ignore[attr-defined]


def test_decisions_for_many_pictures_are_those_of_stock_ppo(model: FastPPO) -> None:
    policy = model.policy
    pictures = np.stack([policy.observation_space.sample() for _ in range(5)])
    with torch.no_grad():
        policy.action_net.bias.copy_(torch.tensor([0.3, 2.0]))  # type: ignore[operator]  # the second is out of bounds
    ours, _ = policy.predict(pictures, deterministic=True)
    theirs, _ = ActorCriticCnnPolicy.predict(policy, pictures, deterministic=True)
    assert np.array_equal(ours, theirs) and ours.max() == 1.0
    one, _ = policy.predict(pictures[0], deterministic=True)
    np.testing.assert_allclose(one, ours[0], atol=1e-5)
    with pytest.raises(ValueError, match="shape"):
        policy.predict(pictures[:, :, :8], deterministic=True)


def test_who_was_taught_the_middle_does_in_a_mirrored_picture_the_mirror_image(tiny: Build) -> None:
    config = tiny(taught=0.5)
    worlds = make_training_worlds(config, config.gamma)
    policy, shape = build(config, worlds).policy, worlds.observation_space.shape or ()
    worlds.close()
    assert isinstance(policy, FastPolicy)
    pictures = np.random.default_rng(5).integers(0, 256, (3, *shape), dtype=np.uint8)
    ours, _ = policy.predict(pictures, deterministic=True)
    mirrored, _ = policy.predict(np.ascontiguousarray(pictures[..., ::-1]), deterministic=True)
    np.testing.assert_allclose(mirrored, ours * (-1.0, 1.0), atol=1e-6)
    assert np.abs(ours[:, 0]).min() > 1e-4
    one, _ = policy.predict(pictures[0], deterministic=True)
    np.testing.assert_allclose(one, ours[0], atol=1e-6)
    policy.mirrored = False
    alone, _ = policy.predict(pictures, deterministic=True)
    assert np.abs(alone - ours).max() > 1e-4


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_patches_are_cut_from_all_frames_of_a_picture(dtype: torch.dtype) -> None:
    pictures = torch.randint(0, 255, (3, 2, 40, 80)).to(dtype)
    patches = as_patches(pictures)
    assert patches.shape == (3, 50, 128) and patches.dtype == dtype
    fine = as_patches(pictures, layers=2)
    assert fine.shape == (3, 200, 32) and fine.dtype == dtype
    for row, column in ((0, 0), (1, 3), (4, 9)):
        cut = pictures[2, :, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        assert torch.equal(patches[2, 10 * row + column], cut.flatten())
        for k, (down, right) in enumerate(((0, 0), (0, 4), (4, 0), (4, 4))):
            quarter = cut[:, down : down + 4, right : right + 4]
            assert torch.equal(fine[2, 4 * (10 * row + column) + k], quarter.flatten())
    by_rows = as_patches(pictures, layers=3)
    assert by_rows.shape == (3, 200, 32) and by_rows.dtype == dtype
    assert torch.equal(by_rows[1, 20 * 9 + 13], pictures[1, :, 36:40, 52:56].flatten())


def test_three_layers_are_convolutions() -> None:
    torch.manual_seed(0)
    net = PatchEncoder(spaces.Box(0, 255, (2, 40, 80), np.uint8), layers=3)
    assert net.windows is not None and net.shapes.bias is not None
    pictures = torch.randint(0, 255, (3, 2, 40, 80), dtype=torch.uint8)
    patches = net.shapes.weight.unflatten(1, (2, 4, 4))  # and two by two of them: windows of 8x8
    weight = patches.permute(0, 1, 4, 2, 5, 3).reshape(-1, 2, 8, 8)
    weight = (weight - weight.mean((2, 3), keepdim=True)) / CONTRAST
    answers = torch.nn.functional.conv2d(pictures.float(), weight, stride=4)
    answers = answers * torch.rsqrt(answers.square().mean((1, 2, 3), keepdim=True) + FAINT)
    seen = net.windows(torch.relu(answers + net.shapes.bias.view(1, -1, 1, 1)))
    assert seen.shape == (3, 32, 5, 10)
    torch.testing.assert_close(
        net(pictures), torch.relu(net.whole(seen.flatten(1))), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_light_and_contrast_do_not_change_what_is_seen(layers: int) -> None:
    torch.manual_seed(0)
    net = PatchEncoder(spaces.Box(0, 255, (2, 40, 80), np.uint8), layers=layers)
    pictures = torch.randint(60, 120, (4, 2, 40, 80)).float()
    seen = net(pictures)
    assert float(seen.detach().std()) > 0.01
    torch.testing.assert_close(net(pictures + 90.0), seen, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(net(pictures * 1.9), seen, rtol=0.05, atol=0.02)
