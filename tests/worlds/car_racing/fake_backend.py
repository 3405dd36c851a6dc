"""Cars on circles, moved by a rule that a test can foretell, behind the backends' protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.backend import Moved
from agent.worlds.car_racing.exact.car import CAR

TILES = 40
RADIUS = 100.0  # units


class FakeBackend:
    """A frame with gas visits the next tile; full brake leaves the field.

    What a learner sees is ``shade`` all over.

    :param n: cars
    """

    def __init__(self, n: int) -> None:
        self.cars: NDArray[np.void] = np.zeros(n, dtype=CAR)
        self.restarts: list[list[int]] = [[] for _ in range(n)]  # seeds of every car's episodes
        self.drawn: list[list[int]] = []
        self.closed = False

    def restart(self, k: int, seed: int) -> None:
        self.restarts[k].append(seed)
        self.cars[k] = 0
        self.cars[k]["tiles"] = TILES
        self._place(k)

    def _place(self, k: int) -> None:
        car = self.cars[k]
        angle = 2.0 * np.pi * car["visited"] / TILES
        car["position"][0] = RADIUS * np.array([np.cos(angle), np.sin(angle)])
        car["angle"][0] = angle
        car["velocity"][0] = 50.0 * np.array([-np.sin(angle), np.cos(angle)])

    def centre_line(self, k: int) -> NDArray[np.float64]:
        angles = 2.0 * np.pi * np.arange(TILES) / TILES
        return RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def advance(self, commands: NDArray[np.float64], frames: NDArray[np.int64]) -> Moved:
        n = len(self.cars)
        moved = Moved(np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_))
        for k, car in enumerate(self.cars):
            while moved.frames[k] < frames[k] and not moved.terminated[k]:
                moved.frames[k] += 1
                car["time"] += 0.02
                car["steps"] += 1
                moved.rewards[k] -= 0.1
                if commands[k, 1] > 0.0:
                    car["visited"] += 1
                    moved.rewards[k] += 1000.0 / TILES
                if commands[k, 2] == 1.0:
                    moved.rewards[k] -= 100.0
                    moved.terminated[k] = True
                moved.terminated[k] |= car["visited"] == TILES
            self._place(k)
        return moved

    def shade(self, k: int) -> int:
        """Grey of the ``k``-th car's picture now."""
        return (7 * self.restarts[k][-1] + int(self.cars[k]["steps"])) % 256

    def observe(self, out: NDArray[np.uint8], which: Sequence[int]) -> None:
        self.drawn.append(list(which))
        for picture, k in zip(out, which, strict=True):
            picture[:] = self.shade(k)

    def picture(self, k: int) -> NDArray[np.uint8]:
        return np.full((96, 96, 3), self.shade(k), dtype=np.uint8)

    def close(self) -> None:
        self.closed = True


class Constant:
    """A policy with one action."""

    def __init__(self, *action: float) -> None:
        self.action = action

    def predict(self, observation: Any, *_: Any, **__: Any) -> tuple[NDArray[np.float32], None]:
        """The action, for each observation."""
        return np.tile(np.array(self.action, dtype=np.float32), (len(observation), 1)), None
