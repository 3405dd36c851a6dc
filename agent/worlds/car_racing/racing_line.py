"""The line that the expert drives along a track, and how fast."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

import agent.kernels  # noqa: F401 - before the first kernel

# Columns of a line.
X, Y, SPEED = range(3)
COLUMNS = 3


@njit(cache=True)
def plan_line(
    centre: NDArray[np.float64],
    smoothing: int,
    most_offset: float,
    lateral: float,
    braking: float,
    top_speed: float,
) -> NDArray[np.float64]:
    """The line (tiles, 3): places in units and the speed there in units/s.

    It is the middle of the road with its bends rounded.

    :param centre: middle of the road, a point for each tile (tiles, 2)
    :param smoothing: how many times each point moves half-way to the middle of its neighbours
    :param most_offset: units from the middle of the road
    :param lateral: acceleration in bends, units/s2
    :param braking: deceleration, units/s2
    :param top_speed: units/s
    """
    n = len(centre)
    smooth = centre.copy()
    for _ in range(smoothing):
        before = smooth.copy()
        for i in range(n):
            for axis in range(2):
                beside = before[(i - 1) % n, axis] + before[(i + 1) % n, axis]
                smooth[i, axis] = 0.5 * before[i, axis] + 0.25 * beside
    line = np.empty((n, COLUMNS))
    for i in range(n):
        dx = smooth[i, X] - centre[i, X]
        dy = smooth[i, Y] - centre[i, Y]
        share = min(1.0, most_offset / max(np.hypot(dx, dy), 1e-9))
        line[i, X] = centre[i, X] + dx * share
        line[i, Y] = centre[i, Y] + dy * share
    _plan_speed(line, lateral, braking, top_speed)
    return line


@njit(cache=True)
def _plan_speed(line: NDArray[np.float64], lateral: float, braking: float, top: float) -> None:
    """Fills in the speeds: what a bend allows, and what can be braked down to it."""
    n = len(line)
    curvature = np.empty(n)
    for i in range(n):
        after = (i + 2) % n
        before = (i - 2) % n
        ax = line[after, X] - line[i, X]
        ay = line[after, Y] - line[i, Y]
        bx = line[i, X] - line[before, X]
        by = line[i, Y] - line[before, Y]
        turn = np.arctan2(bx * ay - by * ax, ax * bx + ay * by)
        length = 0.5 * (np.hypot(ax, ay) + np.hypot(bx, by))
        curvature[i] = abs(turn) / max(length, 1e-6)
    for i in range(n):
        mean = (curvature[(i - 1) % n] + curvature[i] + curvature[(i + 1) % n]) / 3.0
        line[i, SPEED] = min(np.sqrt(lateral / max(mean, 1e-4)), top)
    for i in range(2 * n - 1, -1, -1):
        here = i % n
        after = (i + 1) % n
        step = np.hypot(line[after, X] - line[here, X], line[after, Y] - line[here, Y])
        reachable = np.sqrt(line[after, SPEED] ** 2 + 2.0 * braking * step)
        line[here, SPEED] = min(line[here, SPEED], reachable)
