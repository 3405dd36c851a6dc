"""Progress, laps and stalls of a car that somebody else moves, by the embedded world's rules."""

from __future__ import annotations

import numpy as np

from agent.simulator import track_progress, vehicle
from agent.simulator.tracks import Scene, Track
from agent.simulator.typing import Array

POSE = [vehicle.X, vehicle.Z, vehicle.YAW]


class Odometer:
    """Follows one car along a track by its positions, with the embedded world's kernels."""

    def __init__(self, scene: Scene, track: Track) -> None:
        self.scene = scene
        self.track = track
        self._car_state: Array = np.zeros(vehicle.STATE_SIZE)
        self._progress_state: Array = np.zeros(track_progress.PROGRESS_SIZE)

    def start(self, x_u: float, z_u: float, yaw: float) -> None:
        """Begin at this pose.

        :param x_u: Unity units
        :param z_u: Unity units
        :param yaw: radians clockwise from +z
        """
        track = self.track
        self._car_state[POSE] = x_u, z_u, yaw
        self._progress_state[:] = 0.0
        self._progress_state[track_progress.NODE] = track.nearest_node(x_u, z_u)
        track_progress.locate(self._car_state, self._progress_state, track.line)
        self.lap_times: list[float] = []
        self._line_ahead_u = self._start_line_ahead(x_u, z_u)

    def _start_line_ahead(self, x_u: float, z_u: float) -> float:
        line = self.scene.start_line
        if line is None:
            return 0.0
        ahead_u = self.track.arc_of(line["x"], line["z"]) - self.track.arc_of(x_u, z_u)
        return ahead_u % self.track.length_u

    def advance(self, x_u: float, z_u: float, yaw: float, elapsed_sec: float) -> None:
        """Take note of where the car is now.

        :param x_u: Unity units
        :param z_u: Unity units
        :param yaw: radians clockwise from +z
        :param elapsed_sec: since the last call
        """
        crossings = self._progress_state[track_progress.CROSSINGS]
        self._car_state[POSE] = x_u, z_u, yaw
        track_progress.update_progress(
            self._car_state,
            self._progress_state,
            self.track.line,
            self._line_ahead_u,
            elapsed_sec,
        )
        if self._progress_state[track_progress.CROSSINGS] > max(crossings, 1.0):
            lap_sec = float(self._progress_state[track_progress.LAP_SEC])
            self.lap_times.append(round(lap_sec, 2))

    @property
    def line_ahead_u(self) -> float:
        """Net advance since the start at which the start line is first crossed, u."""
        return self._line_ahead_u

    @property
    def net_u(self) -> float:
        """Net advance along the centre line since the start, u."""
        return float(self._progress_state[track_progress.NET])

    @property
    def cte(self) -> float:
        """Cross-track error in u, positive right of the path."""
        return float(self._progress_state[track_progress.CTE])

    @property
    def progress(self) -> float:
        """Net laps along the centre line since the start."""
        return self.net_u / self.track.length_u

    @property
    def stalled_sec(self) -> float:
        """Seconds since the last net progress."""
        state = self._progress_state
        return float(state[track_progress.CLOCK_SEC] - state[track_progress.BEST_AT_SEC])

    @property
    def finished(self) -> bool:
        """True at the end of an open road."""
        arc_u = float(self._progress_state[track_progress.ARC])
        return not self.track.closed and arc_u >= self.track.length_u - track_progress.END_U
