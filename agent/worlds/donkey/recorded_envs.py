"""Environments that record a drive, and that replay one."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agent.worlds.donkey.demonstrations import (
    MOMENTS,
    STEPS,
    TELEMETRY,
    Demonstration,
    Episode,
    rescaled,
)


class Recorder(gymnasium.Wrapper):
    """Keeps all that is driven in an environment.

    :param env: of ``make_env`` under the simulator's reward
    :param episodes: gets every episode that is driven to its end
    """

    def __init__(self, env: gymnasium.Env, episodes: list[Episode]) -> None:
        super().__init__(env)
        self.episodes = episodes
        self._to_command = _action_wrapper(env)
        self._open: Episode | None = None

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; one that has not ended is forgotten."""
        observation, info = self.env.reset(**kwargs)
        self._open = {name: [] for name in (*STEPS, *MOMENTS)}
        self._note(observation, info)
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        assert self._open is not None, "reset comes first"
        command = np.array(self._to_command.action(action), dtype=np.float32)
        for name, value in zip(STEPS, (command, reward, terminated), strict=True):
            self._open[name].append(value)
        self._note(observation, info)
        if terminated or truncated:
            self.episodes.append(self._open)
            self._open = None
        return observation, float(reward), terminated, truncated, info

    def action_of(self, command: NDArray[np.float32]) -> NDArray[np.float32]:
        """The action in [-1, 1]^2 for steering and throttle, or the nearest there is."""
        box = cast(gymnasium.spaces.Box, self.unwrapped.action_space)
        return rescaled(command, box.low, box.high)

    def _note(self, observation: Any, info: dict[str, Any]) -> None:
        assert self._open is not None
        self._open["observations"].append(np.array(observation))
        for name in TELEMETRY:
            self._open[name].append(info[name])


def _action_wrapper(env: gymnasium.Env) -> gymnasium.ActionWrapper:
    """The wrapper that turns the driver's actions into commands."""
    while not isinstance(env, gymnasium.ActionWrapper):
        assert isinstance(env, gymnasium.Wrapper), "make_env's environments have an action wrapper"
        env = env.env
    return env


class Replayed(gymnasium.Env[NDArray[np.uint8], NDArray[np.float32]]):
    """A recorded drive as an environment: actions are ignored, the recorded ones happen.

    Under a trial's reward it pays what that reward would have been. Episodes come in the order of
    the file.
    """

    def __init__(self, drive: Demonstration) -> None:
        self.drive = drive
        shape = drive.observations.shape[1:]
        self.observation_space = gymnasium.spaces.Box(0, 255, shape, dtype=np.uint8)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
        self._episode = -1

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        self._episode = (self._episode + 1) % len(self.drive.lengths)
        self._first = int(self.drive.lengths[: self._episode].sum())
        self._step = 0
        return self._moment()

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        row = self._first + self._step
        self._step += 1
        last = self._step == self.drive.lengths[self._episode]
        terminated = bool(self.drive.terminated[row])
        truncated = bool(last) and not terminated
        observation, info = self._moment()
        return observation, float(self.drive.rewards[row]), terminated, truncated, info

    def _moment(self) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        row = self._first + self._episode + self._step
        info = {name: getattr(self.drive, name)[row] for name in TELEMETRY}
        return self.drive.observations[row], {**info, "end_reason": None}
