"""The fast observation: sky cropped, halved to 40x80, grey, the last four frames stacked, uint8 throughout."""

from __future__ import annotations

from typing import Any

import cv2
import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

SKY_ROWS = 40  # the horizon is near row 44
ROWS, COLUMNS, FRAMES = 40, 80, 4


def shrink(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Camera frame (120, 160, 3) to grey (40, 80), every pixel the mean of 2x2 below the sky."""
    grey = cv2.cvtColor(frame[SKY_ROWS:], cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), dtype=np.uint8)


class FastObservation(gymnasium.Wrapper):
    """Observations (4, 40, 80) uint8, the newest frame last; a reset fills all four with its frame."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.observation_space = spaces.Box(0, 255, (FRAMES, ROWS, COLUMNS), dtype=np.uint8)
        self._frames: NDArray[np.uint8] = np.zeros((FRAMES, ROWS, COLUMNS), dtype=np.uint8)

    def reset(self, **kwargs: Any) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        frame, info = self.env.reset(**kwargs)
        self._frames[:] = shrink(frame)
        return self._frames.copy(), info

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        frame, reward, terminated, truncated, info = self.env.step(action)
        self._frames[:-1] = self._frames[1:]
        self._frames[-1] = shrink(frame)
        return self._frames.copy(), float(reward), terminated, truncated, info
