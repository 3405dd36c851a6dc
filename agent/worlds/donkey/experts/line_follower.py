"""A scripted driver that knows where the car is: it follows a line at the line's speeds.

On the centre line, at a modest speed, it is the line follower, a baseline that a trained driver
should beat. On the race line it drives the reference lap, the quickest that the same car can be
expected to do.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from agent.simulator import vehicle
from agent.simulator.obstacles import Obstacles
from agent.simulator.telemetry import UNITS_PER_METRE, Telemetry
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.typing import Array
from agent.simulator.world import World
from agent.worlds.donkey.env import STALL_LIMIT_SEC
from agent.worlds.donkey.experts.line import DRAG, FULL_FORCE, Line, centre_line
from agent.worlds.donkey.experts.race_line import race_line

Command = tuple[float, float]

# A command acts in the middle of its step of 0.05 s, and the car's yaw follows after 0.04 s (both
# by the physics), so the curvature is looked up so far ahead.
PREVIEW_SEC = 0.075
# All of these are chosen. An error shrinks within this time, or way where that is more.
CORRECTION_SEC = 0.25
CORRECTION_U = 3.0
SPEEDING_UP_SEC = 0.1  # the speed ahead is aimed at in this time
SLOWEST_PREVIEW_U = 4.0  # u/s, the least speed for which the speed ahead is looked up
# The line follower drives gently: a sixth of the grip, half the throttle, at most 2.5 m/s.
GENTLE = {"grip": 0.15, "throttle": 0.5, "fastest_u": 2.5 * UNITS_PER_METRE}
MARGIN_U = 1.0  # the race line keeps so far from the cross-track error that ends an episode
RACE_GRIP = 1.0  # of the tyres'; the car keeps to the line
# Points of the line behind and ahead of the last one, among which the nearest is looked for:
# another leg of the line may be closer.
POINTS_BEHIND = 20
POINTS_AHEAD = 40


@njit(cache=True)
def steering_for(
    bend: float, aside_u: float, turned: float, settle_u: float
) -> float:  # pragma: no cover - compiled
    """Steering, full lock being 1, for the curvature k - e/d^2 - 2 sin(h)/d.

    So the error e dies away, critically damped.

    :param bend: k, the line's curvature a little ahead, 1/u
    :param aside_u: e, the car's distance right of the line, u
    :param turned: h, its heading against the line, radians
    :param settle_u: d, the way over which e dies away, u
    """
    bend -= aside_u / settle_u**2 + 2.0 * math.sin(turned) / settle_u
    return math.atan(bend * vehicle.WHEELBASE_U) / vehicle.STEER_MAX


@njit(cache=True)
def throttle_for(
    wanted_u: float, speed_u: float, uphill: float, scrub: float, within_sec: float
) -> float:  # pragma: no cover - compiled
    """Throttle, the whole being 1, that brings the car from one speed to another in a given time.

    :param wanted_u: u/s
    :param speed_u: u/s
    :param uphill: slope of the ground, rise over run
    :param scrub: deceleration by the tyres in a bend, u/s^2
    :param within_sec: the time
    """
    accel = (wanted_u - speed_u) / within_sec + vehicle.GRAVITY_U * uphill + scrub
    force = vehicle.MASS * accel + DRAG * speed_u
    return force / (FULL_FORCE * vehicle.torque_factor(speed_u))


class LineFollower:
    """Steers and drives along ``line`` by ``steering_for`` and ``throttle_for``."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.restart()

    def restart(self) -> None:
        """Forget where on the line the car is: it is somewhere else now."""
        self._at: int | None = None

    def command(self, telemetry: Telemetry) -> Command:
        """Steering in [-1, 1] and throttle in [0, 1] for the car's telemetry."""
        line = self.line
        x = telemetry.pos[0] * UNITS_PER_METRE
        z = telemetry.pos[2] * UNITS_PER_METRE
        yaw = math.radians(telemetry.car[2])
        uphill = math.tan(math.radians(-telemetry.car[1]))
        speed_u = max(telemetry.forward_vel, 0.0) * UNITS_PER_METRE
        i = self._nearest(x, z)
        dx, dz = x - line.points[i, 0], z - line.points[i, 1]
        heading = float(line.heading[i])
        arc_u = float(line.arc_u[i]) + dx * math.sin(heading) + dz * math.cos(heading)
        if line.closed:
            heading = self._ahead(line.heading, arc_u)
        aside_u = dx * math.cos(heading) - dz * math.sin(heading)
        turned = _wrapped(yaw - heading)
        settle_u = max(CORRECTION_U, speed_u * CORRECTION_SEC)
        bend = self._ahead(line.curvature, arc_u + PREVIEW_SEC * speed_u)
        steering = steering_for(bend, aside_u, turned, settle_u)
        steering = min(max(steering, -1.0), 1.0)
        scrub = vehicle.scrub(speed_u * telemetry.gyro[1], steering)
        return steering, self._throttle(arc_u, speed_u, uphill, scrub)

    def _throttle(self, arc_u: float, speed_u: float, uphill: float, scrub: float) -> float:
        preview_u = SPEEDING_UP_SEC * max(speed_u, SLOWEST_PREVIEW_U)
        wanted_u = self._ahead(self.line.speed_u, arc_u + preview_u)
        throttle = throttle_for(wanted_u, speed_u, uphill, scrub, SPEEDING_UP_SEC)
        return min(max(throttle, 0.0), 1.0)

    def _nearest(self, x: float, z: float) -> int:
        """Index of the line's nearest point, near the last one."""
        points = self.line.points
        n = len(points)
        if self._at is None:
            near = np.arange(n)
        else:
            near = np.arange(self._at - POINTS_BEHIND, self._at + POINTS_AHEAD)
            near = near % n if self.line.closed else near.clip(0, n - 1)
        distance2 = (points[near, 0] - x) ** 2 + (points[near, 1] - z) ** 2
        self._at = int(near[int(np.argmin(distance2))])
        return self._at

    def _ahead(self, values: Array, arc_u: float) -> float:
        """``values`` of the line's points, interpolated at ``arc_u``."""
        line = self.line
        if not line.closed:
            return float(np.interp(arc_u, line.arc_u, values))
        arc_u %= line.length_u
        i = int(np.searchsorted(line.arc_u, arc_u, side="right")) - 1
        j = (i + 1) % len(values)
        end_u = line.arc_u[j] if j else line.length_u
        share = (arc_u - line.arc_u[i]) / (end_u - line.arc_u[i])
        step = values[j] - values[i]
        if values is line.heading:
            step = _wrapped(step)
        return float(values[i] + share * step)


