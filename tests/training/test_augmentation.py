"""Augmented worlds: what is seen, what is driven and what is taught stay one thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from agent.config.trial import AUGMENTATIONS, TrialConfig, UserError
from agent.training.augmentation import SHIFT, Augmented
from agent.training.vec_envs import YARDSTICK, make_worlds

Build = Callable[..., TrialConfig]


def pair(config: TrialConfig, kinds: list[str], **more: Any) -> tuple[Any, Any]:
    """The same worlds as they are and augmented."""
    made = [make_worlds(config, config.env, 8, "speed") for _ in range(2)]
    pair = made[0], Augmented(made[1], kinds, config.n_throttle, **more)
    for worlds in pair:
        worlds.seed(3)
    return pair


@pytest.mark.parametrize("observation", ["fast", "raw"])
def test_a_mirrored_world_is_driven_as_it_is_seen(tiny: Build, observation: str) -> None:
    config = tiny(observation=observation, max_episode_steps=1000)
    plain, augmented = pair(config, ["flip"])
    pictures, seen = plain.reset(), augmented.reset()
    flipped = augmented._flipped
    assert 0 < flipped.sum() < 8
    rng = np.random.default_rng(1)
    for _ in range(5):
        assert np.array_equal(
            seen, np.where(flipped[:, None, None, None], pictures[..., ::-1], pictures)
        )
        actions = rng.uniform(-0.3, 0.3, (8, 2)).astype(np.float32)
        pictures = plain.step(actions)[0]
        seen = augmented.step(
            np.where(flipped[:, None], actions * (-1, 1), actions).astype(np.float32)
        )[0]


def test_mirrored_bins_steer_the_other_way(tiny: Build) -> None:
    config = tiny(agent="dqn", n_steer=5, n_throttle=3)
    _, augmented = pair(config, ["flip"])
    augmented.reset()
    augmented.step_async(np.full(8, 1 * 3 + 2))
    sent = augmented.venv._actions
    assert np.array_equal(sent, np.where(augmented._flipped, 3 * 3 + 2, 1 * 3 + 2))


def test_mirrored_lessons_teach_what_is_seen(tiny: Build) -> None:
    config = tiny(taught=1.0)
    plain, augmented = pair(config, ["flip"], taught=True)
    plain.reset(), augmented.reset()
    still = np.zeros((8, 2), dtype=np.float32)
    for worlds in (plain, augmented):
        worlds.step(still)
    own, mirrored = plain.take_lessons(), augmented.take_lessons()
    signs = np.where(
        augmented._flipped[:, None] & (np.arange(own.shape[-1]) != 1), -1.0, 1.0
    )  # the throttle stays
    assert np.allclose(mirrored, own * signs)
    augmented.dismiss_teacher()
    augmented.step(still)
    assert augmented.venv.batch.teacher is None


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_every_kind_changes_pictures_alike_for_an_episode_and_anew_in_the_next(
    tiny: Build, kind: str
) -> None:
    plain, augmented = pair(tiny(max_episode_steps=3), [kind])
    pictures, seen = plain.reset(), augmented.reset()
    changed = [(seen[k] != pictures[k]).any() for k in range(8)]
    assert any(changed)
    drawn: list[Any] = []
    for _ in range(12):
        drawn.append((augmented._flipped[0], *augmented._moved[0], augmented._box[0], augmented._levels[0, 60],
                      augmented._loud[0]))  # fmt: skip
        augmented.step(np.zeros((8, 2), dtype=np.float32))
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(set(drawn)) > 1


def test_a_moved_picture_repeats_its_edge(tiny: Build) -> None:
    _, augmented = pair(tiny(), ["crop"])
    picture = np.arange(2 * 40 * 80, dtype=np.uint32).astype(np.uint8).reshape(2, 40, 80)
    augmented._moved[0] = (SHIFT, -1)
    seen = augmented._seen(0, picture)
    assert np.array_equal(seen[:, SHIFT:, :-1], picture[:, :-SHIFT, 1:])
    assert np.array_equal(seen[:, 0, :-1], picture[:, 0, 1:])


def test_an_unknown_kind_is_refused_and_evaluation_sees_pictures_as_they_are(tiny: Build) -> None:
    with pytest.raises(UserError, match="augment 'rotate' is unknown; choose from flip"):
        tiny(augment=["rotate"])
    worlds = make_worlds(tiny(augment=["flip"]), ["donkey-warren-track-v0"], 1, YARDSTICK)
    assert not isinstance(cast(Any, worlds), Augmented)
