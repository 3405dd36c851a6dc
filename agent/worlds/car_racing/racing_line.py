"""The line that the expert drives along a track, and how fast.

Bumps of random place, width and height move the line aside; a bump stays if the lap that the car
could drive becomes shorter. No car is driven for it: the lap's time follows from the line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

import agent.kernels  # noqa: F401 - before the first kernel

# Columns of a line.
X, Y, SPEED = range(3)
COLUMNS = 3
SEED = 0  # of the bumps
NARROWEST = 8  # points from a bump's middle to its end, at least; chosen, as the next
WIDEST = 30


class Limits(NamedTuple):
    """Limits of the car that a line is planned for.

    :param offset: units from the middle of the road
    :param lateral: acceleration in bends, units/s2
    :param braking: deceleration, units/s2
    :param gaining: acceleration, units/s2; the wheels' own inertia leaves no more
    :param top_speed: units/s
    """

    offset: float
    lateral: float
    braking: float
    gaining: float
    top_speed: float


def plan_line(
    centre: NDArray[np.float64], limits: Limits, smoothing: int, bumps: int
) -> NDArray[np.float64]:
    """The line (tiles, 3): places in units and the speed there in units/s.

    :param centre: middle of the road, a point for each tile (tiles, 2)
    :param limits: of the car
    :param smoothing: how many times each point moves half-way to the middle of its neighbours, to
        begin with
    :param bumps: how many are tried
    """
    rng = np.random.default_rng(SEED)
    points = rng.integers(len(centre), size=bumps)
    widths = rng.integers(NARROWEST, WIDEST + 1, size=bumps)
    heights = rng.normal(size=bumps)
    return _plan(np.ascontiguousarray(centre), limits, smoothing, points, widths, heights)


@njit(cache=True)
def _plan(centre, limits, smoothing, points, widths, heights):  # type: ignore[no-untyped-def]
    n = len(centre)
    normals = _normals(centre)
    offsets = _rounded(centre, normals, smoothing, limits.offset)
    line = np.empty((n, COLUMNS))
    scratch = np.empty(n)
    _lay(line, centre, normals, offsets)
    best = _lap_time(line, limits, scratch)
    moved = offsets.copy()
    for bump in range(len(points)):
        width = widths[bump]
        for j in range(-width + 1, width):
            i = (points[bump] + j) % n
            rise = heights[bump] * (0.5 + 0.5 * np.cos(np.pi * j / width))
            moved[i] = min(max(moved[i] + rise, -limits.offset), limits.offset)
        _lay(line, centre, normals, moved)
        seconds = _lap_time(line, limits, scratch)
        kept, lost = (moved, offsets) if seconds < best else (offsets, moved)
        best = min(best, seconds)
        for j in range(-width + 1, width):
            i = (points[bump] + j) % n
            lost[i] = kept[i]
    _lay(line, centre, normals, offsets)
    _lap_time(line, limits, scratch)
    return line


@njit(cache=True)
def _normals(centre):  # type: ignore[no-untyped-def]
    """Directions (n, 2) to the left of the road."""
    n = len(centre)
    normals = np.empty((n, 2))
    for i in range(n):
        dx = centre[(i + 1) % n, X] - centre[(i - 1) % n, X]
        dy = centre[(i + 1) % n, Y] - centre[(i - 1) % n, Y]
        length = np.hypot(dx, dy)
        normals[i, X] = -dy / length
        normals[i, Y] = dx / length
    return normals


@njit(cache=True)
def _rounded(centre, normals, smoothing, most):  # type: ignore[no-untyped-def]
    """Offsets (n,) of the middle of the road with its bends rounded."""
    n = len(centre)
    smooth = centre.copy()
    for _ in range(smoothing):
        before = smooth.copy()
        for i in range(n):
            for axis in range(2):
                beside = before[(i - 1) % n, axis] + before[(i + 1) % n, axis]
                smooth[i, axis] = 0.5 * before[i, axis] + 0.25 * beside
    offsets = np.empty(n)
    for i in range(n):
        aside = smooth[i] - centre[i]
        offsets[i] = min(max(aside[X] * normals[i, X] + aside[Y] * normals[i, Y], -most), most)
    return offsets


@njit(cache=True)
def _lay(line, centre, normals, offsets):  # type: ignore[no-untyped-def]
    for i in range(len(line)):
        line[i, X] = centre[i, X] + offsets[i] * normals[i, X]
        line[i, Y] = centre[i, Y] + offsets[i] * normals[i, Y]


@njit(cache=True)
def _lap_time(line, limits, curvature):  # type: ignore[no-untyped-def]
    """Fills in the speeds; returns the seconds of a lap from a standing start.

    A speed is what the bend allows, and what can be braked down to the bends ahead.
    """
    n = len(line)
    for i in range(n):
        curvature[i] = _curvature(line, i)
    for i in range(n):
        mean = (curvature[(i - 1) % n] + curvature[i] + curvature[(i + 1) % n]) / 3.0
        line[i, SPEED] = min(np.sqrt(limits.lateral / max(mean, 1e-4)), limits.top_speed)
    for i in range(2 * n - 1, -1, -1):
        here = i % n
        after = line[(i + 1) % n, SPEED]
        reachable = np.sqrt(after * after + 2.0 * limits.braking * _step(line, here))
        line[here, SPEED] = min(line[here, SPEED], reachable)
    seconds = 0.0
    speed = 0.0
    for i in range(n - 1):
        step = _step(line, i)
        gained = np.sqrt(speed * speed + 2.0 * limits.gaining * step)
        after = min(line[i + 1, SPEED], gained)
        seconds += 2.0 * step / max(speed + after, 1e-6)
        speed = after
    return seconds


@njit(cache=True)
def _curvature(line, i):  # type: ignore[no-untyped-def]
    """Curvature, 1/units, over two points on either side."""
    n = len(line)
    after = (i + 2) % n
    before = (i - 2) % n
    ax = line[after, X] - line[i, X]
    ay = line[after, Y] - line[i, Y]
    bx = line[i, X] - line[before, X]
    by = line[i, Y] - line[before, Y]
    turn = np.arctan2(bx * ay - by * ax, ax * bx + ay * by)
    return 2.0 * abs(turn) / max(np.hypot(ax, ay) + np.hypot(bx, by), 1e-6)


@njit(cache=True)
def _step(line, i):  # type: ignore[no-untyped-def]
    """Units from a point to the next."""
    after = (i + 1) % len(line)
    return np.hypot(line[after, X] - line[i, X], line[after, Y] - line[i, Y])
