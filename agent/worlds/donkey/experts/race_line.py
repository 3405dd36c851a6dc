"""The race line: the line within the road's corridor whose speed profile takes the least time.

It is searched for by shifting the centre line aside in smooth bumps, wide ones first, and keeping
what is quicker.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator.obstacles import Obstacles, find_collision
from agent.simulator.tracks import Track
from agent.simulator.typing import Array
from agent.worlds.donkey.experts.line import (
    TIGHTEST,
    Line,
    curvature,
    driven_sec,
    slopes,
    smoothed,
    speed_profile,
)

# All of these are chosen; docs/results/reference-laps.md has the laps.
STATIONS = 1000  # at most so many points of a line
SPACING_U = 1.0  # at least so far apart
REACH_U = 12.0  # how far aside free ground is looked for
PROBE_U = 0.25  # in these steps
NEAR = 40  # nodes from the one that belongs to a point to the nearest of a place aside at most
SLANT = math.radians(15.0)  # a car may stand this far across the road as it passes something
INSIDE_SHARE = 0.8  # of a bend's radius that a line may be shifted into it
SPARE_U = 0.5  # kept free on both sides where there is room
LOCK_SHARE = 0.92  # of the full lock that a line may ask for; the driver corrects with the rest
OVERBENT_SEC = 4.0  # seconds that a metre bent twice as tightly counts for in the search
BUMPS_U = (96.0, 48.0, 24.0, 12.0, 6.0)  # half widths of the bumps
SHIFTS_U = (1.0, 0.3, 0.1)  # their heights
LEAST_GAIN = 1e-3  # a round of the search that gains a smaller share is the last of its height
MOST_ROUNDS = 30


def race_line(
    track: Track, obstacles: Obstacles, max_cte: float, *, grip: float = 1.0, throttle: float = 1.0
) -> Line:
    """The quickest line of a closed track within \\|cte\\| < ``max_cte`` u that touches nothing.

    :param track: a closed one
    :param obstacles: beside it
    :param max_cte: largest cross-track error, u
    :param grip: share of the tyres' grip that is used
    :param throttle: largest throttle command
    :raises ValueError: an open road
    """
    if not track.closed:
        raise ValueError("an open road has no laps; give a closed track")
    count = min(STATIONS, round(track.length_u / SPACING_U))
    spacing_u = track.length_u / count
    middle, heights = _stations(track, count)
    ahead = np.roll(middle, -1, axis=0) - np.roll(middle, 1, axis=0)
    along = ahead / np.hypot(*ahead.T)[:, None]
    aside = np.ascontiguousarray(np.stack([along[:, 1], -along[:, 0]], axis=1))
    low, high = _corridor(
        middle,
        along,
        aside,
        curvature(middle, True),
        track.nodes,
        track.direction,
        max_cte,
        spacing_u,
        obstacles.pillars,
        obstacles.boxes,
        obstacles.blocking,
    )
    uphill = slopes(middle, heights, True)
    shift = np.clip(np.zeros(count), low, high)
    bumps = np.array([max(2, round(width / spacing_u)) for width in BUMPS_U])
    _search(shift, middle, aside, low, high, uphill, grip, throttle, bumps, np.array(SHIFTS_U))
    points = middle + shift[:, None] * aside
    return Line(points, speed_profile(points, True, uphill, grip, throttle), True)


def _stations(track: Track, count: int) -> tuple[Array, Array]:
    """Points (count, 2) of the centre line, even and smoothed, and their heights (count,)."""
    wanted = np.arange(count) * (track.length_u / count)
    arc = np.append(track.arc_u, track.length_u)
    nodes = np.vstack([track.nodes, track.nodes[:1]])
    even = np.stack([np.interp(wanted, arc, nodes[:, k]) for k in range(3)], axis=1)
    kept = smoothed(even, track.length_u / count)
    return np.ascontiguousarray(kept[:, :2]), np.ascontiguousarray(kept[:, 2])


@njit(cache=True)
def _corridor(
    middle: Array,
    along: Array,
    aside: Array,
    bend: Array,
    nodes: Array,
    direction: Array,
    max_cte: float,
    spacing_u: float,
    pillars: Array,
    boxes: Array,
    blocking: Any,
) -> tuple[Array, Array]:  # pragma: no cover - compiled
    """Least and largest shift (n,) of each point: on the road, clear of all, inside of its bend."""
    n = len(middle)
    low = np.zeros(n)
    high = np.zeros(n)
    half = int(REACH_U / PROBE_U)
    free = np.zeros(2 * half + 1, dtype=np.bool_)
    for i in range(n):
        yaw = math.atan2(along[i, 0], along[i, 1])
        near = int(i * len(nodes) / n)
        for k in range(2 * half + 1):
            s = (k - half) * PROBE_U
            x, z = middle[i, 0] + s * aside[i, 0], middle[i, 1] + s * aside[i, 1]
            free[k] = abs(_cte(x, z, near, nodes, direction)) < max_cte
            free[k] = free[k] and s * bend[i] < INSIDE_SHARE
            for ahead in (-0.5 * spacing_u, 0.0, 0.5 * spacing_u):  # and between the points
                px, pz = x + ahead * along[i, 0], z + ahead * along[i, 1]
                for slant in (-SLANT, 0.0, SLANT):
                    hit = find_collision(px, pz, yaw + slant, pillars, boxes, blocking)
                    free[k] = free[k] and hit < 0
        left, right = _free_stretch(free)
        spare_u = min(SPARE_U, 0.5 * (right - left) * PROBE_U)
        low[i] = (left - half) * PROBE_U + spare_u
        high[i] = (right - half) * PROBE_U - spare_u
    return low, high


@njit(cache=True)
def _cte(
    x: float, z: float, near: int, nodes: Array, direction: Array
) -> float:  # pragma: no cover - compiled
    """Cross-track error of a place, u, by the nearest node not far from ``near``."""
    least_u2 = 1e18
    at = near
    for offset in range(-NEAR, NEAR + 1):
        j = (near + offset) % len(nodes)
        u2 = (nodes[j, 0] - x) ** 2 + (nodes[j, 1] - z) ** 2
        if u2 < least_u2:
            least_u2 = u2
            at = j
    return (x - nodes[at, 0]) * direction[at, 1] - (z - nodes[at, 1]) * direction[at, 0]


@njit(cache=True)
def _free_stretch(free: Any) -> tuple[int, int]:  # pragma: no cover - compiled
    """First and last index of the free stretch nearest to the middle, which it is for none."""
    half = len(free) // 2
    left = half
    for away in range(half + 1):
        if free[half - away]:
            left = half - away
            break
        if free[half + away]:
            left = half + away
            break
    right = left
    while left > 0 and free[left - 1]:
        left -= 1
    while right < 2 * half and free[right + 1]:
        right += 1
    return left, right


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
    """Seconds of the lap, and a penalty where it bends more tightly than the car can."""
    n = len(shift)
    for i in range(n):
        points[i, 0] = middle[i, 0] + shift[i] * aside[i, 0]
        points[i, 1] = middle[i, 1] + shift[i] * aside[i, 1]
    overbent = 0.0
    for k in np.abs(curvature(points, True)):
        overbent += max(k / (LOCK_SHARE * TIGHTEST) - 1.0, 0.0)
    speed = speed_profile(points, True, uphill, grip, throttle)
    return driven_sec(points, speed, True) + OVERBENT_SEC * overbent


@njit(cache=True)
def _search(
    shift: Array,
    middle: Array,
    aside: Array,
    low: Array,
    high: Array,
    uphill: Array,
    grip: float,
    throttle: float,
    bumps: Array,
    shifts: Array,
) -> None:  # pragma: no cover - compiled
    """Improve ``shift`` in place, bump by bump, until a round gains next to nothing."""
    n = len(shift)
    points = np.empty((n, 2))
    trial = np.empty(n)
    best = _cost(shift, middle, aside, uphill, grip, throttle, points)
    for size in shifts:
        for _ in range(MOST_ROUNDS):
            before = best
            for width in bumps:
                for centre in range(0, n, max(1, width // 4)):
                    for sign in (-1.0, 1.0):
                        _shift_by_bump(trial, shift, low, high, centre, width, sign * size)
                        cost = _cost(trial, middle, aside, uphill, grip, throttle, points)
                        if cost < best:
                            best = cost
                            shift[:] = trial
            if best > before * (1.0 - LEAST_GAIN):
                break


@njit(cache=True)
def _shift_by_bump(
    trial: Array,
    shift: Array,
    low: Array,
    high: Array,
    centre: int,
    width: int,
    height_u: float,
) -> None:  # pragma: no cover - compiled
    """Make ``trial`` the ``shift`` with a raised cosine over ``centre``, within ``low`` and
    ``high``.
    """
    trial[:] = shift
    for k in range(-width, width + 1):
        i = (centre + k) % len(shift)
        bump = 0.5 * (1.0 + math.cos(math.pi * k / width))
        trial[i] = min(max(shift[i] + height_u * bump, low[i]), high[i])
