"""A car that a client of the headless simulator drives while a recorder sits beside: how a person demonstrates.

The server moves the car as ever. After each of its steps the passenger's environment looks at the same world, pays and
ends the episode by its own rules, and the car is put back on the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from agent.simulator.remote_car import RemoteCar
from agent.simulator.world import CONTROL_HZ, Telemetry, World
from agent.worlds.donkey.demonstrations import Recorder


class ObservedWorld(World):
    """Another way to look at ``world``: the same car on the same road, which a step or a reset here leaves alone."""

    def __init__(self, world: World) -> None:
        self.__dict__ = world.__dict__

    def reset(self, *_: Any, **__: Any) -> None:
        """Nothing: the driver does that."""

    def step(self, *_: float) -> Telemetry:
        """What the driver's last step came to."""
        return self.telemetry()


class RecordedCar(RemoteCar):
    """A client's car whose drives are kept; an episode begins with the first throttle.

    :param make_recorder: makes the recording environment that looks at this passenger's world
    :param on_episode_end: called with the number of episodes when one has ended; returns whether that was the last
    """

    _driving = False

    def __init__(
        self,
        scene: str,
        seed: int,
        slot: int,
        make_recorder: Callable[[ObservedWorld], Recorder],
        on_episode_end: Callable[[int], bool],
    ) -> None:
        super().__init__(scene, seed, slot)
        self._recorder, self._on_episode_end = (
            make_recorder(ObservedWorld(self.world)),
            on_episode_end,
        )
        self._full = False

    def drive(self) -> None:
        """Let 0.05 s pass; before the first throttle the car waits without growing impatient."""
        if not self._driving:
            if self.throttle == 0.0 or self._full:
                self.time_sec += 1 / CONTROL_HZ
                return
            self._recorder.reset()
            self._driving = True
        super().drive()
        command = np.array([self.steering, self.throttle - self.brake], dtype=np.float32)
        _, _, terminated, truncated, _ = self._recorder.step(self._recorder.action_of(command))
        if terminated or truncated:
            self._start()
            self._full = self._on_episode_end(len(self._recorder.episodes))

    def _start(self) -> None:
        """On the start pose; an episode that the client breaks off is forgotten."""
        self._driving = False
        super()._start()
