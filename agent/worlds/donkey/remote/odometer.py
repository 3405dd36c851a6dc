"""Progress, laps and stalls of a car that somebody else moves, by the embedded world's rules."""

from __future__ import annotations

import numpy as np

from agent.simulator import track_progress, vehicle
from agent.simulator.tracks import Array, Scene, Track


class Odometer:
    """Follows one car along ``track`` from its positions alone, by the kernels that the embedded world uses."""

    def __init__(self, scene: Scene, track: Track) -> None:
        self.scene, self.track = scene, track
        self._car: Array = np.zeros(vehicle.STATE_SIZE)
        self._way: Array = np.zeros(track_progress.PROGRESS_SIZE)

    def start(self, x_u: float, z_u: float, yaw: float) -> None:
        """Begin at this place: Unity units and radians clockwise from +z."""
        track, line = self.track, self.scene.start_line
        self._car[[vehicle.X, vehicle.Z, vehicle.YAW]] = x_u, z_u, yaw
        self._way[:] = 0.0
        self._way[track_progress.NODE] = track.nearest_node(x_u, z_u)
        track_progress.locate(
            self._car, self._way, track.nodes, track.direction, track.arc_u, track.closed, track.length_u
        )  # fmt: skip
        self.lap_times: list[float] = []
        ahead_u = (
            0.0 if line is None else track.arc_of(line["x"], line["z"]) - track.arc_of(x_u, z_u)
        )
        self._line_ahead_u = ahead_u % track.length_u

    def advance(self, x_u: float, z_u: float, yaw: float, elapsed_sec: float) -> None:
        """The car is here now, ``elapsed_sec`` after the last call."""
        track, crossings = self.track, self._way[track_progress.CROSSINGS]
        self._car[[vehicle.X, vehicle.Z, vehicle.YAW]] = x_u, z_u, yaw
        track_progress.update_progress(
            self._car, self._way, elapsed_sec, track.nodes, track.direction, track.arc_u, track.length_u,
            track.closed, self._line_ahead_u,
        )  # fmt: skip
        if self._way[track_progress.CROSSINGS] > max(crossings, 1.0):
            self.lap_times.append(round(float(self._way[track_progress.LAP_SEC]), 2))

    @property
    def line_ahead_u(self) -> float:
        """Net advance since the start at which the start line is first crossed, u."""
        return self._line_ahead_u

    @property
    def net_u(self) -> float:
        """Net advance along the centre line since the start, u."""
        return float(self._way[track_progress.NET])

    @property
    def cte(self) -> float:
        """Cross-track error in u, positive right of the path."""
        return float(self._way[track_progress.CTE])

    @property
    def progress(self) -> float:
        """Net laps along the centre line since the start."""
        return self.net_u / self.track.length_u

    @property
    def stalled_sec(self) -> float:
        """Seconds since the last net progress."""
        return float(self._way[track_progress.CLOCK_SEC] - self._way[track_progress.BEST_AT_SEC])

    @property
    def finished(self) -> bool:
        """Whether the end of an open road is reached."""
        return not self.track.closed and bool(
            self._way[track_progress.ARC] >= self.track.length_u - track_progress.END_U
        )
