"""The first environment of a trial, shown to who watches: its camera, and what the network sees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.config.snapshot import Snapshots
from agent.config.trial import TrialConfig
from agent.training.callbacks import TrainingCallback
from agent.worlds.capabilities import HasCamera

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

Picture = NDArray[np.uint8]
CAMERA_QUALITY = 85  # of JPEG
OBSERVATION_QUALITY = 92  # of JPEG; it is small, and shown large
WIDE = 1.5  # pictures that are wider for their height stand above each other
DIGITS = 4  # of a number that is shown


class LiveView(TrainingCallback):
    """Writes snapshots of the first environment while somebody watches.

    :param config: the trial's
    :param folder: the trial's
    """

    def __init__(self, config: TrialConfig, folder: Path) -> None:
        super().__init__()
        self.world = config.the_world
        self.frames = config.world.frame_stack
        self.snapshots = Snapshots(folder)
        self.episode = 1
        self.episode_reward = 0.0

    def _on_step(self) -> bool:
        reward = float(self.rewards[0])
        self.episode_reward += reward
        if self.snapshots.due():
            facts = {
                "phase": "training",
                "timesteps": self.num_timesteps,
                "episode": self.episode,
                "episode_reward": self.episode_reward,
                "reward": reward,
            }
            self._show(self.training_env, self.locals["new_obs"][0], facts)
        if self.locals["dones"][0]:
            self.episode += 1
            self.episode_reward = 0.0
        return True

    def look_at_evaluation(self, scope: Mapping[str, Any]) -> None:
        """Shows a step of an evaluation.

        :param scope: local variables of SB3's ``evaluate_policy``
        """
        if scope["i"] == 0 and self.snapshots.due():
            facts = {
                "phase": "evaluation",
                "episode": int(scope["episode_counts"][0]) + 1,
                "episode_reward": float(scope["current_rewards"][0]),
                "reward": float(scope["reward"]),
            }
            self._show(scope["env"], scope["new_observations"][0], facts)

    def _show(self, vec_env: VecEnv, observation: Picture, facts: dict[str, Any]) -> None:
        pictures = {}
        gauges: Mapping[str, float] = {}
        if isinstance(self.world, HasCamera):
            sight = self.world.sight(vec_env)
            pictures["camera"] = jpeg(sight.picture, CAMERA_QUALITY)
            gauges = sight.gauges
        seen = tiled(observation, self.frames)
        pictures["observation"] = jpeg(seen, OBSERVATION_QUALITY)
        self.snapshots.write(pictures, _finite({**facts, "gauges": _finite(gauges)}))


def tiled(observation: Picture, frames: int) -> Picture:
    """An observation as one picture: the frames of its stack, the newest last.

    :param observation: (channels, rows, columns)
    :param frames: of its stack
    :returns: (rows, columns), or with 3 channels in colour
    """
    channels, rows, columns = observation.shape
    each = channels // frames
    if each * frames != channels or each not in (1, 3):
        each = 1
    pictures = observation.reshape(-1, each, rows, columns).transpose(0, 2, 3, 1)
    if each == 1:
        pictures = pictures[..., 0]
    join = np.vstack if columns > WIDE * rows else np.hstack
    return np.ascontiguousarray(join(list(pictures)))


def jpeg(picture: Picture, quality: int) -> bytes:
    """A picture as a JPEG file.

    :param picture: (rows, columns) in grey, or (rows, columns, 3)
    :param quality: 0 to 100
    """
    if picture.ndim == 3:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), dtype=np.uint8)
    return cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


def _finite(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that JSON has: rounded numbers, and None for one that is not finite."""
    return {name: _rounded(value) for name, value in facts.items()}


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, DIGITS) if math.isfinite(value) else None
