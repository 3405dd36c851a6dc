"""Recorded drives: what somebody did at the wheel, as a file that a learner can be shown.

A file is NumPy's compressed ``.npz`` (docs/donkeycar.md lists its arrays). It holds commands, not
actions, and the car's telemetry beside the simulator's reward. So a trial with other action bins or
another reward can still use it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agent.config.atomic import replacing

FORMAT = 2
# Arrays with one row a step, and with one more an episode: the last row is the state at its end.
STEPS = ("commands", "rewards", "terminated")
MOMENTS = ("observations", "speed", "cte", "progress", "net_progress_m", "pos")
TELEMETRY = MOMENTS[1:]
ARRAYS = ("lengths", *STEPS, *MOMENTS)

Episode = dict[str, list[Any]]


@dataclass(frozen=True)
class Demonstration:
    """Episodes one after another, n steps in k episodes.

    The arrays of (n + k,) have a row for every moment, the last of an episode after its last step.

    :param header: the environment's id, the observation, the driver, the seed and the conf
    :param lengths: (k,) steps of the episodes
    :param commands: (n, 2) float32, steering and throttle
    :param rewards: (n,) the simulator's own
    :param terminated: (n,) bool, False at an end by the step limit or the road's
    :param observations: (n + k, ...) uint8
    :param speed: (n + k,) m/s
    :param cte: (n + k,) u
    :param progress: (n + k,) laps
    :param net_progress_m: (n + k,) metres
    :param pos: (n + k, 3) metres
    """

    header: dict[str, Any]
    lengths: NDArray[np.int64]
    commands: NDArray[np.float32]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    observations: NDArray[np.uint8]
    speed: NDArray[np.float64]
    cte: NDArray[np.float64]
    progress: NDArray[np.float64]
    net_progress_m: NDArray[np.float64]
    pos: NDArray[np.float64]

    @property
    def steps(self) -> int:
        """Steps of all episodes."""
        return len(self.commands)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        :raises OSError: it cannot be written
        """
        arrays = {name: getattr(self, name) for name in ARRAYS}
        header = np.array(json.dumps({"format": FORMAT, **self.header}))
        with replacing(path) as scratch, scratch.open("wb") as file:
            np.savez_compressed(file, header=header, **arrays)

    @classmethod
    def load(cls, path: Path) -> Demonstration:
        """Read a file.

        :raises ValueError: it is missing or no recorded drive
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                read = cls(header=header, **{name: file[name] for name in ARRAYS})
        except FileNotFoundError:
            raise ValueError(
                f"demonstrations {path} do not exist; record them with record_drive.py"
            ) from None
        except Exception as error:  # whatever numpy, zip and JSON find wrong with it
            raise ValueError(
                f"{path} is no recorded drive ({error}); record one with record_drive.py"
            ) from error
        if header.get("format") != FORMAT or not read._is_whole():
            raise ValueError(
                f"{path} is a recorded drive of another format or torn;"
                " record it with record_drive.py"
            )
        return read

    def _is_whole(self) -> bool:
        """True if every array has the rows that the episodes' lengths ask for."""
        steps = int(self.lengths.sum())
        rows = dict.fromkeys(STEPS, steps) | dict.fromkeys(MOMENTS, steps + len(self.lengths))
        return all(len(getattr(self, name)) == count for name, count in rows.items())


def demonstration(header: dict[str, Any], episodes: list[Episode]) -> Demonstration:
    """The episodes that a ``Recorder`` has recorded.

    :raises ValueError: there is none
    """
    if not episodes:
        raise ValueError("no episode was driven to its end; nothing is recorded")
    arrays = {
        name: np.array([row for episode in episodes for row in episode[name]])
        for name in (*STEPS, *MOMENTS)
    }
    arrays["rewards"] = arrays["rewards"].astype(np.float32)
    lengths = np.array([len(episode["commands"]) for episode in episodes])
    return Demonstration(header=header, lengths=lengths, **arrays)


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


def rescaled(commands: NDArray[np.float32], low: Any, high: Any) -> NDArray[np.float32]:
    """Commands as actions in [-1, 1].

    :param commands: steering and throttle (..., 2), clipped to the limits
    :param low: least commands (2,)
    :param high: largest commands (2,)
    """
    low = np.asarray(low, dtype=np.float32)
    high = np.asarray(high, dtype=np.float32)
    actions = 2.0 * (np.clip(commands, low, high) - low) / (high - low) - 1.0
    return np.asarray(actions, dtype=np.float32)


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
