"""The quickest way round: a line within the road's corridor and the speed to drive it at, under the car's own physics.

A line's speed profile is limited three ways: in bends by the tyres, out of them by the motor, into them by the drag,
for a driver has throttle and no brake. The race line is the line whose profile takes the least time; it is searched for
by shifting it aside in smooth bumps, wide ones first, and keeping what is quicker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

from agent.simulator.obstacles import Obstacles, find_collision
from agent.simulator.tracks import Array, Track
from agent.simulator.vehicle import (
    AIR_DRAG,
    GRAVITY_U,
    MASS,
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
CRAWL_U = 4.0  # u/s, the least speed of a profile
STATIONS = 1000  # at most so many points of a line
SPACING_U = 1.0  # at least so far apart
# Of the Gaussian that rounds lines; a race line is shifted aside from the centre line under it, into whose bends the
# shifts must fit.
SMOOTHING_U = 5.0
REACH_U, PROBE_U = 12.0, 0.25  # how far aside free ground is looked for, in these steps
SLANT = math.radians(15.0)  # a car may stand this far across the road as it passes something
LOCK_SHARE = (
    0.92  # of the full lock that a line may ask for, the rest is the driver's to correct with
)
OVERBENT_SEC = 4.0  # seconds that a metre bent twice as tightly counts for in the search
BUMPS_U = (96.0, 48.0, 24.0, 12.0, 6.0)
SHIFTS_U = (1.0, 0.3, 0.1)
LEAST_GAIN = 1e-3  # a round of the search that gains a smaller share is the last of its size


@dataclass(frozen=True)
class Line:
    """A line to drive and how fast: ``points`` (n, 2) of x and z in u, ``speed_u`` (n,) u/s.

    ``arc_u`` (n,) is the way from the first point, ``heading`` (n,) radians clockwise from +z without jumps,
    ``curvature`` (n,) 1/u, positive to the right; ``length_u`` the whole, with the way back to the start if ``closed``.
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
        through = span + np.roll(span, 1, axis=0) if self.closed else span
        set_field = object.__setattr__
        set_field(self, "arc_u", np.concatenate([[0.0], np.cumsum(length[:-1])]))
        set_field(self, "heading", np.unwrap(np.arctan2(through[:, 0], through[:, 1])))
        set_field(self, "curvature", curvature(self.points, self.closed))
        set_field(self, "length_u", float(length.sum() if self.closed else length[:-1].sum()))

    @property
    def time_sec(self) -> float:
        """Seconds for the whole at its speeds; a lap with a flying start if closed."""
        return float(_seconds(self.points, self.speed_u, self.closed))


def centre_line(track: Track, *, grip: float, throttle: float, fastest_u: float) -> Line:
    """The centre line itself; see ``speed_profile`` for the limits.

    :param fastest_u: u/s, never faster than this
    """
    return line_along(track, track.nodes[:, :2], grip=grip, throttle=throttle, fastest_u=fastest_u)


def line_along(
    track: Track, points: Array, *, grip: float, throttle: float, fastest_u: float
) -> Line:
    """A line through ``points`` (n, 2), one beside each of the track's nodes and as high; see ``centre_line``."""
    points = np.ascontiguousarray(points)
    uphill = _slopes(np.ascontiguousarray(track.nodes[:, :2]), track.nodes[:, 2], track.closed)
    speed_u = speed_profile(points, track.closed, uphill, grip, throttle)
    return Line(points, np.minimum(speed_u, fastest_u), track.closed)


def rounded_line(track: Track, aside_u: float, *, grip: float, throttle: float) -> Line:
    """The line ``aside_u`` right of the centre line with its bends rounded, and how fast to drive it.

    A Gaussian of ``SMOOTHING_U`` goes over it: it stays where it was on straights and in a wide bend of radius r
    lies ``SMOOTHING_U``^2 / 2r farther inside. Its n-th point belongs to the track's n-th node.

    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    """
    there, spacing_u = track.parallel_line(aside_u)[:, :2], track.length_u / len(track.nodes)
    beyond = (
        0 if track.closed else math.ceil(6.0 * SMOOTHING_U / spacing_u)
    )  # an open line's ends stay in place
    longer = np.pad(there, ((beyond, beyond), (0, 0)), mode="reflect", reflect_type="odd")
    points = _blurred(longer, spacing_u)[beyond : len(longer) - beyond]
    return line_along(track, points, grip=grip, throttle=throttle, fastest_u=math.inf)


