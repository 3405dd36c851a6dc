"""Random polygons whose corners a loop's road rounds. All shares and factors here are chosen."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from agent.simulator.typing import Array

MOST_CELLS = 40  # of a tree
TANGLE_CORNERS = (4, 8)  # fewest and most

Cell = tuple[int, int]
Draw = Callable[[float], Array]  # corners (n, 2) for a strength in (0, 1]


def _scaled(corners: Array, length_u: float) -> Array:
    """Returns the corners with sides ``length_u`` together."""
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    return np.asarray(corners * (length_u / sides.sum()))


def ring(rng: np.random.Generator, length_u: float) -> Draw:
    """Returns what draws corners once round the origin, for sides of ``length_u`` together."""
    n = max(5, round(length_u / math.exp(rng.uniform(*np.log((18.0, 100.0))))))
    ruggedness = rng.uniform(0.2, 2.0)
    sway = rng.uniform(0.0, 1.2)

    def draw(calm: float) -> Array:
        rugged = calm * ruggedness  # how far a corner may be moved, in sides
        shift = rng.uniform(-0.4, 0.4, size=n) * min(rugged, 1.0)
        angle = 2.0 * math.pi * (np.arange(n) + shift) / n
        waves = sum(
            rng.normal() / k * np.cos(k * angle + rng.uniform(0.0, 2.0 * math.pi))
            for k in (2, 3, 4, 5, 6)
        )
        moved = rugged * rng.uniform(-1.0, 1.0, size=n) * 2.0 * math.pi / n
        radius = np.maximum(1.0 + calm * sway * waves + moved, 0.2)
        corners = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return _scaled(corners, 1.08 * length_u)

    return draw


def tangle(rng: np.random.Generator, length_u: float) -> Draw:
    """Returns what draws the corners of a small ring in any order, so that its sides cross."""
    n = int(rng.integers(TANGLE_CORNERS[0], TANGLE_CORNERS[1] + 1))

    def draw(_: float) -> Array:
        angle = 2.0 * math.pi * (np.arange(n) + rng.uniform(-0.35, 0.35, n)) / n
        ring = rng.uniform(0.4, 1.0, n)[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return _scaled(ring[rng.permutation(n)], 1.15 * length_u)

    return draw


def outline(rng: np.random.Generator, length_u: float, tightest_u: float, apart_u: float) -> Draw:
    """Returns what draws corners round a random tree of square cells.

    Every cell is two points wide. So legs side by side lie as far apart as points do, and a cell at
    the end of a branch is a hairpin.

    :param rng: draws the tree and the corners
    :param length_u: about so long
    :param tightest_u: radius of the tightest bend
    :param apart_u: least distance of legs side by side
    """
    pitch_u = max(2.0 * tightest_u, apart_u) * 1.05 * 3.0 ** (rng.random() ** 3)
    links = _tree(rng, max(2, min(round(length_u / (4.0 * pitch_u)), MOST_CELLS)))
    first = (0, 0)
    points = [first, _next_point(links, first, first)]
    while points[-1] != first:
        points.append(_next_point(links, points[-1], points[-2]))
    grid = np.array(points[:-1], dtype=float)
    ahead = np.roll(grid, -1, axis=0) - grid
    behind = grid - np.roll(grid, 1, axis=0)
    corners = grid[np.any(ahead != behind, axis=1)]
    corners = corners * pitch_u * np.array([1.0, rng.uniform(1.0, 1.6)])

    def draw(calm: float) -> Array:
        shift = calm * rng.uniform(-0.2, 0.2, size=corners.shape) * pitch_u
        return np.asarray(corners + shift)

    return draw


def _tree(rng: np.random.Generator, n: int) -> set[tuple[Cell, Cell]]:
    """Returns the links, both ways, of a random tree of ``n`` cells beside each other."""
    steps = ((1, 0), (0, 1), (-1, 0), (0, -1))
    cells = [(0, 0)]
    links: set[tuple[Cell, Cell]] = set()
    while len(cells) < n:
        cell = cells[rng.integers(len(cells))]
        step = steps[rng.integers(4)]
        beside = (cell[0] + step[0], cell[1] + step[1])
        if beside not in cells:
            cells.append(beside)
            links |= {(cell, beside), (beside, cell)}
    return links


def _next_point(links: set[tuple[Cell, Cell]], point: Cell, before: Cell) -> Cell:
    """Returns the neighbour of a point on the tree's outline that is not the one before.

    It lies along the cell's own side, or in the neighbour where the tree goes through that side.
    """
    cell = (point[0] // 2, point[1] // 2)
    inner = (point[0] % 2, point[1] % 2)
    for axis in (0, 1):
        out = 2 * inner[axis] - 1
        beyond = (cell[0] + (1 - axis) * out, cell[1] + axis * out)
        step = (axis, 1 - axis)
        sign = 1 - 2 * inner[1 - axis]
        if (cell, beyond) in links:
            step = (1 - axis, axis)
            sign = out
        found = (point[0] + sign * step[0], point[1] + sign * step[1])
        if found != before:
            return found
    raise AssertionError("every point has two neighbours")
