"""The fast observation: sky cropped, 40x80, grey, some of the last frames stacked, uint8 throughout.

A gap between them makes the stack a memory: which line it is that alone is still in sight, the moment before told.
"""

from __future__ import annotations

from typing import Any

import cv2
import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agent.simulator.lens import HEIGHT, WIDTH, View

SKY_ROWS = 40  # the horizon is near row 44
ROWS, COLUMNS, FRAMES, GAP = 40, 80, 2, 1
# The same picture where it can be drawn at its size, which takes a quarter of the time.
FAST_VIEW = View(width=WIDTH // 2, height=HEIGHT // 2, cropped=SKY_ROWS // 2)


def shrink(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Camera frame (120, 160, 3) to grey (40, 80), every pixel the mean of 2x2 below the sky."""
    grey = cv2.cvtColor(frame[SKY_ROWS:], cv2.COLOR_RGB2GRAY)
    return np.asarray(
        cv2.resize(grey, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


class FastObservation(gymnasium.Wrapper):
    """Observations (frames, 40, 80) uint8, ``gap`` steps from one to the next, the newest last.

    A reset fills all with its own. Camera frames are shrunk, pictures that are grey already taken as they are.
    """

    def __init__(self, env: gymnasium.Env, frames: int = FRAMES, gap: int = GAP) -> None:
        super().__init__(env)
        self.observation_space = spaces.Box(0, 255, (frames, ROWS, COLUMNS), dtype=np.uint8)
        self.gap = gap
        self._frames: NDArray[np.uint8] = np.zeros(
            (gap * (frames - 1) + 1, ROWS, COLUMNS), dtype=np.uint8
        )

    def reset(self, **kwargs: Any) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        frame, info = self.env.reset(**kwargs)
        self._frames[:] = _small(frame)
        return self._frames[:: self.gap].copy(), info

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        frame, reward, terminated, truncated, info = self.env.step(action)
        self._frames[:-1] = self._frames[1:]
        self._frames[-1] = _small(frame)
        return self._frames[:: self.gap].copy(), float(reward), terminated, truncated, info


def _small(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return frame if frame.ndim == 2 else shrink(frame)