def race_line(
    track: Track, solids: Obstacles, max_cte: float, *, grip: float = 1.0, throttle: float = 1.0
) -> Line:
    """The quickest line of a closed track within \\|cte\\| < ``max_cte`` u that touches nothing.

    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    :raises ValueError: an open road
    """
    if not track.closed:
        raise ValueError("an open road has no laps; give a closed track")
    count = min(STATIONS, round(track.length_u / SPACING_U))
    middle, heights = _smoothed(track, count)
    ahead = np.roll(middle, -1, axis=0) - np.roll(middle, 1, axis=0)
    along = ahead / np.hypot(*ahead.T)[:, None]
    aside = np.ascontiguousarray(np.stack([along[:, 1], -along[:, 0]], axis=1))
    bend = curvature(middle, True)
    spacing_u = track.length_u / count
    low, high = _free(
        middle, along, aside, bend, track.nodes, track.direction, max_cte, spacing_u, solids.pillars, solids.boxes,
        solids.blocking,
    )  # fmt: skip
    uphill = _slopes(middle, heights, True)
    shift = np.clip(np.zeros(count), low, high)
    bumps = np.array([max(2, round(width / spacing_u)) for width in BUMPS_U])
    _search(shift, middle, aside, low, high, uphill, grip, throttle, bumps, np.array(SHIFTS_U))
    points = middle + shift[:, None] * aside
    return Line(points, speed_profile(points, True, uphill, grip, throttle), True)


def _smoothed(track: Track, count: int) -> tuple[Array, Array]:
    """``count`` points of the centre line, evenly spaced and smoothed by a Gaussian, and their heights."""
    wanted = np.arange(count) * (track.length_u / count)
    arc = np.append(track.arc_u, track.length_u)
    nodes = np.vstack([track.nodes, track.nodes[:1]])
    even = np.stack([np.interp(wanted, arc, nodes[:, k]) for k in range(3)], axis=1)
    kept = _blurred(even, track.length_u / count)
    return np.ascontiguousarray(kept[:, :2]), np.ascontiguousarray(kept[:, 2])


def _blurred(points: Array, spacing_u: float) -> Array:
    """A closed line's points (n, k) with a Gaussian of ``SMOOTHING_U`` over them."""
    waves = np.fft.rfftfreq(len(points), spacing_u) * 2.0 * math.pi
    kept = np.fft.rfft(points, axis=0) * np.exp(-0.5 * (waves * SMOOTHING_U) ** 2)[:, None]
    return np.asarray(np.fft.irfft(kept, n=len(points), axis=0))


def _slopes(points: Array, heights: Array, closed: bool) -> Array:
    rise = np.roll(heights, -1) - np.roll(heights, 1)
    run = np.hypot(*(np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)).T)
    slope = rise / np.maximum(run, 1e-9)
    if not closed:
        slope[0] = slope[-1] = 0.0
    return np.asarray(slope)


@njit(cache=True)
def curvature(points: Array, closed: bool) -> Array:  # pragma: no cover - compiled
    """Curvature (n,) in 1/u of the circle through each point (n, 2) and its neighbours, positive to the right."""
    n = len(points)
    bend = np.zeros(n)
    for i in range(n):
        if not closed and (i == 0 or i == n - 1):
            continue
        before, after = points[(i - 1) % n], points[(i + 1) % n]
        ax, az = points[i, 0] - before[0], points[i, 1] - before[1]
        bx, bz = after[0] - points[i, 0], after[1] - points[i, 1]
        chord = math.hypot(ax + bx, az + bz)
        bend[i] = (
            2.0 * (bx * az - bz * ax) / max(math.hypot(ax, az) * math.hypot(bx, bz) * chord, 1e-9)
        )
    return bend


@njit(cache=True)
def speed_profile(
    points: Array, closed: bool, uphill: Array, grip: float, throttle: float
) -> Array:  # pragma: no cover - compiled
    """Fastest speeds (n,) in u/s along ``points`` (n, 2), with a flying start.

    In a bend of curvature k the tyres hold v^2 k <= grip g; with the drive's a, (v^2 k)^2 + a^2 <= (grip g)^2.

    :param uphill: slope (n,) of the ground along the line, rise over run
    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    """
    n = len(points)
    bend = curvature(points, closed)
    hold = grip * GRAVITY_U
    top = FULL_FORCE / DRAG
    for _ in range(50):  # towards the speed at which motor, drag and the steepest descent balance
        drive = FULL_FORCE * throttle * torque_factor(top) - MASS * GRAVITY_U * min(
            uphill.min(), 0.0
        )
        top = 0.5 * (top + drive / DRAG)
    speed = np.empty(n)
    slowest = 0
    for i in range(n):
        speed[i] = min(math.sqrt(hold / max(abs(bend[i]), 1e-6)), top)
        if speed[i] < speed[slowest]:
            slowest = i
    last = n if closed else n - 1
    first = slowest if closed else 0
    for step in range(last):
        i = (first + step) % n
        j = (i + 1) % n
        v = speed[i]
        held = math.sqrt(max(hold**2 - (v * v * abs(bend[i])) ** 2, 0.0))
        drive = (FULL_FORCE * throttle * torque_factor(v) - DRAG * v) / MASS
        gained = min(drive, held) - GRAVITY_U * uphill[i]
        way = math.hypot(points[j, 0] - points[i, 0], points[j, 1] - points[i, 1])
        speed[j] = min(speed[j], math.sqrt(max(v * v + 2.0 * way * gained, CRAWL_U**2)))
    first = slowest if closed else n - 1
    for step in range(last):
        j = (first - step) % n
        i = (j - 1) % n
        v = speed[j]
        way = math.hypot(points[j, 0] - points[i, 0], points[j, 1] - points[i, 1])
        lost = DRAG * v / MASS + GRAVITY_U * uphill[i]
        speed[i] = min(speed[i], math.sqrt(max(v * v + 2.0 * way * lost, CRAWL_U**2)))
    return speed


