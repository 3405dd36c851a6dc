"""Simplexes of Gilbert's, Johnson's and Keerthi's algorithm (1988), bit for bit as Box2D's.

A simplex has up to three differences of a corner of a shape and one of a tile; the origin is in or
near their hull where the two polygons meet. It is an array (3, 8) of rows: the tile's corner, the
shape's, their difference, its weight in the point next to the origin, and a number of both corners.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.joint_rows import ONE, ZERO, cross
from agent.worlds.car_racing.exact.kinds import routine

TILE_X, TILE_Y, SHAPE_X, SHAPE_Y, X, Y, WEIGHT, NUMBER = range(8)
SIMPLEX_SHAPE = (3, 8)
NUMBERS = 16  # more than a shape's corners


@routine
def put_corners(
    row: Floats, tile: Floats, placed: Floats, a: int, b: int
) -> None:  # pragma: no cover - compiled
    """Writes a row of the simplex.

    :param row: to write
    :param tile: (4, 2) corners
    :param placed: (8, 2) the shape's corners on the ground
    :param a: corner of the tile
    :param b: corner of the shape
    """
    row[TILE_X] = tile[a, 0]
    row[TILE_Y] = tile[a, 1]
    row[SHAPE_X] = placed[b, 0]
    row[SHAPE_Y] = placed[b, 1]
    row[X] = row[SHAPE_X] - row[TILE_X]
    row[Y] = row[SHAPE_Y] - row[TILE_Y]
    row[WEIGHT] = ONE
    row[NUMBER] = np.float32(a * NUMBERS + b)


@routine
def _along(simplex: Floats, at: int, first: int, second: int) -> np.float32:  # pragma: no cover
    """Returns the product of difference ``at`` and the side from ``first`` to ``second``.

    :param simplex: with all rows named
    :param at: row
    :param first: row where the side begins
    :param second: row where it ends
    """
    x = simplex[second, X] - simplex[first, X]
    y = simplex[second, Y] - simplex[first, Y]
    return simplex[at, X] * x + simplex[at, Y] * y


@routine
def _copy_row(simplex: Floats, to: int, row: int) -> None:  # pragma: no cover - compiled
    """Writes a row over another; a slice would be an array made anew.

    :param simplex: to change
    :param to: row to write
    :param row: to copy
    """
    for column in range(simplex.shape[1]):
        simplex[to, column] = simplex[row, column]


@routine
def _keep_one(simplex: Floats, row: int) -> int:  # pragma: no cover - compiled
    """Leaves one row of the simplex; returns its size."""
    _copy_row(simplex, 0, row)
    simplex[0, WEIGHT] = ONE
    return 1


@routine
def _keep_two(
    simplex: Floats, first: int, second: int, to_second: np.float32, to_first: np.float32
) -> int:  # pragma: no cover - compiled
    """Leaves two rows with their weights; returns the size.

    :param simplex: to change
    :param first: row to keep
    :param second: row to keep
    :param to_second: share of the first, before they are made to sum to 1
    :param to_first: share of the second
    """
    inverse = ONE / (to_second + to_first)
    simplex[first, WEIGHT] = to_second * inverse
    simplex[second, WEIGHT] = to_first * inverse
    if second == 2:  # it takes the place of the row that goes
        _copy_row(simplex, 3 - second - first, second)
    return 2


@routine
def reduce_side(simplex: Floats) -> int:  # pragma: no cover - compiled
    """Leaves the part of a side that is next to the origin; returns the size."""
    to_first = -_along(simplex, 0, 0, 1)
    if to_first <= ZERO:
        return _keep_one(simplex, 0)
    to_second = _along(simplex, 1, 0, 1)
    if to_second <= ZERO:
        return _keep_one(simplex, 1)
    return _keep_two(simplex, 0, 1, to_second, to_first)


@routine
def reduce_triangle(simplex: Floats) -> int:  # pragma: no cover - compiled
    """Leaves the part of a triangle that is next to the origin, 3 if it is inside."""
    a12, b12 = _along(simplex, 1, 0, 1), -_along(simplex, 0, 0, 1)
    a13, b13 = _along(simplex, 2, 0, 2), -_along(simplex, 0, 0, 2)
    a23, b23 = _along(simplex, 2, 1, 2), -_along(simplex, 1, 1, 2)
    x1, y1, x2, y2 = simplex[0, X], simplex[0, Y], simplex[1, X], simplex[1, Y]
    x3, y3 = simplex[2, X], simplex[2, Y]
    area = cross(x2 - x1, y2 - y1, x3 - x1, y3 - y1)
    if b12 <= ZERO and b13 <= ZERO:
        return _keep_one(simplex, 0)
    if a12 > ZERO and b12 > ZERO and area * cross(x1, y1, x2, y2) <= ZERO:
        return _keep_two(simplex, 0, 1, a12, b12)
    if a13 > ZERO and b13 > ZERO and area * cross(x3, y3, x1, y1) <= ZERO:
        return _keep_two(simplex, 0, 2, a13, b13)
    if a12 <= ZERO and b23 <= ZERO:
        return _keep_one(simplex, 1)
    if a13 <= ZERO and a23 <= ZERO:
        return _keep_one(simplex, 2)
    if a23 > ZERO and b23 > ZERO and area * cross(x2, y2, x3, y3) <= ZERO:
        return _keep_two(simplex, 1, 2, a23, b23)
    return 3


@routine
def to_origin(
    simplex: Floats, size: int
) -> tuple[np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the direction from the simplex to the origin."""
    x, y = simplex[0, X], simplex[0, Y]
    if size == 1:
        return -x, -y
    along_x = simplex[1, X] - x
    along_y = simplex[1, Y] - y
    if cross(along_x, along_y, -x, -y) > ZERO:
        return -along_y, along_x
    return along_y, -along_x


@routine
def gap(simplex: Floats, size: int) -> np.float32:  # pragma: no cover - compiled
    """Returns the distance of the two points that are next to each other."""
    if size == 3:
        return ZERO
    one, two = simplex[0], simplex[1]
    if size == 1:
        x, y = one[TILE_X] - one[SHAPE_X], one[TILE_Y] - one[SHAPE_Y]
        return np.sqrt(x * x + y * y)
    x = one[WEIGHT] * one[TILE_X] + two[WEIGHT] * two[TILE_X]
    y = one[WEIGHT] * one[TILE_Y] + two[WEIGHT] * two[TILE_Y]
    x -= one[WEIGHT] * one[SHAPE_X] + two[WEIGHT] * two[SHAPE_X]
    y -= one[WEIGHT] * one[SHAPE_Y] + two[WEIGHT] * two[SHAPE_Y]
    return np.sqrt(x * x + y * y)
