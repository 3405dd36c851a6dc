"""Reports of the car after a step, in upstream's units and names.

Speeds, positions and accelerations are in metres as in the Unity simulator, ``cte`` is in Unity
units, positive to the right of the path.
"""

from __future__ import annotations

import math

from agent.simulator import vehicle
from agent.simulator.built_scene import BuiltScene
from agent.simulator.track_progress import (
    ACROSS,
    ARC,
    BEST_AT_SEC,
    CLOCK_SEC,
    CROSSINGS,
    CTE,
    END_U,
    HEIGHT_U,
    HIT,
    NET,
    NODE,
    UPHILL,
)

UNITS_PER_METRE = 8.0

Triple = tuple[float, float, float]


class Telemetry:
    """One report. Each value is computed when it is read.

    :param car_state: see ``vehicle``
    :param progress_state: see ``track_progress``
    :param built: the scene that the car drives in
    :param lap_times: seconds, start line to start line
    """

    __slots__ = ("_built", "_car", "_progress", "lap_times")

    def __init__(
        self,
        car_state: list[float],
        progress_state: list[float],
        built: BuiltScene,
        lap_times: list[float],
    ) -> None:
        self._car = car_state
        self._progress = progress_state
        self._built = built
        self.lap_times = lap_times

    @property
    def pos(self) -> Triple:
        """Metres, y up."""
        return (
            self._car[vehicle.X] / UNITS_PER_METRE,
            self._progress[HEIGHT_U] / UNITS_PER_METRE,
            self._car[vehicle.Z] / UNITS_PER_METRE,
        )

    @property
    def cte(self) -> float:
        """Cross-track error in u, positive right of the path."""
        return self._progress[CTE]

    @property
    def speed(self) -> float:
        """Metres a second over the ground."""
        return math.hypot(self._car[vehicle.FORWARD], self._car[vehicle.SIDE]) / UNITS_PER_METRE

    @property
    def forward_vel(self) -> float:
        """Metres a second along the car."""
        return self._car[vehicle.FORWARD] / UNITS_PER_METRE

    @property
    def vel(self) -> Triple:
        """Metres a second in the car's frame: right, up, forward."""
        return self._car[vehicle.SIDE] / UNITS_PER_METRE, 0.0, self.forward_vel

    @property
    def accel(self) -> Triple:
        """Metres a second squared in the car's frame: right, up, forward."""
        right_u = self._car[vehicle.ACCEL_SIDE]
        forward_u = self._car[vehicle.ACCEL_FORWARD]
        return right_u / UNITS_PER_METRE, 0.0, forward_u / UNITS_PER_METRE

    @property
    def gyro(self) -> Triple:
        """Radians a second about right, up, forward."""
        return 0.0, self._car[vehicle.YAW_RATE], 0.0

    @property
    def car(self) -> Triple:
        """Roll (right side up positive), pitch (nose down positive) and yaw in degrees."""
        roll_deg = math.degrees(math.atan(self._progress[ACROSS])) % 360.0
        pitch_deg = -math.degrees(math.atan(self._progress[UPHILL])) % 360.0
        return roll_deg, pitch_deg, math.degrees(self._car[vehicle.YAW]) % 360.0

    @property
    def hit(self) -> str:
        """The simulator's name of what the car touches, ``none`` for nothing."""
        if self._progress[HIT] < 0:
            return "none"
        return self._built.obstacles.names[int(self._progress[HIT])]

    @property
    def progress(self) -> float:
        """Net laps along the centre line since the start."""
        return self._progress[NET] / self._built.track.length_u

    @property
    def laps(self) -> int:
        """Number of whole laps in ``progress``."""
        return max(0, int(self.progress))

    @property
    def lap_count(self) -> int:
        """Laps from start line to start line."""
        return max(0, self.line_crossings - 1)

    @property
    def line_crossings(self) -> int:
        """Number of times that the start line was crossed, going round forwards."""
        return int(self._progress[CROSSINGS])

    @property
    def active_node(self) -> int:
        """Index of the centre line's node nearest to the car, of ``total_nodes``."""
        return int(self._progress[NODE])

    @property
    def total_nodes(self) -> int:
        """Nodes of the centre line."""
        return len(self._built.track.nodes)

    @property
    def last_lap_time(self) -> float:
        """Seconds, 0 before the first."""
        return self.lap_times[-1] if self.lap_times else 0.0

    @property
    def stalled_sec(self) -> float:
        """Seconds since the last net progress."""
        return self._progress[CLOCK_SEC] - self._progress[BEST_AT_SEC]

    @property
    def finished(self) -> bool:
        """True where the end of an open road is reached."""
        track = self._built.track
        return not track.closed and self._progress[ARC] >= track.length_u - END_U