@njit(cache=True)
def _seconds(points: Array, speed: Array, closed: bool) -> float:  # pragma: no cover - compiled
    n = len(points)
    total = 0.0
    for i in range(n if closed else n - 1):
        j = (i + 1) % n
        total += (
            2.0
            * math.hypot(points[j, 0] - points[i, 0], points[j, 1] - points[i, 1])
            / (speed[i] + speed[j])
        )
    return total


@njit(cache=True)
def _free(
    middle: Array, along: Array, aside: Array, bend: Array, nodes: Array, direction: Array, max_cte: float,
    spacing_u: float, pillars: Array, boxes: Array, blocking: Any,
) -> tuple[Array, Array]:  # pragma: no cover - compiled  # fmt: skip
    """How far each point may be shifted, (n,) and (n,): on the road, clear of everything, inside of its bend."""
    n, m = len(middle), len(nodes)
    low, high = np.zeros(n), np.zeros(n)
    half = int(REACH_U / PROBE_U)
    free = np.zeros(2 * half + 1, dtype=np.bool_)
    for i in range(n):
        yaw = math.atan2(along[i, 0], along[i, 1])
        near = int(i * m / n)
        for k in range(2 * half + 1):
            s = (k - half) * PROBE_U
            x, z = middle[i, 0] + s * aside[i, 0], middle[i, 1] + s * aside[i, 1]
            best, at = 1e18, near
            for offset in range(-40, 41):
                j = (near + offset) % m
                d2 = (nodes[j, 0] - x) ** 2 + (nodes[j, 1] - z) ** 2
                if d2 < best:
                    best, at = d2, j
            cte = (x - nodes[at, 0]) * direction[at, 1] - (z - nodes[at, 1]) * direction[at, 0]
            free[k] = abs(cte) < max_cte and s * bend[i] < 0.8
            for ahead in (-0.5 * spacing_u, 0.0, 0.5 * spacing_u):  # and between the points
                for slant in (-SLANT, 0.0, SLANT):
                    px, pz = x + ahead * along[i, 0], z + ahead * along[i, 1]
                    free[k] = free[k] and find_collision(px, pz, yaw + slant, pillars, boxes, blocking) < 0
        middle_most = half
        for away in range(half + 1):  # the free ground nearest to the middle
            if free[half - away] or free[half + away]:
                middle_most = half - away if free[half - away] else half + away
                break
        left = right = middle_most
        while left > 0 and free[left - 1]:
            left -= 1
        while right < 2 * half and free[right + 1]:
            right += 1
        clear = min(0.5, 0.5 * (right - left) * PROBE_U)  # half a unit to spare where there is room
        low[i], high[i] = (left - half) * PROBE_U + clear, (right - half) * PROBE_U - clear
    return low, high


@njit(cache=True)
def _cost(
    shift: Array,
    middle: Array,
    aside: Array,
    uphill: Array,
    grip: float,
    throttle: float,
    points: Array,
) -> float:  # pragma: no cover - compiled
    """Seconds of the lap, and a penalty where it bends more tightly than the car."""
    n = len(shift)
    for i in range(n):
        points[i, 0] = middle[i, 0] + shift[i] * aside[i, 0]
        points[i, 1] = middle[i, 1] + shift[i] * aside[i, 1]
    overbent = 0.0
    for k in np.abs(curvature(points, True)):
        overbent += max(k / (LOCK_SHARE * TIGHTEST) - 1.0, 0.0)
    return (
        _seconds(points, speed_profile(points, True, uphill, grip, throttle), True)
        + OVERBENT_SEC * overbent
    )


@njit(cache=True)
def _search(
    shift: Array, middle: Array, aside: Array, low: Array, high: Array, uphill: Array, grip: float, throttle: float,
    bumps: Array, shifts: Array,
) -> float:  # pragma: no cover - compiled  # fmt: skip
    """Improve ``shift`` in place, bump by bump, until a round gains nothing; returns the cost."""
    n = len(shift)
    points, trial = np.empty((n, 2)), np.empty(n)
    best = _cost(shift, middle, aside, uphill, grip, throttle, points)
    for size in shifts:
        for _ in range(30):
            before = best
            for width in bumps:
                for centre in range(0, n, max(1, width // 4)):
                    for sign in (-1.0, 1.0):
                        trial[:] = shift
                        for k in range(-width, width + 1):
                            i = (centre + k) % n
                            bump = 0.5 * (1.0 + math.cos(math.pi * k / width))
                            trial[i] = min(max(shift[i] + sign * size * bump, low[i]), high[i])
                        cost = _cost(trial, middle, aside, uphill, grip, throttle, points)
                        if cost < best:
                            best = cost
                            shift[:] = trial
            if best > before * (1.0 - LEAST_GAIN):
                break
    return best
