"""The environments of training: their number, scaled rewards, and what the world offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecNormalize

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.training.augmentation import Augmented, MirroredExpert
from agent.training.vec_envs import check_mirror, make_training_envs
from agent.worlds.base import WORLDS

Build = Callable[..., TrialConfig]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Build:
    """Builds trials of a world without mirror, expert or curriculum."""
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")

    def build(**changes: Any) -> TrialConfig:
        small = {"world": "line", "timesteps": 64, "n_envs": 2, "device": "cpu"}
        return TrialConfig.of(**{**small, **changes})

    return build


def test_there_is_one_for_every_task_at_least(tiny: Build) -> None:
    tasks = [f"donkey-{name}-v0" for name in ("generated-track", "warehouse", "mountain-track")]
    training = make_training_envs(tiny(env=tasks))
    assert training.vec_env.num_envs == 3
    assert (training.expert, training.curriculum) == (None, None)
    training.vec_env.close()


def test_rewards_are_scaled_and_their_own_are_at_hand(line: Build) -> None:
    training = make_training_envs(line(n_envs=4, gamma=0.9))
    assert isinstance(training.vec_env, VecNormalize)
    training.vec_env.reset()
    for _ in range(40):
        _, rewards, _, _ = training.vec_env.step(np.zeros((4, 3), dtype=np.float32))
    assert 0.0 < training.vec_env.get_original_reward().max() <= 1.0
    assert not np.allclose(rewards, training.vec_env.get_original_reward())


def test_a_world_offers_its_expert_and_its_curriculum(tiny: Build) -> None:
    config = tiny(
        imitation_share=0.5,
        augment=["flip"],
        env=["donkey-random-track-v0"],
        roads=4,
        road_replay=0.5,
    )
    training = make_training_envs(config)
    assert isinstance(training.vec_env.venv, Augmented)
    assert isinstance(training.expert, MirroredExpert)
    assert training.curriculum is not None
    training.vec_env.close()


def test_mirror_images_are_refused_where_left_and_right_differ(line: Build, tiny: Build) -> None:
    with pytest.raises(UserError, match="left and right are alike, and 'line' is none; drop it"):
        check_mirror(line(augment=["flip"]))
    with pytest.raises(UserError, match=r"symmetric needs a world .* 'line' is none; drop it"):
        check_mirror(line(symmetric=True))
    check_mirror(line(augment=["crop"]))
    check_mirror(tiny(augment=["flip"]))


def test_the_same_episodes_begin_whatever_the_pictures_look_like(tiny: Build) -> None:
    plain = make_training_envs(tiny())
    changed = make_training_envs(tiny(augment=["flip"]))
    assert isinstance(changed.vec_env.venv, Augmented)
    seen = np.asarray(plain.vec_env.reset())
    other = np.asarray(changed.vec_env.reset())
    flipped = changed.vec_env.venv._flipped
    mirrored = np.where(flipped[:, None, None, None], seen[..., ::-1], seen)
    assert np.array_equal(other, mirrored)
    for each in (plain, changed):
        each.vec_env.close()
