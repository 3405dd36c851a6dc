"""Whole trainings with an expert: labels alone, then the reward, with or without labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from stable_baselines3.common.logger import configure

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation.dataset import AggregatedDataset
from agent.training.imitation.loss import ImitationLoss
from agent.training.vec_envs import make_training_envs

Build = Callable[..., TrialConfig]

# A second of training, in which a small network learns to act as its expert does.
QUICK = {
    "timesteps": 2048,
    "n_envs": 8,
    "n_steps": 32,
    "batch_size": 64,
    "learning_rate": 3e-3,
    "max_episode_steps": 200,
    "log_std_init": -2.0,
    "conv_layers": 1,
    "features_dim": 32,
    "net_width": 32,
}


def action_error(model: FastPPO, dataset: AggregatedDataset) -> float:
    """Mean error of the model's actions over the first labels."""
    assert model.imitator is not None
    loss = ImitationLoss(model.imitator.expert.label_weights, 0.0)
    batch = dataset.batch(np.arange(512), model.device)
    return float(loss(model.policy, batch)[1][0])


def test_an_imitator_comes_nearer_to_its_expert(tiny: Build) -> None:
    config = tiny(imitation_share=1.0, lr_end=0.1, **QUICK)
    training = make_training_envs(config)
    model = cast(FastPPO, build(config, training))
    fresh = cast(FastPPO, build(config, training))
    model.set_logger(configure(None, []))
    model.learn(config.trial.timesteps)
    assert model.imitator is not None
    dataset = model.imitator.dataset
    assert dataset is not None
    assert action_error(model, dataset) < 0.8 * action_error(fresh, dataset)
    assert model.imitator.background is not None
    (group,) = model.imitator.background.copy.optimizer.param_groups
    # Steps shrink as training goes on.
    assert group["lr"] == pytest.approx(0.1 * config.algorithm.learning_rate)
    training.vec_env.close()


def test_after_its_share_of_training_the_expert_goes_and_ppo_begins(tiny: Build) -> None:
    config = tiny(timesteps=128, n_steps=16, imitation_share=0.5)
    training = make_training_envs(config)
    model = cast(FastPPO, build(config, training))
    logger = configure(None, [])
    model.set_logger(logger)
    seen = set[str]()

    def note_names(*_: Any) -> bool:
        seen.update(logger.name_to_value)
        return True

    model.learn(128, callback=note_names)
    seen |= logger.name_to_value.keys()
    assert model.imitator is not None
    assert model.imitator.dataset is None  # hundreds of megabytes that nobody reads any more
    assert {"train/imitation_loss", "train/approx_kl"} <= seen
    assert cast(Any, training.vec_env.unwrapped).vector_env.teacher is None
    training.vec_env.close()


def error_beside_ppo(config: TrialConfig) -> float:
    """Error of the actions after a training, over the labels of its beginning."""
    training = make_training_envs(config)
    model = cast(FastPPO, build(config, training))
    logger = configure(None, [])
    model.set_logger(logger)
    kept: list[AggregatedDataset] = []

    def keep(*_: Any) -> bool:
        assert model.imitator is not None
        if model.imitator.dataset is not None:
            kept.append(model.imitator.dataset)
        return True

    model.learn(config.trial.timesteps, callback=keep)
    assert model.imitator is not None
    assert config.imitation is not None
    weighs = config.imitation.imitation_weight > 0.0
    assert (model.imitator.dataset is not None) == weighs
    assert ("train/imitation_loss" in logger.name_to_value) == weighs
    assert "train/approx_kl" in logger.name_to_value
    training.vec_env.close()
    return action_error(model, kept[0])


def test_labels_that_weigh_beside_the_reward_go_on_and_move_the_policy(tiny: Build) -> None:
    """Where nothing is to be gained or lost (clipped to nothing), only the labels are learned."""
    without, beside = (
        error_beside_ppo(
            tiny(
                imitation_share=0.25,
                imitation_weight=weight,
                clip_range=1e-9,
                vf_coef=0.0,
                **QUICK,
            )
        )
        for weight in (0.0, 3.0)
    )
    assert beside < 0.8 * without


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"imitation_share": 0.5, "agent": "sac"}, "imitation_share 0.5 is no setting of sac"),
        ({"imitation_share": 1.5}, "too large"),
        (
            {"imitation_weight": 1.0},
            "imitation_weight 1.0 needs labels to weigh; give --imitation-share",
        ),
        ({"lesson_weight": 1.0}, "imitation_weight 1.0 needs labels to weigh"),
    ],
)
def test_imitation_that_cannot_be_is_refused(
    tiny: Build, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError, match=line):
        tiny(**changes)
