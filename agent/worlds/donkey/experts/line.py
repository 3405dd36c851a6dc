"""A line to drive along and how fast, under the car's own physics.

A line's speed profile is limited three ways: in bends by the tyres, out of them by the motor, into
them by the drag, for a scripted driver has throttle and no brake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from agent.simulator.tracks import Track
from agent.simulator.typing import Array
from agent.simulator.vehicle import (
    AIR_DRAG,
    GRAVITY_U,
    MASS,
    SCRUB,
    STEER_MAX,
    TORQUE,
    WHEEL_DAMPING,
    WHEEL_RADIUS_U,
    WHEELBASE_U,
    WHEELS,
    torque_factor,
)

TIGHTEST = math.tan(STEER_MAX) / WHEELBASE_U  # curvature at full lock, 1/u
FULL_FORCE = WHEELS * TORQUE / WHEEL_RADIUS_U
DRAG = WHEEL_DAMPING + AIR_DRAG
CRAWL_U = 4.0  # u/s, the least speed of a profile; chosen
# Standard deviation, in u, of the Gaussian that rounds lines; chosen. A race line is shifted aside
# from the centre line under it, into whose bends the shifts must fit.
SMOOTHING_U = 5.0
TOP_SPEED_ROUNDS = 50  # halvings of the error in the top speed


@dataclass(frozen=True)
class Line:
    """A line to drive and how fast.

    ``arc_u`` (n,) is the way from the first point. ``heading`` (n,) is in radians clockwise from
    +z, without jumps. ``curvature`` (n,) is in 1/u, positive to the right. ``length_u`` is the
    whole, with the way back to the start if closed.

    :param points: (n, 2) x and z in u
    :param speed_u: (n,) u/s
    :param closed: the last point is followed by the first
    """

    points: Array
    speed_u: Array
    closed: bool
    arc_u: Array = field(init=False)
    heading: Array = field(init=False)
    curvature: Array = field(init=False)
    length_u: float = field(init=False)

    def __post_init__(self) -> None:
        span = np.roll(self.points, -1, axis=0) - self.points
        if not self.closed:
            span[-1] = span[-2]
        length = np.hypot(*span.T)
        through = span
        length_u = length[:-1].sum()
        if self.closed:
            through = span + np.roll(span, 1, axis=0)
            length_u = length.sum()
        set_field = object.__setattr__  # the way of a frozen dataclass to its own fields
        set_field(self, "arc_u", np.concatenate([[0.0], np.cumsum(length[:-1])]))
        set_field(self, "heading", np.unwrap(np.arctan2(through[:, 0], through[:, 1])))
        set_field(self, "curvature", curvature(self.points, self.closed))
        set_field(self, "length_u", float(length_u))

    @property
    def time_sec(self) -> float:
        """Seconds for the whole at its speeds; a lap with a flying start if closed."""
        return float(driven_sec(self.points, self.speed_u, self.closed))


def centre_line(track: Track, *, grip: float, throttle: float, fastest_u: float) -> Line:
    """The centre line itself; see ``speed_profile`` for the limits.

    :param track: of the line
    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    :param fastest_u: u/s, never faster than this
    """
    return line_along(track, track.nodes[:, :2], grip=grip, throttle=throttle, fastest_u=fastest_u)


def line_along(
    track: Track, points: Array, *, grip: float, throttle: float, fastest_u: float
) -> Line:
    """A line through points, one beside each of the track's nodes and as high.

    :param track: whose slope the line has
    :param points: (n, 2) x and z in u
    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    :param fastest_u: u/s, never faster than this
    """
    points = np.ascontiguousarray(points)
    uphill = slopes(np.ascontiguousarray(track.nodes[:, :2]), track.nodes[:, 2], track.closed)
    speed_u = speed_profile(points, track.closed, uphill, grip, throttle)
    return Line(points, np.minimum(speed_u, fastest_u), track.closed)


def rounded_line(track: Track, aside_u: float, *, grip: float, throttle: float) -> Line:
    """The line ``aside_u`` right of the centre line, its bends rounded, with its speeds.

    A Gaussian of ``SMOOTHING_U`` goes over it. On straights it stays where it was. In a wide bend
    of radius r it lies ``SMOOTHING_U**2 / 2r`` farther inside. Its n-th point belongs to the
    track's n-th node.

    :param track: whose centre line it is beside
    :param aside_u: to the right, u
    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    """
    beside = track.parallel_line(aside_u)[:, :2]
    spacing_u = track.length_u / len(track.nodes)
    beyond = 0
    if not track.closed:  # an open line's ends stay in place
        beyond = math.ceil(6.0 * SMOOTHING_U / spacing_u)
    longer = np.pad(beside, ((beyond, beyond), (0, 0)), mode="reflect", reflect_type="odd")
    points = smoothed(longer, spacing_u)[beyond : len(longer) - beyond]
    return line_along(track, points, grip=grip, throttle=throttle, fastest_u=math.inf)


def smoothed(points: Array, spacing_u: float) -> Array:
    """A closed line's points (n, k) with a Gaussian of ``SMOOTHING_U`` over them."""
    waves = np.fft.rfftfreq(len(points), spacing_u) * 2.0 * math.pi
    kept = np.fft.rfft(points, axis=0) * np.exp(-0.5 * (waves * SMOOTHING_U) ** 2)[:, None]
    return np.asarray(np.fft.irfft(kept, n=len(points), axis=0))


