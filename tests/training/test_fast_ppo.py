"""The fast PPO is stock PPO: the same rollout moves its weights to the same place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.vec_envs import make_training_envs

Build = Callable[..., TrialConfig]


class Quiet(BaseCallback):
    def _on_step(self) -> bool:
        return True


@pytest.fixture(params=[4, 0], ids=["sde", "gaussian"])
def model(request: pytest.FixtureRequest, tiny: Build) -> Iterator[FastPPO]:
    """A model with a rollout to learn from; every minibatch is clipped somewhere.

    It has few weights, for where a gradient is only rounding Adam makes a step of it.
    """
    config = tiny(
        sde_freq=request.param,
        ent_coef=0.01,
        batch_size=20,
        n_epochs=3,
        n_steps=32,
        learning_rate=0.01,
        conv_layers=1,
    )
    training = make_training_envs(config)
    model = build(config, training)
    assert isinstance(model, FastPPO)
    model.set_logger(configure(None, []))
    _, callback = model._setup_learn(64, Quiet())
    model.collect_rollouts(training.vec_env, callback, model.rollout_buffer, model.n_steps)
    yield model
    training.vec_env.close()


def weights_of(model: PPO) -> torch.Tensor:
    return torch.cat([each.detach().clone().flatten() for each in model.policy.parameters()])


def learned(
    model: FastPPO, train: Callable[[FastPPO], None]
) -> tuple[torch.Tensor, dict[str, float]]:
    """Weights and logged numbers after ``train``; the model and its rollout stay as they were."""
    before = deepcopy(model.policy.state_dict())
    buffer = model.rollout_buffer
    model.rollout_buffer = deepcopy(buffer)
    optimiser = deepcopy(model.policy.optimizer.state_dict())
    np.random.seed(3)
    train(model)
    weights = weights_of(model)
    numbers = dict(model.logger.name_to_value)
    model.policy.load_state_dict(before)
    model.policy.optimizer.load_state_dict(optimiser)
    model.rollout_buffer = buffer
    return weights, numbers


def test_it_learns_what_stock_ppo_learns(model: FastPPO) -> None:
    before = weights_of(model)
    fast, ours = learned(model, FastPPO.train)
    stock, theirs = learned(model, PPO.train)
    assert float((stock - before).abs().max()) > 0.01
    torch.testing.assert_close(fast, stock, rtol=1e-3, atol=2e-4)
    comparable = {"train/approx_kl", "train/explained_variance", "train/std"}
    assert comparable < ours.keys() == theirs.keys()
    for name in comparable:  # the others are means of all epochs there
        assert ours[name] == pytest.approx(theirs[name], rel=1e-2, abs=1e-4)


def test_its_row_of_parameters_stays_the_policys_when_it_is_saved_and_loaded(
    model: FastPPO, tmp_path: Path
) -> None:
    model.train()
    model.save(tmp_path / "model.zip")
    for kind in (FastPPO, PPO):
        loaded = kind.load(tmp_path / "model.zip", device="cpu")
        assert torch.equal(weights_of(loaded), weights_of(model))
        assert torch.equal(weights_of(loaded), loaded.policy.optimizer.row)  # type: ignore[attr-defined]


def test_the_curriculum_hears_how_much_there_was_to_learn(model: FastPPO) -> None:
    heard = []

    class Listener:
        def note_scores(self, scores: np.ndarray) -> None:
            heard.append(scores)

    model.curriculum = Listener()  # type: ignore[assignment]
    model.train()
    [scores] = heard
    assert np.array_equal(scores, np.abs(model.rollout_buffer.advantages))
