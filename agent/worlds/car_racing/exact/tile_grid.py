"""The tiles of a track as Box2D keeps them, and a grid of cells that tells which may be near.

A tile may lie near another one of quite a different number, where the road crosses itself, so the
grid is of the ground and not of the road.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agent.worlds.car_racing.exact.arrays import Bytes, Floats, Ints
from agent.worlds.car_racing.exact.kinds import kernel, routine

CORNERS = 4
CELL = 8.0  # units
FIELD = 340.0  # half the side of the grid; what lies beyond counts to the cells of the border
COLUMNS = 85  # 2 x 340 / 8
CELLS = COLUMNS * COLUMNS
# No point of a body's shape is further from its origin; the hull's furthest are at 2.863.
REACH = 3.0
MOST_CELLS_OF_A_TILE = 16  # a tile is at most 13.8 long and 7.4 wide, besides its reach


class TileGrid(NamedTuple):
    """n tiles: corners from the rightmost on, anticlockwise; ``edges`` their outward normals.

    ``corners``: (n, 4, 2) float32; ``counts``: (n,) corners used; ``edges``: (n, 4, 3) unit normal
    and its product with a corner, an unused edge is 0; ``starts``: (cells + 1,) places in
    ``listed`` where a cell's tiles begin.
    """

    corners: Floats
    counts: Bytes
    edges: Floats
    starts: Ints
    listed: Ints


def make_grid(quads: Floats) -> TileGrid:
    """Returns the tiles and their grid.

    :param quads: (n, 4, 2) corners as they were laid
    """
    n = len(quads)
    grid = TileGrid(
        corners=np.zeros((n, CORNERS, 2), np.float32),
        counts=np.empty(n, np.uint8),
        edges=np.zeros((n, CORNERS, 3), np.float32),
        starts=np.zeros(CELLS + 1, np.int32),
        listed=np.empty(n * MOST_CELLS_OF_A_TILE, np.int32),
    )
    _wrap_all(quads, grid)
    count = _list(grid.corners, grid.counts, grid.starts, grid.listed)
    return grid._replace(listed=grid.listed[:count].copy())


@routine
def _rightmost(quad: Floats) -> int:  # pragma: no cover - compiled
    """Returns the number of the rightmost corner, the lowest of those."""
    best = 0
    for i in range(1, CORNERS):
        x, best_x = quad[i, 0], quad[best, 0]
        if x > best_x or (x == best_x and quad[i, 1] < quad[best, 1]):
            best = i
    return best


@routine
def _next_corner(quad: Floats, here: int) -> int:  # pragma: no cover - compiled
    """Returns the corner that has all others to its left, seen from ``here``; else the furthest."""
    best = 0
    for j in range(1, CORNERS):
        if best == here:
            best = j
            continue
        best_x = quad[best, 0] - quad[here, 0]
        best_y = quad[best, 1] - quad[here, 1]
        x = quad[j, 0] - quad[here, 0]
        y = quad[j, 1] - quad[here, 1]
        left = best_x * y - best_y * x
        further = x * x + y * y > best_x * best_x + best_y * best_y
        if left < 0 or (left == 0 and further):
            best = j
    return best


@kernel
def wrap(quad: Floats, corners: Floats) -> int:  # pragma: no cover - compiled
    """Writes the corners of the convex hull, by Jarvis's march in float32; returns their number.

    :param quad: (4, 2)
    :param corners: (4, 2) to write
    """
    first = _rightmost(quad)
    here = first
    for count in range(CORNERS):
        corners[count, 0] = quad[here, 0]
        corners[count, 1] = quad[here, 1]
        here = _next_corner(quad, here)
        if here == first:
            return count + 1
    return CORNERS


@kernel
def _wrap_all(quads: Floats, grid: TileGrid) -> None:  # pragma: no cover - compiled
    """Writes corners, counts and edges of all tiles."""
    for i in range(quads.shape[0]):
        corners = grid.corners[i]
        count = wrap(quads[i], corners)
        grid.counts[i] = count
        for j in range(count):
            k = (j + 1) % count
            x = corners[k, 1] - corners[j, 1]
            y = corners[j, 0] - corners[k, 0]
            length = np.sqrt(x * x + y * y)
            x /= length
            y /= length
            grid.edges[i, j, 0] = x
            grid.edges[i, j, 1] = y
            grid.edges[i, j, 2] = x * corners[j, 0] + y * corners[j, 1]


@kernel
def column(x: float) -> int:  # pragma: no cover - compiled
    """Returns the column, or the row, of cells for a coordinate."""
    return min(max(int((x + FIELD) / CELL), 0), COLUMNS - 1)


@routine
def _cells(corners: Floats, count: int) -> tuple[int, int, int, int]:  # pragma: no cover - compiled
    """Returns first and last column, first and last row from which a tile can be reached."""
    left = right = corners[0, 0]
    bottom = top = corners[0, 1]
    for j in range(1, count):
        left = min(left, corners[j, 0])
        right = max(right, corners[j, 0])
        bottom = min(bottom, corners[j, 1])
        top = max(top, corners[j, 1])
    return (
        column(left - REACH),
        column(right + REACH),
        column(bottom - REACH),
        column(top + REACH),
    )


@kernel
def _list(
    corners: Floats, counts: Bytes, starts: Ints, listed: Ints
) -> int:  # pragma: no cover - compiled
    """Writes the tiles of each cell in the order of cells; returns their number.

    :param corners: (n, 4, 2) of the tiles
    :param counts: (n,) corners used
    :param starts: (cells + 1,) zeros, to write
    :param listed: to write
    """
    for i in range(corners.shape[0]):
        left, right, bottom, top = _cells(corners[i], counts[i])
        for row in range(bottom, top + 1):
            for at in range(row * COLUMNS + left, row * COLUMNS + right + 1):
                starts[at + 1] += 1
    for cell in range(CELLS):
        starts[cell + 1] += starts[cell]
    total = starts[CELLS]
    # Filled from the end of each cell, from the last tile: so `starts` needs no copy.
    for i in range(corners.shape[0] - 1, -1, -1):
        left, right, bottom, top = _cells(corners[i], counts[i])
        for row in range(bottom, top + 1):
            for at in range(row * COLUMNS + left, row * COLUMNS + right + 1):
                starts[at + 1] -= 1
                listed[starts[at + 1]] = i
    # Each start now stands one cell too far on.
    for cell in range(CELLS):
        starts[cell] = starts[cell + 1]
    starts[CELLS] = total
    return total
