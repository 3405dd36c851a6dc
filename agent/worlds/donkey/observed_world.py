"""A client of the headless simulator drives, and a recorder observes: how a person demonstrates.

The server moves the car. After each of its steps the recorder's environment looks at the same world
and ends the episode by its own rules; then the car is put back on the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.simulator.appearance import Appearance
from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.remote_car import RemoteCar
from agent.simulator.telemetry import Telemetry
from agent.simulator.tracks import Scene, Track
from agent.simulator.world import CONTROL_HZ, World
from agent.worlds.donkey.recorded_envs import Recorder


class ObservedWorld:
    """View of a world that somebody else drives: a step or a reset here leaves the car alone."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def scene(self) -> Scene:
        """See ``World``."""
        return self._world.scene

    @property
    def track(self) -> Track:
        """See ``World``."""
        return self._world.track

    @property
    def line_ahead_u(self) -> float:
        """See ``World``."""
        return self._world.line_ahead_u

    def reset(self, *_: Any, **__: Any) -> None:
        """Do nothing: that is the driver's business."""

    def step(self, *_: float) -> Telemetry:
        """Telemetry after the driver's last step."""
        return self.telemetry()

    def telemetry(self) -> Telemetry:
        """See ``World``."""
        return self._world.telemetry()

    def render(self, out: NDArray[np.uint8], view: View) -> None:
        """See ``World``."""
        self._world.render(out, view)

    def lidar(self, config: LidarConfig) -> list[tuple[float, float, float]]:
        """See ``World``."""
        return self._world.lidar(config)

    def set_appearance(self, appearance: Appearance | None) -> None:
        """See ``World``; the driver sees it too."""
        self._world.set_appearance(appearance)


class RecordedCar(RemoteCar):
    """A client's car whose drives are kept; an episode begins with the first throttle.

    :param scene: name of the scene
    :param seed: draws a random road
    :param slot: place on the start grid
    :param make_recorder: makes the recording environment that looks at this car's world
    :param on_episode_end: called with the number of episodes when one has ended; returns whether
        that was the last
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
        self._recorder = make_recorder(ObservedWorld(self.world))
        self._on_episode_end = on_episode_end
        self._full = False

    def drive(self) -> None:
        """Let 0.05 s pass; before the first throttle the car waits, and no stall is counted."""
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
