"""The window before it is shrunk: cells of one paint, and pixels where a cell has several.

A paint is a colour and its place in the order of drawing: what is drawn later has a higher number.
Rows are counted from the top of the picture, where the car looks to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from agent.worlds.car_racing.exact.cells import (
    BAND_ROWS,
    CELL_OF,
    FIRST_PIXEL,
    PLACE_OF,
    PLACES,
    SIZE,
)
from agent.worlds.car_racing.exact.kinds import part
from agent.worlds.car_racing.exact.lanes import cover_12
from agent.worlds.car_racing.exact.memory import read, write, write_4

MIXED = np.uint16(0xFFFF)  # in place of a cell's paint: its pixels differ
MOST_CORNERS = 8
# A pixel: red, green, blue and the paint, each in 16 bits.
GREEN = np.uint64(16)
BLUE = np.uint64(32)
PAINT = np.uint64(48)
LANE = np.uint64(0xFF)
COLOURS = np.uint64(0x00FF00FF00FF)
IN_ALL_LANES = np.uint64(0x0001000100010001)
OPAQUE = np.uint64(256)
EIGHT = np.uint64(8)


class Canvas(NamedTuple):
    """Room for a band of rows, and for what all bands share."""

    cells: Any  # paint of each cell, (BAND_ROWS, SIZE) uint16
    pixels: Any  # of mixed cells, (BAND_ROWS, SIZE * PLACES) uint64
    paints: Any  # pixel of each paint, (paints,) uint64
    corners: Any  # of each paint's polygon, window pixels, (paints, 4, 2) int64
    heights: Any  # least and greatest y of each paint's polygon, (paints, 2) int64
    ends: Any  # first and last column that a paint covers in a row, (paints, BAND_ROWS, 2) int16
    crossings: Any  # of a polygon's sides with each row, (2, BAND_ROWS) int64
    found: Any  # crossings with one row, (MOST_CORNERS,) int64
    shrunk: Any  # paints after the shrinking along rows, (paints,) uint64
    flat: Any  # paints after both, (paints,) uint64
    same: Any  # paint of each cell, SEVERAL where rows differ, (SIZE,) uint16
    picture: Any  # its pixels, (SIZE, SIZE) uint64
    points: Any  # of a part of the car, window pixels, (MOST_CORNERS, 2) int64


class View(NamedTuple):
    """The part of the window that the canvas holds: a band of rows, first and last one with it."""

    top: int  # row of the window that is the canvas's row 0
    base: int  # the same in pygame's count, from the window's other end: canvas row = base - y
    first_y: int  # the band's last row in pygame's count
    left: int
    right: int


def make_canvas(most_polygons: int) -> Canvas:
    """Makes room for pictures of so many polygons of road at most."""
    paints = most_polygons + 512  # with 400 patches of grass, and the car
    return Canvas(
        cells=np.zeros((BAND_ROWS, SIZE), np.uint16),
        pixels=np.zeros((BAND_ROWS, SIZE * PLACES), np.uint64),
        paints=np.zeros(paints, np.uint64),
        corners=np.zeros((paints, 4, 2), np.int64),
        heights=np.zeros((paints, 2), np.int64),
        ends=np.zeros((paints, BAND_ROWS, 2), np.int16),
        crossings=np.zeros((2, BAND_ROWS), np.int64),
        found=np.zeros(MOST_CORNERS, np.int64),
        shrunk=np.zeros(paints, np.uint64),
        flat=np.zeros(paints, np.uint64),
        same=np.zeros(SIZE, np.uint16),
        picture=np.zeros((SIZE, SIZE), np.uint64),
        points=np.zeros((MOST_CORNERS, 2), np.int64),
    )


@part
def pack(red: Any, green: Any, blue: Any, paint: Any) -> Any:  # pragma: no cover - compiled
    """Returns the pixel of a paint."""
    return (
        np.uint64(red)
        | np.uint64(green) << GREEN
        | np.uint64(blue) << BLUE
        | np.uint64(paint) << PAINT
    )


@part
def clear(canvas: Any, view: Any, paint: int) -> None:  # pragma: no cover - compiled
    """Covers all cells of the view's rows."""
    for at in range((view.base - view.first_y + 1) * SIZE):
        write(canvas.cells, at, paint)


@part
def spread(canvas: Any, row: int, cell: int) -> None:  # pragma: no cover - compiled
    """Gives the cell pixels of its own."""
    at = row * SIZE + cell
    paint = read(canvas.cells, at)
    if paint != MIXED:
        pixel = read(canvas.paints, paint)
        for place in range(PLACES):
            write(canvas.pixels, at * PLACES + place, pixel)
        write(canvas.cells, at, MIXED)


@part
def _paint_places(
    canvas: Any, at: int, first: int, last: int, pixel: Any
) -> None:  # pragma: no cover - compiled
    """Covers places ``first`` to ``last`` of a cell, which becomes mixed.

    All places are written at once, and none is asked about: where a span ends within a cell cannot
    be foreseen, and each wrong guess of the processor costs as much as the cell.
    """
    paint = read(canvas.cells, at)
    flat = paint != MIXED
    around = read(canvas.paints, np.int64(paint) if flat else 0)
    cover_12(canvas.pixels, at * PLACES, flat, around, first, last, pixel)
    write(canvas.cells, at, MIXED)


@part
def paint_span(
    canvas: Any, view: Any, row: int, first: int, last: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Covers pixels ``first`` to ``last`` of a row."""
    first = max(first, view.left)
    last = min(last, view.right)
    if first > last:
        return
    left = np.int64(read(CELL_OF, first))
    right = np.int64(read(CELL_OF, last))
    pixel = read(canvas.paints, paint)
    line = row * SIZE
    begin = np.int64(read(PLACE_OF, first)) - left * PLACES
    end = np.int64(read(PLACE_OF, last)) - right * PLACES
    if end < PLACES - 1:
        place = begin if left == right else 0
        _paint_places(canvas, line + right, place, end, pixel)
        right -= 1
    if first > read(FIRST_PIXEL, left) and left <= right:
        _paint_places(canvas, line + left, begin, PLACES - 1, pixel)
        left += 1
    _paint_cells(canvas, line + left, right - left + 1, paint)


@part
def _paint_cells(
    canvas: Any, at: int, count: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Covers whole cells of a row, four at a time; the last four may overlap others."""
    if count < 4:
        for k in range(count):
            write(canvas.cells, at + k, paint)
        return
    word = np.uint64(paint) * IN_ALL_LANES
    for k in range(0, count - 4, 4):
        write_4(canvas.cells, at + k, word)
    write_4(canvas.cells, at + count - 4, word)


@part
def tint(
    canvas: Any, row: int, column: int, paint: int, opacity: Any
) -> None:  # pragma: no cover - compiled
    """Mixes a paint into a pixel, unless a later one covers it.

    :param opacity: of 256
    """
    cell = np.int64(read(CELL_OF, column))
    below = read(canvas.cells, row * SIZE + cell)
    colour = read(canvas.paints, paint) & COLOURS
    if below != MIXED:
        if below >= paint or read(canvas.paints, below) & COLOURS == colour:
            return
        spread(canvas, row, cell)
    at = row * SIZE * PLACES + np.int64(read(PLACE_OF, column))
    pixel = read(canvas.pixels, at)
    if pixel >> PAINT >= np.uint64(paint):
        return
    mixed = (pixel & COLOURS) * (OPAQUE - opacity) + colour * opacity
    write(canvas.pixels, at, (mixed >> EIGHT) & COLOURS | (pixel >> PAINT) << PAINT)