def _wrapped(radians: float) -> float:
    """The angle from -pi to pi."""
    return (radians + math.pi) % (2.0 * math.pi) - math.pi


def line_follower(world: World) -> LineFollower:
    """The baseline: the centre line of the world's track, gently."""
    return LineFollower(centre_line(world.track, **GENTLE))


@lru_cache(maxsize=32)
def reference_line(scene: str, max_cte: float = 8.0, throttle: float = 1.0) -> Line:
    """The race line of a named closed track, some seconds' work.

    :param scene: its name
    :param max_cte: cross-track error that ends an episode, u
    :param throttle: largest throttle command
    :raises ValueError: no such scene, or an open road
    """
    loaded = load_scene(scene)
    track = build_track(loaded)
    obstacles = Obstacles(loaded, track)
    return race_line(track, obstacles, max_cte - MARGIN_U, grip=RACE_GRIP, throttle=throttle)


def drive_laps(world: World, driver: LineFollower, laps: int, max_cte: float = 8.0) -> list[float]:
    """Times in seconds of laps from start line to start line, the first after a standing start.

    :param world: a closed track
    :param driver: drives it
    :param laps: how many
    :param max_cte: cross-track error that ends the drive, u
    :returns: as many, or fewer where the car leaves the road, hits something or stands still first
    """
    world.reset()
    driver.restart()
    telemetry = world.telemetry()
    while len(telemetry.lap_times) < laps and _is_driving(telemetry, max_cte):
        telemetry = world.step(*driver.command(telemetry))
    return telemetry.lap_times[:laps]


def _is_driving(telemetry: Telemetry, max_cte: float) -> bool:
    return (
        abs(telemetry.cte) <= max_cte
        and telemetry.hit == "none"
        and telemetry.stalled_sec < STALL_LIMIT_SEC
    )
