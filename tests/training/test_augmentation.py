"""Changed pictures: what is seen, what is done and what is labelled stay one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.config.parts import AUGMENTATIONS
from agent.config.trial import TrialConfig
from agent.training.augmentation import SHIFT, Augmented, MirroredExpert, _moved
from agent.worlds.base import Purpose
from agent.worlds.capabilities import HasMirror
from agent.worlds.donkey.world import WORLD

Build = Callable[..., TrialConfig]
N = 8


def pair(config: TrialConfig, kinds: list[str]) -> tuple[Any, Any]:
    """The same environments as they are and augmented."""
    world = config.the_world
    assert isinstance(world, HasMirror)
    plain, other = (
        world.make_vec(config.trial.env, config.world, N, Purpose.TRAIN, 0, config.learner)
        for _ in range(2)
    )
    mirrored_actions = world.mirrored_actions(config.world, config.learner.discrete)
    augmented = Augmented(other, kinds, mirrored_actions)
    for vec_env in (plain, augmented):
        vec_env.seed(3)
    return plain, augmented


@pytest.mark.parametrize("observation", ["fast", "raw"])
def test_a_mirrored_scene_is_acted_in_as_it_is_seen(tiny: Build, observation: str) -> None:
    config = tiny(observation=observation, max_episode_steps=1000)
    plain, augmented = pair(config, ["flip"])
    pictures = plain.reset()
    seen = augmented.reset()
    flipped = augmented._flipped
    assert 0 < flipped.sum() < N
    rng = np.random.default_rng(1)
    for _ in range(5):
        mirrored = np.where(flipped[:, None, None, None], pictures[..., ::-1], pictures)
        assert np.array_equal(seen, mirrored)
        actions = rng.uniform(-0.3, 0.3, (N, 2)).astype(np.float32)
        pictures, *_ = plain.step(actions)
        turned = np.where(flipped[:, None], actions * (-1, 1), actions)
        seen, *_ = augmented.step(turned.astype(np.float32))


def test_numbered_actions_are_those_of_the_mirrored_scene(tiny: Build) -> None:
    config = tiny(agent="dqn", n_steer=5, n_throttle=3)
    _, augmented = pair(config, ["flip"])
    augmented.reset()
    augmented.step_async(np.full(N, 1 * 3 + 2))
    sent = augmented.venv._actions
    assert np.array_equal(sent, np.where(augmented._flipped, 3 * 3 + 2, 1 * 3 + 2))


def test_mirrored_labels_are_of_what_is_seen(tiny: Build) -> None:
    plain, augmented = pair(tiny(imitation_share=1.0), ["flip"])
    expert = MirroredExpert(WORLD.expert(augmented.venv), augmented)
    for vec_env in (plain, augmented):
        vec_env.reset()
        vec_env.step(np.zeros((N, 2), dtype=np.float32))
    own = WORLD.expert(plain).take_labels()
    mirrored = expert.take_labels()
    flipped = augmented._flipped[:, None]
    assert 0 < flipped.sum() < N
    assert np.allclose(mirrored, own * np.where(flipped, expert.mirror_signs, 1.0))
    expert.dismiss()
    augmented.step(np.zeros((N, 2), dtype=np.float32))
    assert augmented.venv.vector_env.teacher is None


def drawn(augmented: Augmented) -> tuple[Any, ...]:
    """What was drawn for the first environment's episode."""
    return (
        augmented._flipped[0],
        *augmented._moved[0],
        augmented._box[0],
        augmented._levels[0, 60],
        augmented._noise[0],
    )


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_every_kind_changes_pictures_alike_for_an_episode_and_anew_in_the_next(
    tiny: Build, kind: str
) -> None:
    plain, augmented = pair(tiny(max_episode_steps=3), [kind])
    pictures = plain.reset()
    seen = augmented.reset()
    assert any((seen[k] != pictures[k]).any() for k in range(N))
    course = []
    for _ in range(12):
        course.append(drawn(augmented))
        augmented.step(np.zeros((N, 2), dtype=np.float32))
    assert course[0] == course[1] == course[2]
    assert len(set(course)) > 1


def test_a_moved_picture_repeats_its_edge() -> None:
    picture = np.arange(2 * 40 * 80, dtype=np.uint32).astype(np.uint8).reshape(2, 40, 80)
    seen = _moved(picture, SHIFT, -1)
    assert np.array_equal(seen[:, SHIFT:, :-1], picture[:, :-SHIFT, 1:])
    assert np.array_equal(seen[:, 0, :-1], picture[:, 0, 1:])


def test_an_unknown_kind_is_refused(tiny: Build) -> None:
    with pytest.raises(UserError, match="augment 'rotate' is unknown; choose from flip"):
        tiny(augment=["rotate"])
