"""Distance of a tile and a shape, bit for bit as Box2D's: for touches that are decided by a hair.

A simplex walks towards the origin from corner to corner; all is float32.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.simplex import (
    NUMBER,
    gap,
    put_corners,
    reduce_side,
    reduce_triangle,
    to_origin,
)

EPSILON = np.float32(1.1920929e-7)
MOST_WALKS = 20
SKIN = np.float32(2.0) * np.float32(0.005)  # around both, units
SKINS = SKIN + SKIN


@routine
def _farthest(corners: Floats, count: int, x: np.float32, y: np.float32) -> int:  # pragma: no cover
    """Returns the number of the corner that is farthest in a direction.

    :param corners: (c, 2)
    :param count: corners used
    :param x: direction
    :param y: the same
    """
    best = 0
    most = corners[0, 0] * x + corners[0, 1] * y
    for i in range(1, count):
        value = corners[i, 0] * x + corners[i, 1] * y
        if value > most:
            best = i
            most = value
    return best


@routine
def _is_new(simplex: Floats, size: int, kept: Floats, count: int) -> bool:  # pragma: no cover
    """True if the row after the last is of two corners that the last simplex did not have.

    :param simplex: with a row after its last
    :param size: of the simplex without it
    :param kept: (3,) numbers of the last simplex
    :param count: of them
    """
    new = True
    for i in range(count):
        if kept[i] == simplex[size, NUMBER]:
            new = False
    return new


@routine
def measure(
    tile: Floats,
    tile_count: int,
    shape: Floats,
    placed: Floats,
    count: int,
    turn: Floats,
    simplex: Floats,
    kept: Floats,
) -> np.float32:  # pragma: no cover - compiled
    """Returns the distance of a tile and a shape without their skins, units.

    :param tile: (4, 2) corners
    :param tile_count: of them, used
    :param shape: (8, 2) corners in the body's frame
    :param placed: (8, 2) the same on the ground
    :param count: of them, used
    :param turn: (2,) sine and cosine of the body's angle
    :param simplex: (3, 8) room
    :param kept: (3,) room
    """
    sin, cos = turn[0], turn[1]
    put_corners(simplex[0], tile, placed, 0, 0)
    size = 1
    for _ in range(MOST_WALKS):
        count_kept = size
        for i in range(size):
            kept[i] = simplex[i, NUMBER]
        if size == 2:
            size = reduce_side(simplex)
        elif size == 3:
            size = reduce_triangle(simplex)
            if size == 3:
                break
        x, y = to_origin(simplex, size)
        if x * x + y * y < EPSILON * EPSILON:
            break
        a = _farthest(tile, tile_count, -x, -y)
        b = _farthest(shape, count, cos * x + sin * y, -sin * x + cos * y)
        put_corners(simplex[size], tile, placed, a, b)
        if not _is_new(simplex, size, kept, count_kept):
            break
        size += 1
    return gap(simplex, size)


@routine
def touches(distance: np.float32) -> bool:  # pragma: no cover - compiled
    """True if two polygons at this distance touch with their skins."""
    return bool(distance <= SKINS or distance - SKINS < np.float32(10.0) * EPSILON)
