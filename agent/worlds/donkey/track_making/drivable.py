"""Faults of a circuit: bends that are too tight for a car, legs of the road that overlap."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator import vehicle
from agent.simulator.typing import Array
from agent.worlds.donkey.track_making.circuit import SAMPLE_U, Circuit

SMALLEST_CIRCLE_U = vehicle.WHEELBASE_U / math.tan(vehicle.STEER_MAX)  # 5.59
CHORD = 2  # chosen: points on either side, through which a bend's circle is laid
# Chosen. Legs that are nearer along the line than this times the road's width are one bend. Others
# may share this of the road's width, as kerbs of two legs do. They may cross where the sine of the
# angle between them is so large, as ``loops`` has it.
NEIGHBOURS_WIDTHS = 3.0
SHARED = 0.1
LEAST_CROSSING_SINE = 0.5
ROWS = 500  # compared at once
MOST_COMPARED = 6000  # points, of which every other one and so on is left out


class Fault(NamedTuple):
    """One thing that cannot be driven.

    :param text: what it is and where
    :param x: place, u
    :param z: place, u
    """

    text: str
    x: float
    z: float


def radii(points: Array) -> Array:
    """Returns the radius (n,) in u of the bend at each of (n, 2) points of a closed line.

    It is that of the circle through the point and those ``CHORD`` before and after it.
    """
    before = np.roll(points, CHORD, axis=0)
    after = np.roll(points, -CHORD, axis=0)
    sides = [np.hypot(*each.T) for each in (points - before, after - points, after - before)]
    across = np.abs(
        (points - before)[:, 0] * (after - before)[:, 1]
        - (points - before)[:, 1] * (after - before)[:, 0]
    )
    return np.asarray(sides[0] * sides[1] * sides[2] / np.maximum(2.0 * across, 1e-9))


def tight_bends(circuit: Circuit) -> list[Fault]:
    """Returns every bend that is tighter than the car's smallest circle, at its tightest point."""
    radius = radii(circuit.points)
    faults = []
    for run in tight_runs(circuit.points):
        k = int(run[np.argmin(radius[run])])
        text = (
            f"a bend of {radius[k]:.1f} u radius {_place(circuit, k)},"
            f" the car's smallest is {SMALLEST_CIRCLE_U:.1f} u"
        )
        faults.append(Fault(text, *circuit.points[k].tolist()))
    return faults


def tight_runs(points: Array) -> list[NDArray[np.int64]]:
    """Returns the indices of each bend's points where it is tighter than the smallest circle."""
    return _runs(radii(points) < SMALLEST_CIRCLE_U)


def overlapping_legs(circuit: Circuit, width_u: float) -> list[Fault]:
    """Returns every place where two legs of the road share it; nearly square crossings may.

    :param circuit: the middle of the road
    :param width_u: of the road
    """
    near = _meetings(circuit.points, width_u * (1.0 - SHARED), NEIGHBOURS_WIDTHS * width_u)
    faults = []
    for run in _runs(near[:, 0] >= 0.0):
        away = near[run, 1]
        k = int(run[np.argmin(away)])
        other = int(near[k, 0])
        if other < k:
            continue  # told from the other leg already
        text = (
            f"two legs {away.min():.1f} u apart {_place(circuit, k)} and {_place(circuit, other)},"
            f" on a road of {width_u:.1f} u"
        )
        faults.append(Fault(text, *circuit.points[k].tolist()))
    return faults


def _place(circuit: Circuit, k: int) -> str:
    x, z = circuit.points[k].round().astype(int)
    return f"at x {x}, z {z} ({circuit.labels[k]}, {k * SAMPLE_U:.0f} u along)"


def _runs(flags: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Returns the indices of each run of true values on a closed line."""
    if flags.all():
        return [np.arange(len(flags))]
    indices = np.flatnonzero(flags)
    if not len(indices):
        return []
    runs = np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)
    if len(runs) > 1 and indices[0] == 0 and indices[-1] == len(flags) - 1:
        runs[0] = np.concatenate([runs.pop(), runs[0]])
    return runs


def _meetings(points: Array, near_u: float, neighbours_u: float) -> Array:
    """Returns for each point the nearest one of another leg, and how far it is (n, 2).

    Both are -1 where none is nearer than ``near_u``, or the legs cross nearly at right angles.

    :param points: (n, 2), ``SAMPLE_U`` apart
    :param near_u: how near
    :param neighbours_u: points nearer along the line are of one leg
    """
    n = len(points)
    direction = np.roll(points, -1, axis=0) - points
    direction /= np.hypot(*direction.T)[:, None]
    others = np.arange(0, n, math.ceil(n / MOST_COMPARED))
    found = np.full((n, 2), -1.0)
    for begin in range(0, n, ROWS):
        rows = np.arange(begin, min(begin + ROWS, n))
        away = points[rows, None] - points[others]
        away_u = np.hypot(away[..., 0], away[..., 1])
        along = np.abs(rows[:, None] - others)
        along_u = np.minimum(along, n - along) * SAMPLE_U
        one, other = direction[rows, None], direction[others]
        sine = np.abs(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])
        away_u[(along_u < neighbours_u) | (sine > LEAST_CROSSING_SINE)] = math.inf
        nearest = away_u.argmin(axis=1)
        nearest_u = away_u[np.arange(len(rows)), nearest]
        meets = nearest_u < near_u
        found[rows[meets]] = np.column_stack([others[nearest], nearest_u])[meets]
    return found
