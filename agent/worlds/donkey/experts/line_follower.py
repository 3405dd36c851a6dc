"""A driver written by hand who knows where the car is: it follows a line at the line's speeds.

On the centre line, at a modest speed, it is the line follower, the floor that a trained driver should beat. On the race
line it drives the reference lap, the quickest that the same car can be expected to do.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from agent.simulator import vehicle
from agent.simulator.obstacles import Obstacles
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.world import UNITS_PER_METRE, Telemetry, World
from agent.worlds.donkey.experts.race_line import DRAG, FULL_FORCE, Line, centre_line, race_line

Command = tuple[float, float]

PREVIEW_SEC = (
    0.075  # a command acts in the middle of its step, and the car's yaw follows after 0.04 s
)
CORRECTION_SEC, CORRECTION_U = (
    0.25,
    3.0,
)  # an error shrinks within so much time, or way where that is more
SPEEDING_UP_SEC = 0.1  # the speed ahead is aimed at in this time
# The line follower drives gently: a sixth of the grip, half the throttle, at most 2.5 m/s.
GENTLE = {"grip": 0.15, "throttle": 0.5, "fastest_u": 2.5 * UNITS_PER_METRE}
MARGIN_U = 1.0  # the race line keeps so far from the cross-track error that ends an episode
# The race line is laid for less grip than the tyres have, the rest keeps the car on it.
RACE_GRIP = 1.0


@njit(cache=True)
def steering_for(
    bend: float, aside_u: float, turned: float, settle_u: float
) -> float:  # pragma: no cover - compiled
    """Steering, full lock being 1, that asks for the curvature k - e/d^2 - 2 sin(h)/d: e dies away, critically damped.

    :param bend: k, the line's curvature a little ahead, 1/u
    :param aside_u: e, the car's distance right of the line, u
    :param turned: h, its heading against the line, radians
    :param settle_u: d, the way over which e dies away, u
    """
    bend -= aside_u / settle_u**2 + 2.0 * math.sin(turned) / settle_u
    return math.atan(bend * vehicle.WHEELBASE_U) / vehicle.STEER_MAX


@njit(cache=True)
def throttle_for(
    wanted_u: float, speed_u: float, uphill: float, within_sec: float
) -> float:  # pragma: no cover - compiled
    """Throttle, the whole being 1, that brings the car from ``speed_u`` to ``wanted_u`` (u/s) in that time."""
    accel = (wanted_u - speed_u) / within_sec + vehicle.GRAVITY_U * uphill
    force = vehicle.MASS * accel + DRAG * speed_u
    return force / (FULL_FORCE * vehicle.torque_factor(speed_u))


class LineFollower:
    """Steers and drives along ``line``, forgetting where on it the car is at ``restart``.

    How is the business of ``steering_for`` and ``throttle_for``.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.restart()

    def restart(self) -> None:
        """The car is somewhere else now."""
        self._at: int | None = None

    def command(self, seen: Telemetry) -> Command:
        """Steering in [-1, 1] and throttle in [0, 1] for what the car reports."""
        line = self.line
        x, z = seen.pos[0] * UNITS_PER_METRE, seen.pos[2] * UNITS_PER_METRE
        yaw, speed_u = math.radians(seen.car[2]), max(seen.forward_vel, 0.0) * UNITS_PER_METRE
        i = self._nearest(x, z)
        dx, dz, heading = x - line.points[i, 0], z - line.points[i, 1], float(line.heading[i])
        arc_u = float(line.arc_u[i]) + dx * math.sin(heading) + dz * math.cos(heading)
        heading = self._ahead(line.heading, arc_u) if line.closed else heading
        aside_u = dx * math.cos(heading) - dz * math.sin(heading)
        turned = (yaw - heading + math.pi) % (2.0 * math.pi) - math.pi
        settle_u = max(CORRECTION_U, speed_u * CORRECTION_SEC)
        bend = self._ahead(line.curvature, arc_u + PREVIEW_SEC * speed_u)
        steering = steering_for(bend, aside_u, turned, settle_u)
        return min(max(steering, -1.0), 1.0), self._throttle(
            arc_u, speed_u, math.tan(math.radians(-seen.car[1]))
        )

    def _throttle(self, arc_u: float, speed_u: float, uphill: float) -> float:
        wanted_u = self._ahead(self.line.speed_u, arc_u + SPEEDING_UP_SEC * max(speed_u, 4.0))
        return min(max(throttle_for(wanted_u, speed_u, uphill, SPEEDING_UP_SEC), 0.0), 1.0)

    def _nearest(self, x: float, z: float) -> int:
        """The line's nearest point, near the last one, for another leg may be closer."""
        points, n = self.line.points, len(self.line.points)
        if self._at is None:
            near = np.arange(n)
        else:
            near = np.arange(self._at - 20, self._at + 40)
            near = near % n if self.line.closed else near.clip(0, n - 1)
        distance2 = (points[near, 0] - x) ** 2 + (points[near, 1] - z) ** 2
        self._at = int(near[int(np.argmin(distance2))])
        return self._at

    def _ahead(self, values: np.ndarray, arc_u: float) -> float:
        """``values`` of the line's points, interpolated at ``arc_u``."""
        line = self.line
        if not line.closed:
            return float(np.interp(arc_u, line.arc_u, values))
        arc_u %= line.length_u
        i = int(np.searchsorted(line.arc_u, arc_u, side="right")) - 1
        j = (i + 1) % len(values)
        span = (line.arc_u[j] if j else line.length_u) - line.arc_u[i]
        share = (arc_u - line.arc_u[i]) / span
        step = values[j] - values[i]
        if values is line.heading:
            step = (step + math.pi) % (2.0 * math.pi) - math.pi
        return float(values[i] + share * step)


def line_follower(world: World) -> LineFollower:
    """The floor: the centre line of the world's track, gently."""
    return LineFollower(centre_line(world.track, **GENTLE))


@lru_cache(maxsize=32)
def reference_line(scene: str, max_cte: float = 8.0, throttle: float = 1.0) -> Line:
    """The race line of a named closed track, some seconds' work.

    :param max_cte: cross-track error that ends an episode, u
    :param throttle: largest throttle command
    :raises ValueError: no such scene, or an open road
    """
    loaded = load_scene(scene)
    track = build_track(loaded)
    return race_line(
        track, Obstacles(loaded, track), max_cte - MARGIN_U, grip=RACE_GRIP, throttle=throttle
    )


def drive_laps(world: World, driver: LineFollower, laps: int, max_cte: float = 8.0) -> list[float]:
    """Times in seconds of laps from start line to start line, the first of them after a standing start's.

    :returns: as many as ``laps``, or fewer where the car leaves the road, hits something or stands still first
    """
    world.reset()
    driver.restart()
    seen = world.telemetry()
    while (
        len(seen.lap_times) < laps
        and abs(seen.cte) <= max_cte
        and seen.hit == "none"
        and seen.stalled_sec < 5.0
    ):
        seen = world.step(*driver.command(seen))
    return seen.lap_times[:laps]
