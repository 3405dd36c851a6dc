"""Training pictures changed at random in every episode, so that no policy relies on one camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.config.parts import AUGMENTATIONS
from agent.worlds.capabilities import Expert

FLIP = "flip"
# Strengths, chosen.
GAIN = 0.4  # brightness: grey levels times 1 +- GAIN ...
OFFSET = 40.0  # ... plus or minus so many
SHIFT = 2  # crop: pixels that the picture is moved by, the edge repeated
BLUR = (1, 3, 5)  # pixels of the box that is averaged
NOISE = 12.0  # most standard deviation, in grey levels
NOISE_PATTERNS = 32  # different patterns of it, drawn once


class Augmented(VecEnvWrapper):
    """Environments whose pictures are changed, the same way in all of an episode.

    ``flip`` mirrors half of the episodes, actions too; ``blur``, ``crop``, ``brightness`` and
    ``noise`` are drawn from none to the strengths above.

    :param vec_env: observations (channels, rows, columns) uint8
    :param kinds: of ``AUGMENTATIONS``
    :param mirrored_actions: of ``HasMirror``, for ``flip``
    """

    def __init__(
        self, vec_env: VecEnv, kinds: Sequence[str], mirrored_actions: NDArray[Any] | None = None
    ) -> None:
        super().__init__(vec_env)
        self.kinds = frozenset(kinds)
        assert self.kinds <= set(AUGMENTATIONS)
        self.mirrored_actions = mirrored_actions
        self.remembers_mirrored = False
        self._mirrored: list[NDArray[np.bool_]] = []
        self.rng = np.random.default_rng(0)  # until it is seeded, as environments are
        n = vec_env.num_envs
        shape = vec_env.observation_space.shape
        assert shape is not None
        # Of the present episode in each environment.
        self._flipped: NDArray[np.bool_] = np.zeros(n, dtype=np.bool_)
        self._moved: NDArray[np.int64] = np.zeros((n, 2), dtype=np.int64)
        self._box: NDArray[np.int64] = np.ones(n, dtype=np.int64)
        self._levels: NDArray[np.uint8] = np.tile(np.arange(256, dtype=np.uint8), (n, 1))
        self._noise = np.zeros(n)
        patterns = self.rng.normal(size=(NOISE_PATTERNS, *shape[1:]))
        self._patterns = patterns.astype(np.float32)

    def take_mirrored(self) -> NDArray[np.bool_]:
        """True (steps, n) for mirrored steps since the last call, with ``remembers_mirrored``."""
        mirrored = np.stack(self._mirrored)
        self._mirrored = []
        return mirrored

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        if seed is not None:
            self.rng = np.random.default_rng([seed, len(AUGMENTATIONS)])
        return self.venv.seed(seed)

    def reset(self) -> VecEnvObs:
        for k in range(self.num_envs):
            self._begin_episode(k)
        return self._changed_all(self.venv.reset())

    def step_async(self, actions: NDArray[Any]) -> None:
        if self.remembers_mirrored:
            self._mirrored.append(self._flipped.copy())
        self.venv.step_async(self._for_the_scene(actions))

    def step_wait(self) -> VecEnvStepReturn:
        pictures, rewards, dones, infos = self.venv.step_wait()
        for k in np.flatnonzero(dones).tolist():
            infos[k]["terminal_observation"] = self._changed(k, infos[k]["terminal_observation"])
            self._begin_episode(k)
        return self._changed_all(pictures), rewards, dones, infos

    def _for_the_scene(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Actions in the scene as it is, of actions in what the policy sees of it."""
        if self.mirrored_actions is None:
            return actions
        if isinstance(self.action_space, spaces.Discrete):
            return np.where(self._flipped, self.mirrored_actions[actions], actions)
        mirrored = actions * self.mirrored_actions
        return np.where(self._flipped[:, None], mirrored, actions).astype(actions.dtype)

    def _begin_episode(self, k: int) -> None:
        draw = self.rng
        self._flipped[k] = FLIP in self.kinds and draw.random() < 0.5
        if "crop" in self.kinds:
            self._moved[k] = draw.integers(-SHIFT, SHIFT + 1, size=2)
        if "blur" in self.kinds:
            self._box[k] = draw.choice(BLUR)
        if "brightness" in self.kinds:
            gain = 1.0 + draw.uniform(-GAIN, GAIN)
            offset = draw.uniform(-OFFSET, OFFSET)
            self._levels[k] = np.clip(np.arange(256) * gain + offset, 0, 255)
        if "noise" in self.kinds:
            self._noise[k] = draw.uniform(0.0, NOISE)

    def _changed_all(self, pictures: VecEnvObs) -> VecEnvObs:
        assert isinstance(pictures, np.ndarray)
        return np.stack([self._changed(k, picture) for k, picture in enumerate(pictures)])

    def _changed(self, k: int, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture (channels, rows, columns) of the ``k``-th environment as the policy sees it."""
        if self._flipped[k]:
            picture = picture[..., ::-1]
        if self._moved[k].any():
            picture = _moved(picture, *self._moved[k])
        picture = self._levels[k][picture]
        box = int(self._box[k])
        if box > 1:
            blurred = [cv2.blur(channel, (box, box)) for channel in picture]
            picture = np.stack(blurred).astype(np.uint8)
        if self._noise[k]:
            pattern = self._patterns[self.rng.integers(NOISE_PATTERNS)]
            noisy = picture + self._noise[k] * pattern
            picture = np.clip(noisy, 0, 255).astype(np.uint8)
        return picture


def _moved(picture: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """A picture (channels, rows, columns) moved by up to ``SHIFT`` pixels, the edge repeated."""
    padded = np.pad(picture, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)), mode="edge")
    _, rows, columns = picture.shape
    top = SHIFT - down
    left = SHIFT - right
    return padded[:, top : top + rows, left : left + columns]


class MirroredExpert:
    """An expert whose labels are mirrored where the policy sees the mirrored scene.

    :param expert: of the scene as it is
    :param augmented: mirrors episodes
    """

    def __init__(self, expert: Expert, augmented: Augmented) -> None:
        self.expert = expert
        self.augmented = augmented
        self.label_weights = expert.label_weights
        self.mirror_signs = expert.mirror_signs
        augmented.remembers_mirrored = True

    def take_labels(self) -> NDArray[np.float32]:
        """Labels (steps, n, k + m) of the steps since the last call, as the policy saw them."""
        labels = self.expert.take_labels()
        mirrored = self.augmented.take_mirrored()[..., None]
        if len(self.mirror_signs):
            labels *= np.where(mirrored, np.asarray(self.mirror_signs), 1.0)
        return labels

    def dismiss(self) -> None:
        """Stop labelling."""
        self.augmented.remembers_mirrored = False
        self.expert.dismiss()
