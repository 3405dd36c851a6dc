"""Training pictures changed at random, another way in every episode, so that no driver leans on how one camera sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.config.trial import AUGMENTATIONS

GAIN, OFFSET = 0.4, 40.0  # brightness: grey levels times 1 +- GAIN, plus or minus OFFSET
SHIFT = 2  # crop: pixels that the picture is moved by, the edge repeated
BLUR = (1, 3, 5)  # pixels of the box that is averaged
NOISE, NOISES = 12.0, 32  # most standard deviation in grey levels, and different patterns of it


class Augmented(VecEnvWrapper):
    """Worlds whose pictures are changed, the same way in all of an episode.

    ``flip`` mirrors half of the episodes, with the steering and the teacher's too; ``blur``, ``crop``, ``brightness``
    and ``noise`` are drawn from none to the strengths above.

    :param worlds: observations (channels, rows, columns) uint8; actions whose first number steers, -1 to 1, or bins
    :param kinds: of ``AUGMENTATIONS``
    :param n_throttle: bins of the throttle, where actions are bins
    :param taught: the worlds have a teacher
    """

    def __init__(
        self, worlds: VecEnv, kinds: list[str], n_throttle: int, taught: bool = False
    ) -> None:
        super().__init__(worlds)
        self.kinds, self.n_throttle, self.taught = frozenset(kinds), n_throttle, taught
        assert self.kinds <= set(AUGMENTATIONS)
        self.rng = np.random.default_rng(0)  # until it is seeded, as worlds are
        n, shape = worlds.num_envs, cast(tuple[int, ...], worlds.observation_space.shape)
        self._flipped: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)
        self._moved: NDArray[np.int64] = np.zeros((n, 2), dtype=np.int64)
        self._box: NDArray[np.int64] = np.ones(n, dtype=np.int64)
        self._levels: NDArray[np.uint8] = np.tile(np.arange(256, dtype=np.uint8), (n, 1))
        self._loud = np.zeros(n)
        self._patterns = self.rng.normal(size=(NOISES, *shape[1:])).astype(np.float32)
        self._mirrored: list[NDArray[np.bool_]] = []

    def _begin(self, k: int) -> None:
        draw = self.rng
        self._flipped[k] = "flip" in self.kinds and draw.random() < 0.5
        if "crop" in self.kinds:
            self._moved[k] = draw.integers(-SHIFT, SHIFT + 1, size=2)
        if "blur" in self.kinds:
            self._box[k] = draw.choice(BLUR)
        if "brightness" in self.kinds:
            levels = np.arange(256) * (1.0 + draw.uniform(-GAIN, GAIN)) + draw.uniform(
                -OFFSET, OFFSET
            )
            self._levels[k] = np.clip(levels, 0, 255)
        if "noise" in self.kinds:
            self._loud[k] = draw.uniform(0.0, NOISE)

    def _seen(self, k: int, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What is seen of a picture (channels, rows, columns) in the ``k``-th world."""
        if self._flipped[k]:
            picture = picture[..., ::-1]
        if self._moved[k].any():
            down, right = self._moved[k]
            padded = np.pad(picture, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="edge")
            rows, columns = picture.shape[1:]
            picture = padded[
                :, SHIFT - down : SHIFT - down + rows, SHIFT - right : SHIFT - right + columns
            ]
        picture = self._levels[k][picture]
        if (box := int(self._box[k])) > 1:
            picture = np.stack([cv2.blur(channel, (box, box)) for channel in picture]).astype(
                np.uint8
            )
        if self._loud[k]:
            pattern = self._patterns[self.rng.integers(NOISES)]
            picture = np.clip(picture + self._loud[k] * pattern, 0, 255).astype(np.uint8)
        return picture

    def _all_seen(self, pictures: VecEnvObs) -> VecEnvObs:
        return np.stack(
            [self._seen(k, picture) for k, picture in enumerate(cast(NDArray[np.uint8], pictures))]
        )

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        if seed is not None:
            self.rng = np.random.default_rng([seed, len(AUGMENTATIONS)])
        return self.venv.seed(seed)

    def reset(self) -> VecEnvObs:
        for k in range(self.num_envs):
            self._begin(k)
        return self._all_seen(self.venv.reset())

    def step_async(self, actions: NDArray[Any]) -> None:
        if self.taught:
            self._mirrored.append(self._flipped.copy())
        if isinstance(self.action_space, spaces.Discrete):
            steering, throttle = np.divmod(actions, self.n_throttle)
            most = int(self.action_space.n) // self.n_throttle - 1
            steering = np.where(self._flipped, most - steering, steering)
            self.venv.step_async(steering * self.n_throttle + throttle)
        else:
            self.venv.step_async(
                np.where(self._flipped[:, None], actions * (-1.0, 1.0), actions).astype(
                    actions.dtype
                )
            )

    def step_wait(self) -> VecEnvStepReturn:
        pictures, rewards, dones, infos = self.venv.step_wait()
        for k in np.flatnonzero(dones).tolist():
            infos[k]["terminal_observation"] = self._seen(k, infos[k]["terminal_observation"])
            self._begin(k)
        return self._all_seen(pictures), rewards, dones, infos

    def take_lessons(self) -> NDArray[np.float32]:
        """What the teacher said (steps, n, 8) of the worlds as they were seen: all but the throttle turns with them."""
        mirrored, self._mirrored = np.stack(self._mirrored), []
        lessons: NDArray[np.float32] = cast(Any, self.unwrapped).take_lessons()
        turned = np.where(mirrored, -1.0, 1.0)[..., None]
        lessons[..., 0:1] *= turned
        lessons[..., 2:] *= turned
        return lessons

    def dismiss_teacher(self) -> None:
        """No more lessons."""
        self.taught = False
        cast(Any, self.unwrapped).dismiss_teacher()
