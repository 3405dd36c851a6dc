"""Lines of circuits for the tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from agent.worlds.donkey.track_making.circuit import Circuit, evenly_sampled
from agent.worlds.donkey.track_making.line_read import LineRead, Points


def bean(count: int = 40, size: float = 100.0) -> Points:
    """A round circuit with unlike bends, (n, 2)."""
    turn = 2.0 * np.pi * np.arange(count) / count
    radius = size * (1.0 + 0.2 * np.sin(2 * turn + 0.5) + 0.12 * np.cos(3 * turn))
    return np.column_stack([1.4 * radius * np.cos(turn), radius * np.sin(turn)])


def read(points: Points, widths: Points | None = None, *, is_loop: bool = True) -> LineRead:
    labels = [f"line {k}" for k in range(1, len(points) + 1)]
    return LineRead(np.asarray(points, dtype=float), labels, is_loop, widths)


def circuit(points: Points) -> Circuit:
    even = evenly_sampled(np.asarray(points, dtype=float))
    return Circuit(even, [f"point {k}" for k in range(len(even))])


def polygon(*corners: tuple[float, float]) -> Points:
    """Points all along the sides of a polygon."""
    ends = np.array([*corners, corners[0]], dtype=float)
    sides = [np.linspace(a, b, 40, endpoint=False) for a, b in pairwise(ends)]
    return np.vstack(sides)


def stadium(radius_u: float, straight_u: float = 80.0) -> Points:
    """Two straights and two half circles, anticlockwise."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 60)
    bend = radius_u * np.column_stack([np.cos(turn), np.sin(turn)])
    half = np.array([straight_u / 2, 0.0])
    side = np.column_stack([np.linspace(-half[0], half[0], 40)[1:-1], np.full(38, -radius_u)])
    return np.vstack([side, bend + half, -side, -bend - half])
