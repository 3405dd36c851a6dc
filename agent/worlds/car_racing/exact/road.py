"""The road: a quadrilateral tile from each point to the one before, and kerbs in hard turns."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from agent.worlds.car_racing.exact.arrays import Doubles, Ints
from agent.worlds.car_racing.exact.centre_line import HEADING, MOST_TURN, SCALE, X, Y
from agent.worlds.car_racing.exact.kinds import routine

HALF_WIDTH = 40 / SCALE
KERB_WIDTH = 8 / SCALE
KERB_POINTS = 4  # that turn hard to one side before a kerb is laid, and beside which it is laid
HARD_TURN = MOST_TURN * 0.2  # rad per step
NO_TILE = -1

# Kinds of polygons: three shades of road by turns, and two kerbs.
ROAD_SHADES = 3
WHITE_KERB = 3
RED_KERB = 4


@routine
def _turns_hard(points: Doubles, i: int) -> bool:  # pragma: no cover - compiled
    """True if the last differences of heading are great and to one side."""
    sides = 0.0
    for back in range(KERB_POINTS):
        turn = points[i - back, HEADING] - points[i - back - 1, HEADING]
        if not abs(turn) > HARD_TURN:
            return False
        sides += np.sign(turn)
    return abs(sides) == KERB_POINTS


@njit(cache=True, error_model="numpy")
def _mark_kerbs(points: Doubles, marks: Ints) -> None:  # pragma: no cover - compiled
    """Writes 1 for points with a kerb, else 0; points before a mark at the end are marked on."""
    count = points.shape[0]
    for i in range(count):
        marks[i] = 1 if _turns_hard(points, i) else 0
    for i in range(count):
        if marks[i]:
            for back in range(KERB_POINTS):
                marks[i - back] = 1


@routine
def _lay(
    polygon: Doubles, points: Doubles, i: int, left: float, right: float
) -> None:  # pragma: no cover - compiled
    """Writes the quadrilateral between point ``i`` and the one before.

    :param polygon: (4, 2) to write
    :param points: of the centre line
    :param i: number of the point
    :param left: first corner's distance from the line across the heading
    :param right: second corner's
    """
    here, before = points[i], points[i - 1]
    polygon[0, 0] = here[X] + left * math.cos(here[HEADING])
    polygon[0, 1] = here[Y] + left * math.sin(here[HEADING])
    polygon[1, 0] = here[X] + right * math.cos(here[HEADING])
    polygon[1, 1] = here[Y] + right * math.sin(here[HEADING])
    polygon[2, 0] = before[X] + right * math.cos(before[HEADING])
    polygon[2, 1] = before[Y] + right * math.sin(before[HEADING])
    polygon[3, 0] = before[X] + left * math.cos(before[HEADING])
    polygon[3, 1] = before[Y] + left * math.sin(before[HEADING])


@njit(cache=True, error_model="numpy")
def lay_road(
    points: Doubles, polygons: Doubles, kinds: Ints, tile_of: Ints
) -> int:  # pragma: no cover - compiled
    """Writes the polygons in the order in which they are drawn; returns their number.

    :param points: (n, 4) of the centre line
    :param polygons: (2 n, 4, 2) to write
    :param kinds: (2 n,) to write: shade of the road, or kerb
    :param tile_of: (2 n,) to write: the tile, or ``NO_TILE`` for a kerb
    """
    count = points.shape[0]
    marks = np.empty(count, np.int32)
    _mark_kerbs(points, marks)
    m = 0
    for i in range(count):
        _lay(polygons[m], points, i, -HALF_WIDTH, HALF_WIDTH)
        kinds[m] = i % ROAD_SHADES
        tile_of[m] = i
        m += 1
        if marks[i]:
            side = np.sign(points[i - 1, HEADING] - points[i, HEADING])
            _lay(polygons[m], points, i, side * HALF_WIDTH, side * (HALF_WIDTH + KERB_WIDTH))
            kinds[m] = WHITE_KERB if i % 2 == 0 else RED_KERB
            tile_of[m] = NO_TILE
            m += 1
    return m
