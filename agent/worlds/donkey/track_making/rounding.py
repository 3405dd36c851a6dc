"""Rounding a circuit's bends until the car can drive them; the line moves as little as can be.

A corner is smoothed, which cuts it. A hairpin whose legs are nearer to each other than the car's
smallest circle is wide is widened: around the middle of the bend the line moves outwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agent.simulator.typing import Array
from agent.worlds.donkey.track_making.circuit import SAMPLE_U, Circuit, evenly_sampled, smoothed
from agent.worlds.donkey.track_making.drivable import CHORD, SMALLEST_CIRCLE_U, radii, tight_runs

# All chosen.
SMOOTHINGS_U = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0)
MOST_MOVED_U = 4.0  # of the line by itself; more is asked for
WIDENINGS = 12  # rounds
MOST_AT_ONCE = 1.2  # factor of a radius in a round
WIDER = 1.05  # factor of the smallest circle, to have some room
REACH_U = 40.0  # along the line, of what moves along with a bend
NEAR_CIRCLES = (
    1.5,
    5.0,
)  # smallest circles from a bend's middle, where that begins to end and ends


class Rounded(NamedTuple):
    """A circuit that was rounded.

    :param circuit: it
    :param moved_u: the most that a point was moved, u; 0 where nothing had to be
    """

    circuit: Circuit
    moved_u: float


def rounded(circuit: Circuit) -> Rounded | None:
    """Returns the circuit with bends that can be driven; smoothing goes before widening.

    It is None where both take larger changes than ``MOST_MOVED_U``.
    """
    if not tight_runs(circuit.points):
        return Rounded(circuit, 0.0)
    smooth = [smoothed(circuit.points, smooth_u) for smooth_u in SMOOTHINGS_U]
    best = _least_moved(circuit, smooth)
    if best is None:
        best = _least_moved(circuit, [_widened(points) for points in smooth])
    if best is None:
        return None
    moved_u, even = best
    rows = np.arange(len(even)) * len(circuit.points) // len(even)
    labels = [circuit.labels[k] for k in rows.tolist()]
    widths = [each if each is None else each[rows] for each in circuit.half_widths_u]
    return Rounded(Circuit(even, labels, *widths), moved_u)


def _least_moved(circuit: Circuit, lines: Sequence[Array]) -> tuple[float, Array] | None:
    """Returns how far the least moved of the lines that can be driven is moved, and its points."""
    found = []
    for points in lines:
        moved_u = float(np.hypot(*(points - circuit.points).T).max())
        even = evenly_sampled(points)
        if moved_u <= MOST_MOVED_U and not tight_runs(even):
            found.append((moved_u, even))
    return min(found, key=lambda each: each[0], default=None)


def _widened(points: Array) -> Array:
    """Returns points (n, 2) with each tight bend's circle widened, as far as that can be."""
    points = points.copy()
    n = len(points)
    reach = min(int(REACH_U / SAMPLE_U), n // 2 - 1)
    for _ in range(WIDENINGS):
        runs = tight_runs(points)
        if not runs:
            break
        for run in runs:
            radius = radii(points)
            k = int(run[np.argmin(radius[run])])
            wanted_u = min(WIDER * SMALLEST_CIRCLE_U, MOST_AT_ONCE * float(radius[k]))
            near = np.arange(k - reach, k + reach + 1) % n
            away = points[near] - _middle(points, k)
            away_u = np.maximum(np.hypot(*away.T), 1e-9)
            share = _share(away_u / SMALLEST_CIRCLE_U)
            further_u = max(wanted_u - float(radius[k]), 0.0)
            points[near] += (share * further_u / away_u)[:, None] * away
    return points


def _middle(points: Array, k: int) -> Array:
    """Returns the middle (2,) of the circle through a point and two others, ``CHORD`` from it."""
    n = len(points)
    a, b, c = points[(k - CHORD) % n], points[k], points[(k + CHORD) % n]
    sides = 2.0 * np.array([b - a, c - a])
    squares = np.array([b @ b - a @ a, c @ c - a @ a])
    return np.asarray(np.linalg.solve(sides, squares))


def _share(circles: Array) -> Array:
    """Returns 1 near a bend's middle and 0 far from it, with a smooth step between."""
    first, last = NEAR_CIRCLES
    t = np.clip((last - circles) / (last - first), 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(math.pi * t))
