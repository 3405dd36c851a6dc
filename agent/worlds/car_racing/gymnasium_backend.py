"""The installed Gymnasium's CarRacing-v3, unpatched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.backend import Moved
from agent.worlds.car_racing.exact.car import CAR, WHEELS
from agent.worlds.car_racing.observation import Window, observe

ENV_ID = "CarRacing-v3"


class GymnasiumBackend:
    """Environments of ``gymnasium.make("CarRacing-v3")``, stepped one after the other.

    :param n: how many
    :param window: that a learner sees
    :param domain_randomize: other colours in every episode
    """

    def __init__(self, n: int, window: Window, domain_randomize: bool = False) -> None:
        # Drawing needs no screen.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        self.window = window
        self.envs = [
            gymnasium.make(ENV_ID, domain_randomize=domain_randomize, disable_env_checker=True)
            for _ in range(n)
        ]
        self.cars: NDArray[np.void] = np.zeros(n, dtype=CAR)
        self._frames: list[NDArray[np.uint8]] = [np.zeros(0, dtype=np.uint8)] * n

    def restart(self, k: int, seed: int) -> None:
        """See ``Backend``."""
        self._frames[k], _ = self.envs[k].reset(seed=seed)
        self._read(k)

    def centre_line(self, k: int) -> NDArray[np.float64]:
        """See ``Backend``."""
        return np.array([(x, y) for _, _, x, y in self._game(k).track])

    def advance(self, commands: NDArray[np.float64], frames: NDArray[np.int64]) -> Moved:
        """See ``Backend``.

        :param commands: steering, gas and brake (n, 3)
        :param frames: how many at most (n,)
        """
        n = len(self.envs)
        moved = Moved(np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_))
        for k, env in enumerate(self.envs):
            while moved.frames[k] < frames[k] and not moved.terminated[k]:
                self._frames[k], reward, moved.terminated[k], _, _ = env.step(commands[k])
                moved.rewards[k] += float(reward)
                moved.frames[k] += 1
            self._read(k)
        return moved

    def observe(self, out: NDArray[np.uint8], which: Sequence[int]) -> None:
        """See ``Backend``.

        :param out: pictures (cars, channels, rows, columns)
        :param which: numbers of these cars
        """
        for picture, k in zip(out, which, strict=True):
            observe(self._frames[k], self.window, picture)

    def picture(self, k: int) -> NDArray[np.uint8]:
        """See ``Backend``."""
        return self._frames[k]

    def close(self) -> None:
        """See ``Backend``."""
        for env in self.envs:
            env.close()

    def _game(self, k: int) -> Any:
        return self.envs[k].unwrapped

    def _read(self, k: int) -> None:
        """Reads the state of the ``k``-th car."""
        game = self._game(k)
        car = self.cars[k]
        for number, body in enumerate([game.car.hull, *game.car.wheels]):
            car["position"][number] = body.position
            car["angle"][number] = body.angle
            car["velocity"][number] = body.linearVelocity
            car["yaw_rate"][number] = body.angularVelocity
        for wheel in range(WHEELS):
            car["spin"][wheel] = game.car.wheels[wheel].omega
            car["phase"][wheel] = game.car.wheels[wheel].phase
        car["time"] = game.t
        car["reward"] = game.reward
        car["visited"] = game.tile_visited_count
        car["tiles"] = len(game.track)
