"""CarRacing side by side, as Stable-Baselines3 wants it, over any backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.worlds.base import SEED_BAND
from agent.worlds.capabilities import Sight
from agent.worlds.car_racing.actions import Actions
from agent.worlds.car_racing.backend import FRAME_REWARD, MOST_FRAMES, Backend
from agent.worlds.car_racing.exact.car import speeds_of
from agent.worlds.car_racing.teacher import Teacher
from agent.worlds.car_racing.training_rules import TrainingRules
from agent.worlds.frame_stack import FrameStacks

NO_RULES = TrainingRules()


class CarRacingVecEnv(VecEnv):
    """Cars side by side; it is its own expert where it has a teacher, see ``capabilities.Expert``.

    Every episode has a seed of its own, which is in its infos: that of the car's first episode, and
    ``n`` more for each after it.

    :param backend: moves and draws the cars
    :param shape: channels, rows and columns of a picture
    :param stack: pictures of an observation, and decisions from one to the next
    :param actions: of the learner
    :param repeat: frames that a decision is held for
    :param rules: of episodes, beside Gymnasium's
    :param teacher: labels every step; None for none
    :param is_symmetric: a mirrored picture is the mirrored scene's
    """

    render_mode: str | None = None

    def __init__(
        self,
        backend: Backend,
        shape: tuple[int, int, int],
        stack: tuple[int, int],
        actions: Actions,
        repeat: int,
        rules: TrainingRules = NO_RULES,
        teacher: Teacher | None = None,
        is_symmetric: bool = True,
    ) -> None:
        n = len(backend.cars)
        frames, gap = stack
        channels, rows, columns = shape
        self.backend = backend
        self.actions = actions
        self.repeat = repeat
        self.rules = rules
        self.teacher = teacher
        self.is_symmetric = is_symmetric
        self.stacks = FrameStacks(n, frames, gap, shape)
        self._seed_of = np.arange(n)
        self._frames = np.zeros(n, dtype=np.int64)
        self._best_tiles = np.zeros(n, dtype=np.int64)
        self._best_at = np.zeros(n, dtype=np.int64)  # frames at the last new tile
        self._decisions = 0  # of all cars
        self._labels: list[NDArray[np.float32]] = []
        self._commands = np.zeros((n, 3))
        space = spaces.Box(0, 255, (frames * channels, rows, columns), dtype=np.uint8)
        super().__init__(n, space, actions.space)

    def reset(self) -> VecEnvObs:
        for k, seed in enumerate(self._seeds):
            self._restart(k, self._next_seed(k) if seed is None else seed)
        self._reset_seeds()
        self._reset_options()
        everyone = range(self.num_envs)
        self.backend.observe(self.stacks.renewed()[:, -1], everyone)
        self.stacks.fill(everyone)
        return self._observations()

    def _next_seed(self, k: int) -> int:
        """A seed after the last one, in the band of its purpose."""
        band, place = divmod(int(self._seed_of[k]), SEED_BAND)
        return band * SEED_BAND + (place + self.num_envs) % SEED_BAND

    def _restart(self, k: int, seed: int) -> None:
        self.backend.restart(k, seed)
        self._seed_of[k] = seed
        self._frames[k] = 0
        self._best_tiles[k] = 0
        self._best_at[k] = 0
        if self.teacher:
            self.teacher.restart(k, self.backend.centre_line(k))

    def step_async(self, actions: NDArray[Any]) -> None:
        commands = self.actions.commands(actions)
        self._commands = self.actions.with_creep(commands, speeds_of(self.backend.cars))
        if self.teacher:
            taught = self.teacher.commands(self.backend.cars)
            labels = self.actions.of_commands(taught)
            self._labels.append(np.hstack([labels, self.teacher.bearings(self.backend.cars)]))
            self._commands = self.teacher.take_over(self._commands, taught)

    def step_wait(self) -> VecEnvStepReturn:
        due = np.minimum(self.repeat, MOST_FRAMES - self._frames)
        moved = self.backend.advance(self._commands, due)
        self._frames += moved.frames
        tiles = self.backend.cars["visited"]
        self._best_at = np.where(tiles > self._best_tiles, self._frames, self._best_at)
        self._best_tiles = np.maximum(tiles, self._best_tiles)
        truncated = ~moved.terminated & (self._frames >= MOST_FRAMES)
        rules = self.rules
        cars = self.backend.cars
        lost = ~moved.terminated & rules.lost(cars, self._frames - self._best_at)
        dones = moved.terminated | truncated | lost
        ended = moved.terminated
        rewards = moved.rewards
        if rules.speed_cost:
            rewards = rewards - rules.way_cost(cars, moved.frames, self._decisions)
            self._decisions += self.num_envs
        if rules.patience_pays:
            ended = ended | lost
            rewards = rewards + np.where(lost, FRAME_REWARD * (MOST_FRAMES - self._frames), 0.0)
        everyone = range(self.num_envs)
        stacks = self.stacks.advanced()
        self.backend.observe(stacks[:, -1], everyone)
        infos = [self._info(k) for k in everyone]
        if rewards is not moved.rewards:
            for info, reward in zip(infos, moved.rewards, strict=True):
                info["unshaped_reward"] = float(reward)
        over = np.flatnonzero(dones).tolist()
        for k in over:
            infos[k]["TimeLimit.truncated"] = not ended[k]
            infos[k]["end_reason"] = self._end_reason(k, bool(moved.terminated[k]))
            infos[k]["terminal_observation"] = self._observations()[k].copy()
            self._restart(k, self._next_seed(k))
        if over:
            pictures = np.empty((len(over), *stacks.shape[2:]), dtype=np.uint8)
            self.backend.observe(pictures, over)
            stacks[over, -1] = pictures
            self.stacks.fill(over)
        return self._observations(), rewards.astype(np.float32), dones, infos

    def sight(self) -> Sight:
        """The first car, for people who look; see ``capabilities.HasCamera``."""
        car = self.backend.cars[0]
        steering, gas, brake = self._commands[0].tolist()
        gauges = {
            "speed units/s": float(np.hypot(*car["velocity"][0])),
            "steering": steering,
            "throttle": gas - brake,
            "tiles": int(car["visited"]),
        }
        return Sight(self.backend.picture(0), gauges)

    def _info(self, k: int) -> dict[str, Any]:
        car = self.backend.cars[k]
        return {
            "tiles": int(car["tiles"]),
            "tiles_visited": int(car["visited"]),
            "frames": int(self._frames[k]),
            "seed": int(self._seed_of[k]),
            "TimeLimit.truncated": False,
        }

    def _end_reason(self, k: int, terminated: bool) -> str:
        car = self.backend.cars[k]
        if terminated:
            return "lap" if car["visited"] == car["tiles"] else "off_field"
        return "time_limit" if self._frames[k] >= MOST_FRAMES else "no_progress"

    def _observations(self) -> NDArray[np.uint8]:
        return self.stacks.newest.reshape(self.num_envs, *self.observation_space.shape)  # type: ignore[misc]

    @property
    def label_weights(self) -> Sequence[float]:
        """See ``capabilities.Expert``."""
        assert self.teacher
        return [*[1.0 for _ in self.actions.mirror_signs], *self.teacher.bearing_weights]

    @property
    def mirror_signs(self) -> Sequence[float]:
        """See ``capabilities.Expert``; none where a picture has a left and a right of its own."""
        assert self.teacher
        if not self.is_symmetric:
            return []
        return [*self.actions.mirror_signs, *self.teacher.bearing_signs]

    def take_labels(self) -> NDArray[np.float32]:
        """Labels (steps, n, k + m) of every step since the last time."""
        labels = np.stack(self._labels).astype(np.float32)
        self._labels = []
        return labels

    def dismiss(self) -> None:
        """Stops labelling."""
        self.teacher = None

    def close(self) -> None:
        self.backend.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """See ``VecEnv``: the cars have one object for all.

        :param attr_name: of this object
        :param value: for all of them
        :param indices: not used
        """
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *arguments: Any, indices: Any = None, **options: Any
    ) -> list[Any]:
        method = getattr(self, method_name)
        return [method(*arguments, **options) for _ in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper], indices: Any = None
    ) -> list[bool]:
        return [False for _ in self._get_indices(indices)]