def slopes(points: Array, heights: Array, closed: bool) -> Array:
    """Rise over run (n,) at each point.

    :param points: (n, 2) x and z in u
    :param heights: (n,) u
    :param closed: the last point is followed by the first
    """
    rise = np.roll(heights, -1) - np.roll(heights, 1)
    run = np.hypot(*(np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)).T)
    slope = rise / np.maximum(run, 1e-9)
    if not closed:
        slope[0] = slope[-1] = 0.0
    return np.asarray(slope)


@njit(cache=True)
def curvature(points: Array, closed: bool) -> Array:  # pragma: no cover - compiled
    """Curvature (n,), 1/u, of the circle through a point and its neighbours; right is positive."""
    n = len(points)
    bend = np.zeros(n)
    for i in range(n):
        if not closed and (i == 0 or i == n - 1):
            continue
        before = points[(i - 1) % n]
        after = points[(i + 1) % n]
        ax, az = points[i, 0] - before[0], points[i, 1] - before[1]
        bx, bz = after[0] - points[i, 0], after[1] - points[i, 1]
        chord = math.hypot(ax + bx, az + bz)
        sides = math.hypot(ax, az) * math.hypot(bx, bz)
        bend[i] = 2.0 * (bx * az - bz * ax) / max(sides * chord, 1e-9)
    return bend


@njit(cache=True)
def speed_profile(
    points: Array, closed: bool, uphill: Array, grip: float, throttle: float
) -> Array:  # pragma: no cover - compiled
    """Fastest speeds (n,) in u/s along a line, with a flying start.

    In a bend of curvature k the tyres hold v^2 k <= grip g. With the drive's acceleration a, they
    hold (v^2 k)^2 + a^2 <= (grip g)^2.

    :param points: (n, 2) x and z in u
    :param closed: the last point is followed by the first
    :param uphill: slope (n,) of the ground along the line, rise over run
    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    """
    n = len(points)
    bend = curvature(points, closed)
    hold = grip * GRAVITY_U
    scrubbed = _scrub_per_speed2(bend)
    top = _top_speed(throttle, uphill.min())
    speed = np.empty(n)
    slowest = 0
    for i in range(n):
        speed[i] = min(math.sqrt(hold / max(abs(bend[i]), 1e-6)), top)
        if speed[i] < speed[slowest]:
            slowest = i
    last = n - 1
    first = 0
    if closed:
        last = n
        first = slowest
    for step in range(last):  # forwards: no faster than the motor takes it out of a bend
        i = (first + step) % n
        j = (i + 1) % n
        v = speed[i]
        held = math.sqrt(max(hold**2 - (v * v * abs(bend[i])) ** 2, 0.0))
        drive = (FULL_FORCE * throttle * torque_factor(v) - DRAG * v) / MASS
        gained = min(drive, held) - GRAVITY_U * uphill[i] - scrubbed[i] * v * v
        span_u = _span_u(points, i, j)
        speed[j] = min(speed[j], math.sqrt(max(v * v + 2.0 * span_u * gained, CRAWL_U**2)))
    if not closed:
        first = n - 1
    for step in range(last):  # backwards: no faster than the drag slows it down into a bend
        j = (first - step) % n
        i = (j - 1) % n
        v = speed[j]
        span_u = _span_u(points, i, j)
        lost = DRAG * v / MASS + GRAVITY_U * uphill[i] + scrubbed[i] * v * v
        speed[i] = min(speed[i], math.sqrt(max(v * v + 2.0 * span_u * lost, CRAWL_U**2)))
    return speed


@njit(cache=True)
def _scrub_per_speed2(bend: Array) -> Array:  # pragma: no cover - compiled
    """Deceleration by scrubbing tyres over the speed's square (n,), 1/u, see ``vehicle.scrub``.

    Steering by d bends the path by tan(d) / wheelbase.
    """
    tan = np.abs(bend) * WHEELBASE_U
    return SCRUB * np.abs(bend) * tan / np.sqrt(1.0 + tan * tan)


@njit(cache=True)
def _top_speed(throttle: float, steepest: float) -> float:  # pragma: no cover - compiled
    """Speed in u/s at which motor, drag and the steepest descent balance."""
    top = FULL_FORCE / DRAG
    for _ in range(TOP_SPEED_ROUNDS):
        drive = FULL_FORCE * throttle * torque_factor(top) - MASS * GRAVITY_U * min(steepest, 0.0)
        top = 0.5 * (top + drive / DRAG)
    return top


@njit(cache=True)
def _span_u(points: Array, i: int, j: int) -> float:  # pragma: no cover - compiled
    return math.hypot(points[j, 0] - points[i, 0], points[j, 1] - points[i, 1])


@njit(cache=True)
def driven_sec(points: Array, speed: Array, closed: bool) -> float:  # pragma: no cover - compiled
    """Seconds for a line at its speeds.

    :param points: (n, 2) x and z in u
    :param speed: (n,) u/s
    :param closed: with the way back to the first point
    """
    n = len(points)
    total = 0.0
    for i in range(n if closed else n - 1):
        j = (i + 1) % n
        total += 2.0 * _span_u(points, i, j) / (speed[i] + speed[j])
    return total
