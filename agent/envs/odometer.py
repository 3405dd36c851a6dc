"""Progress, laps and stalls of a car that somebody else moves, by the embedded world's rules."""

from __future__ import annotations

import numpy as np

from agent.simulator import vehicle, world
from agent.simulator.tracks import Array, Scene, Track


class Odometer:
    """Follows one car along ``track`` from its positions alone.

    The foot of the car on the centre line is found by the world's own kernel; what it makes of the advance is
    counted here once a telemetry, where the world counts once a tick.
    """

    def __init__(self, scene: Scene, track: Track) -> None:
        self.scene, self.track = scene, track
        self._car: Array = np.zeros(vehicle.STATE_SIZE)
        self._way: Array = np.zeros(world.WAY_SIZE)

    def start(self, x_u: float, z_u: float, yaw: float) -> None:
        """Begin at this place: Unity units and radians clockwise from +z."""
        track, line = self.track, self.scene.start_line
        self._way[world.NODE] = track.nearest_node(x_u, z_u)
        self._locate(x_u, z_u, yaw)
        self.net_u = self._best_net_u = 0.0
        self._clock_sec = self._best_at_sec = self._crossed_at_sec = 0.0
        self._crossings = 0
        self.lap_times: list[float] = []
        ahead_u = 0.0 if line is None else track.arc_of(line["x"], line["z"]) - track.arc_of(x_u, z_u)
        self._line_ahead_u = ahead_u % track.length_u

    def advance(self, x_u: float, z_u: float, yaw: float, elapsed_sec: float) -> None:
        """The car is here now, ``elapsed_sec`` after the last call."""
        length_u, before = self.track.length_u, self._way[world.ARC]
        self._locate(x_u, z_u, yaw)
        moved = float(self._way[world.ARC] - before)
        if self.track.closed:
            moved -= length_u * round(moved / length_u)
        self.net_u += moved
        self._clock_sec += elapsed_sec
        if self.net_u >= self._best_net_u + world.PROGRESS_QUANTUM_U:
            self._best_net_u, self._best_at_sec = self.net_u, self._clock_sec
        past_u = self.net_u - self._line_ahead_u - self._crossings * length_u
        if self.track.closed and past_u >= 0.0:
            now = self._clock_sec - min(past_u / max(moved, 1e-9), 1.0) * elapsed_sec
            if self._crossings:
                self.lap_times.append(round(now - self._crossed_at_sec, 2))
            self._crossed_at_sec = now
            self._crossings += 1

    @property
    def cte(self) -> float:
        """Cross-track error in u, positive right of the path."""
        return float(self._way[world.CTE])

    @property
    def progress(self) -> float:
        """Net laps along the centre line since the start."""
        return self.net_u / self.track.length_u

    @property
    def stalled_sec(self) -> float:
        """Seconds since the last net progress."""
        return self._clock_sec - self._best_at_sec

    @property
    def finished(self) -> bool:
        """Whether the end of an open road is reached."""
        return not self.track.closed and bool(self._way[world.ARC] >= self.track.length_u - world.END_U)

    def _locate(self, x_u: float, z_u: float, yaw: float) -> None:
        track = self.track
        self._car[[vehicle.X, vehicle.Z, vehicle.YAW]] = x_u, z_u, yaw
        world._locate(
            self._car, self._way, track.nodes, track.direction, track.arc_u, track.closed, track.length_u
        )  # fmt: skip
