"""The fast observation: sky cropped, 40x80, grey, some of the last frames stacked, uint8.

Frames that lie ``gap`` steps apart act as a short memory: if only one line is visible now, an
earlier frame still shows which line it is.
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
ROWS = 40
COLUMNS = 80
FRAMES = 2
GAP = 1
# The same picture where it can be drawn at its size, which takes a quarter of the time
# (tests/benchmarks/bench_camera.py).
FAST_VIEW = View(width=WIDTH // 2, height=HEIGHT // 2, cropped=SKY_ROWS // 2)


def shrink(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Camera frame (120, 160, 3) to grey (40, 80), every pixel the mean of 2x2 below the sky."""
    grey = cv2.cvtColor(frame[SKY_ROWS:], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


class FastObservation(gymnasium.Wrapper):
    """Observations (frames, 40, 80) uint8, the newest frame last; a reset fills all with its own.

    Camera frames are shrunk, pictures that are grey already taken as they are.

    :param env: its observations are camera frames or grey pictures (40, 80)
    :param frames: of an observation
    :param gap: steps from one frame to the next
    """

    def __init__(self, env: gymnasium.Env, frames: int = FRAMES, gap: int = GAP) -> None:
        super().__init__(env)
        self.observation_space = spaces.Box(0, 255, (frames, ROWS, COLUMNS), dtype=np.uint8)
        self.gap = gap
        kept = gap * (frames - 1) + 1
        self._frames: NDArray[np.uint8] = np.zeros((kept, ROWS, COLUMNS), dtype=np.uint8)

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
