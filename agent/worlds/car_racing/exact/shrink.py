"""The mean of each cell of the window, as ``smoothscale`` takes it: along rows, then down columns.

Facts: ``filter_shrink_X_SSE2`` and ``filter_shrink_Y_SSE2`` of pygame-ce 2.5.8. The part of a
shared pixel and the mean are cut off, not rounded. So one colour c alone becomes c - 1 in each of
the two passes, and black stays black, in every cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.worlds.car_racing.exact.canvas import (
    BLUE,
    COLOURS,
    GREEN,
    IN_ALL_LANES,
    LANE,
    MIXED,
)
from agent.worlds.car_racing.exact.cells import ACROSS, DOWN, ONE, PLACES, SIZE
from agent.worlds.car_racing.exact.kinds import part
from agent.worlds.car_racing.exact.lanes import mean_of_lanes
from agent.worlds.car_racing.exact.memory import read, write

NONE = np.uint64(0)
ACROSS_RECIPROCAL = np.uint64(ACROSS.reciprocal) * IN_ALL_LANES
DOWN_RECIPROCAL = np.uint64(DOWN.reciprocal) * IN_ALL_LANES
WHOLE = ACROSS.whole.astype(np.uint64)
FEWEST = int(ACROSS.whole.min())  # pixels that are a cell's alone; some cells have one more
TENTH = WHOLE - np.uint64(FEWEST)
ACROSS_SHARE = ACROSS.share.astype(np.uint64) * IN_ALL_LANES
ACROSS_BEFORE = ACROSS.share_before.astype(np.uint64) * IN_ALL_LANES
DOWN_SHARE = DOWN.share.astype(np.uint64) * IN_ALL_LANES
DOWN_BEFORE = DOWN.share_before.astype(np.uint64) * IN_ALL_LANES
DOWN_LAST = DOWN.last
# 1 or 0:
SHOWS_BEFORE = (DOWN.share_before * 255 >= ONE).astype(
    np.int64
)  # else nothing is left of the shared row


@part
def _less(colour: Any) -> Any:  # pragma: no cover - compiled
    """Returns the colour after one pass over nothing else."""
    red = colour & LANE
    green = colour >> GREEN & LANE
    blue = colour >> BLUE & LANE
    one = np.uint64(1)
    red -= min(red, one)
    green -= min(green, one)
    blue -= min(blue, one)
    return red | green << GREEN | blue << BLUE


@part
def _shrink_cell(canvas: Any, row: int, cell: int) -> Any:  # pragma: no cover - compiled
    """Returns the mean of the cell in one row."""
    at = row * SIZE + cell
    paint = read(canvas.cells, at)
    before = read(canvas.cells, at - 1) if cell > 0 else paint
    if paint == before and paint != MIXED:
        return read(canvas.shrunk, paint)
    pixel_before = NONE  # cell 0 has no share in it
    if before != MIXED:
        pixel_before = read(canvas.paints, before)
    elif cell > 0:
        pixel_before = read(canvas.pixels, at * PLACES - 1)
    if paint != MIXED:
        pixel = read(canvas.paints, paint)
        total = (pixel & COLOURS) * read(WHOLE, cell)
    else:
        end = at * PLACES + PLACES - 1
        pixel = read(canvas.pixels, end)
        total = read(canvas.pixels, end - FEWEST - 1) * read(TENTH, cell)
        for place in range(FEWEST):
            total += read(canvas.pixels, end - FEWEST + place)
    share = read(ACROSS_SHARE, cell)
    share_before = read(ACROSS_BEFORE, cell)
    return mean_of_lanes(total, pixel, share, pixel_before, share_before, ACROSS_RECIPROCAL)


@part
def _shrink_column(
    canvas: Any, top: int, row: int, cell: int
) -> Any:  # pragma: no cover - compiled
    """Returns the mean of a cell over its rows.

    :param top: row of the window that is the canvas's first
    :param row: of the picture
    """
    first = first_row(row) - top
    last = read(DOWN_LAST, row) - top
    before = NONE
    if read(SHOWS_BEFORE, row):
        before = _shrink_cell(canvas, first, cell)
        first += 1
    total = NONE
    for k in range(first, last):
        total += _shrink_cell(canvas, k, cell)
    end = _shrink_cell(canvas, last, cell)
    share = read(DOWN_SHARE, row)
    return mean_of_lanes(total, end, share, before, read(DOWN_BEFORE, row), DOWN_RECIPROCAL)


@part
def first_row(row: int) -> Any:  # pragma: no cover - compiled
    """Returns the first row of the window that a row of the picture shows."""
    if row == 0:
        return 0
    return read(DOWN_LAST, row - 1) + 1 - read(SHOWS_BEFORE, row)


@part
def _compare(canvas: Any, top: int, row: int) -> None:  # pragma: no cover - compiled
    """Notes which cells are of one paint over all rows of a row of the picture."""
    first = first_row(row) - top
    for cell in range(SIZE):
        write(canvas.same, cell, read(canvas.cells, first * SIZE + cell))
    for k in range(first + 1, read(DOWN_LAST, row) - top + 1):
        for cell in range(SIZE):
            paint = read(canvas.cells, first * SIZE + cell)
            other = read(canvas.cells, k * SIZE + cell)
            write(canvas.same, cell, read(canvas.same, cell) if other == paint else MIXED)


@part
def prepare(canvas: Any, paints: int) -> None:  # pragma: no cover - compiled
    """Notes what becomes of each paint alone."""
    for paint in range(paints):
        canvas.shrunk[paint] = _less(canvas.paints[paint] & COLOURS)
        canvas.flat[paint] = _less(canvas.shrunk[paint])


@part
def shrink_rows(
    canvas: Any, window_top: int, top: int, bottom: int, left: int, right: int
) -> None:  # pragma: no cover - compiled
    """Fills rows of the picture from the band; a cell of one paint needs no look at its pixels.

    :param window_top: row of the window that is the canvas's first
    :param top: first row of the picture
    :param bottom: row after the last one
    :param left: first column
    :param right: column after the last one
    """
    for row in range(top, bottom):
        _compare(canvas, window_top, row)
        for cell in range(left, right):
            paint = read(canvas.same, cell)
            if paint == MIXED or (cell > 0 and read(canvas.same, cell - 1) != paint):
                pixel = _shrink_column(canvas, window_top, row, cell)
            else:
                pixel = read(canvas.flat, paint)
            write(canvas.picture, row * SIZE + cell, pixel)
