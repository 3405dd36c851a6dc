"""Paths of centre lines that are computed: splines, turtle programs and the random open road.

Closed random roads have rules of their own, see ``loops``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.typing import Array

SPLINE_SPACING_U = 1.0  # chosen: between nodes, where a path gives no spacing_u of its own
# The random road turns away when the point this far ahead comes this near to a node that is
# already laid (sdsandbox's road builder).
LOOK_AHEAD_U = 100.0
KEEP_AWAY_U = 90.0
TURN_BACK = -0.5  # factor of the turn then (sdsandbox's road builder)
FINE_POINTS = 16  # chosen: points a spline's length is measured with, for each control point


def periodic_spline(points: Array, spacing_u: float) -> Array:
    """Returns nodes about ``spacing_u`` apart on the closed cubic spline through ``points``.

    These are (n, 3) or more columns, of which the first two are the place. The spline has
    continuous second derivatives in the chord length. Its moments solve the cyclic tridiagonal
    system
    h[i-1] M[i-1] + 2 (h[i-1] + h[i]) M[i] + h[i] M[i+1] = 6 (slope[i] - slope[i-1]).
    """
    n = len(points)
    ahead = np.roll(points, -1, axis=0)
    h = np.hypot(*(ahead - points)[:, :2].T)
    slope = (ahead - points) / h[:, None]
    system = np.zeros((n, n))
    row = np.arange(n)
    system[row, row] = 2 * (np.roll(h, 1) + h)
    system[row, row - 1] += np.roll(h, 1)
    system[row, (row + 1) % n] += h
    moment = np.linalg.solve(system, 6 * (slope - np.roll(slope, 1, axis=0)))
    moment_ahead = np.roll(moment, -1, axis=0)
    knots = np.concatenate([[0.0], np.cumsum(h)])

    def at(t: Array) -> Array:
        i = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, n - 1)
        hi = h[i][:, None]
        u = (t - knots[i])[:, None]
        v = hi - u
        curve = (moment[i] * v**3 + moment_ahead[i] * u**3) / (6 * hi)
        from_here = (points[i] / hi - moment[i] * hi / 6) * v
        from_next = (ahead[i] / hi - moment_ahead[i] * hi / 6) * u
        return np.asarray(curve + (from_here + from_next))

    fine = at(np.linspace(0.0, knots[-1], FINE_POINTS * n * max(1, int(knots[-1] / n)) + 1))
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(fine[:, :2], axis=0).T))])
    count = round(arc[-1] / spacing_u)
    wanted = np.linspace(0.0, arc[-1], count, endpoint=False)
    return np.stack([np.interp(wanted, arc, fine[:, k]) for k in range(points.shape[1])], axis=1)


def turtle(start: list[float], span_u: float, script: str) -> Array:
    """Returns the nodes (n, 3) that a turtle program draws (sdsandbox's track scripts).

    ``S n`` goes n spans straight. ``DY a`` sets the turn per span in degrees. ``R n`` and ``L n``
    turn right and left for n spans. Every span stores its point, then turns, then moves.

    :param start: x, z and height, u
    :param span_u: length of a span
    :param script: commands, separated by commas
    """
    x, z, height = start
    heading_deg = 0.0
    turn_deg = 0.0
    nodes: list[tuple[float, float, float]] = []
    for command in script.split(","):
        word, number = command.split()
        if word == "DY":
            turn_deg = float(number)
            continue
        sign = {"S": 0.0, "R": 1.0, "L": -1.0}[word]
        for _ in range(int(number)):
            nodes.append((x, z, height))
            heading_deg += sign * turn_deg
            x += span_u * math.sin(math.radians(heading_deg))
            z += span_u * math.cos(math.radians(heading_deg))
    return np.array(nodes)


@njit(cache=True)
def random_road(start: Array, span_u: float, turns: Array) -> Array:  # pragma: no cover - compiled
    """Returns the nodes (n, 3) of a random road.

    The turn from span to span accumulates; it is reversed before the road meets itself.

    :param start: x, z and height, u
    :param span_u: length of a span
    :param turns: change of the turn in each span, (n,), radians
    """
    n = len(turns)
    nodes = np.empty((n, 3))
    x, z = start[0], start[1]
    heading = 0.0
    turn = 0.0
    for i in range(n):
        nodes[i, 0] = x
        nodes[i, 1] = z
        nodes[i, 2] = start[2]
        turn += turns[i]
        heading += turn
        ahead_x, ahead_z = x + LOOK_AHEAD_U * np.sin(heading), z + LOOK_AHEAD_U * np.cos(heading)
        for k in range(i + 1):
            if (nodes[k, 0] - ahead_x) ** 2 + (nodes[k, 1] - ahead_z) ** 2 < KEEP_AWAY_U**2:
                turn *= TURN_BACK
                heading += turn
                break
        x += span_u * np.sin(heading)
        z += span_u * np.cos(heading)
    return nodes


@njit(cache=True)
def needed_nodes(
    nodes: Array, longest_u: float, error_u: float
) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """Returns indices of nodes between which the others lie on straight lines, (k,).

    :param nodes: (n, 3)
    :param longest_u: longest such line, about
    :param error_u: distance that a node may have from it
    """
    kept = [0]
    for end in range(2, len(nodes)):
        x, z = nodes[kept[-1], 0], nodes[kept[-1], 1]
        dx, dz = nodes[end, 0] - x, nodes[end, 1] - z
        length = math.hypot(dx, dz)
        error = 0.0
        for i in range(kept[-1] + 1, end):
            away = abs((nodes[i, 0] - x) * dz - (nodes[i, 1] - z) * dx) / max(length, 1e-9)
            error = max(error, away)
        if length > longest_u or error > error_u:
            kept.append(end - 1)
    kept.append(len(nodes) - 1)
    return np.array(kept)
