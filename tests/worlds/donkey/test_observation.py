"""The fast observation: the cropped grey mean of a frame, drawn directly or shrunk."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.observation import FRAMES, shrink
from agent.worlds.donkey.tasks import SCENE_OF_ENV


def test_fast_observation_is_the_cropped_grey_mean_of_the_frame() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    grey = frame[40:] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(shrink(frame) - grey.reshape(40, 2, 80, 2).mean(axis=(1, 3))).max() <= 1.5


@pytest.mark.parametrize("env_id", sorted(SCENE_OF_ENV))
def test_the_fast_observation_drawn_directly_looks_like_the_shrunk_frame(env_id: str) -> None:
    """A driver trained on one drives by the other, which is what a simulator on a port shows.

    The grain of a texture falls otherwise on larger pixels, so means over 5 by 5 are compared, and
    how much detail there is.
    """
    env: Any = make_env(env_id, throttle_max=1.0, start="anywhere")
    frame = np.zeros((120, 160, 3), dtype=np.uint8)
    for seed in range(8):
        observation, _ = env.reset(seed=seed)
        assert observation.shape == (FRAMES, 40, 80) and observation.dtype == np.uint8
        for _ in range(seed):
            after, *_ = env.step(np.array([0.1, 1.0], dtype=np.float32))
            assert np.array_equal(after[-2], observation[-1])
            observation = after
        env.unwrapped.world.render(frame)
        direct, shrunk = observation[-1].astype(float), shrink(frame).astype(float)
        apart = np.abs(blurred(direct) - blurred(shrunk))
        # Walls at the horizon differ by a row: their tops are not blended.
        assert apart.mean() < 4.0 and np.quantile(apart, 0.97) < 25, (seed, apart.mean())
        detail = np.std(direct - blurred(direct)) / np.std(shrunk - blurred(shrunk))
        assert 0.75 < detail < 1.3, (seed, detail)


def blurred(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.blur(picture, (5, 5)))
