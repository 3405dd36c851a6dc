"""Filled polygons of the ground, row by row, as ``gfxdraw.filled_polygon`` covers them.

Facts: SDL_gfx's ``filledPolygonColorMT`` in pygame-ce 2.5.8: the crossing of a side with a row is a
fixed-point number of 16 bits after the point.
"""

from __future__ import annotations

from typing import Any

from agent.worlds.car_racing.exact.canvas import paint_span
from agent.worlds.car_racing.exact.cells import BAND_ROWS
from agent.worlds.car_racing.exact.kinds import part, routine
from agent.worlds.car_racing.exact.memory import read, write

UNIT = 1 << 16
HALF = 1 << 15


@part
def fill_polygon(canvas: Any, view: Any, paint: int) -> None:  # pragma: no cover - compiled
    """Covers a paint's polygon, and notes the ends of its rows."""
    corners = canvas.corners[paint]
    highest = canvas.heights[paint, 0]
    lowest = canvas.heights[paint, 1]
    first = max(highest, view.first_y)
    last = min(lowest, view.base)
    if first > last:
        return
    if highest == lowest:
        _note_none(canvas, view, paint, first, last)
    elif _turns(corners) == 2:
        _cross_twice(canvas, view, corners, first, last, lowest)
        _cover(canvas, view, paint, first, last)
    else:
        _note_none(canvas, view, paint, first, last)
        for y in range(first, last + 1):
            _cover_row(canvas, view, corners, y, lowest, paint)


@part
def _turns(corners: Any) -> int:  # pragma: no cover - compiled
    """Returns how often the sides turn from down to up and back: twice in all but odd polygons."""
    turns = 0
    before = 0
    for i in range(8):  # twice round, for the first sides may be level
        step = corners[(i + 1) & 3, 1] - corners[i & 3, 1]
        if step == 0:
            continue
        down = 1 if step > 0 else -1
        if i >= 4 and down != before:
            turns += 1
        before = down
    return turns


@part
def _note_none(
    canvas: Any, view: Any, paint: int, first: int, last: int
) -> None:  # pragma: no cover - compiled
    """Notes that no row is known to be covered."""
    for y in range(first, last + 1):
        write(canvas.ends, (paint * BAND_ROWS + view.base - y) * 2, 1)
        write(canvas.ends, (paint * BAND_ROWS + view.base - y) * 2 + 1, -1)


@part
def _cross_twice(
    canvas: Any, view: Any, corners: Any, first: int, last: int, lowest: int
) -> None:  # pragma: no cover - compiled
    """Notes where each row crosses a side that leads down, and where one that leads up."""
    for i in range(4):
        k = (i + 3) & 3
        y1 = corners[k, 1]
        y2 = corners[i, 1]
        x1 = corners[k, 0]
        x2 = corners[i, 0]
        chain = 0
        if y1 > y2:
            x1, y1, x2, y2 = x2, y2, x1, y1
            chain = 1
        end = min(y2 - 1 + (y2 == lowest), last)
        begin = max(y1, first)
        if y1 < y2 and begin <= end:
            _cross(canvas.crossings, chain * BAND_ROWS, view, x1, y1, x2 - x1, y2 - y1, begin, end)


@part
def _cross(
    crossings: Any,
    line: int,
    view: Any,
    x1: int,
    y1: int,
    width: int,
    height: int,
    begin: int,
    end: int,
) -> None:  # pragma: no cover - compiled
    """Notes where a side, given from its upper end, crosses rows."""
    whole = UNIT // height
    part_of = UNIT - whole * height
    ratio = UNIT * (begin - y1) // height
    rest = UNIT * (begin - y1) - ratio * height
    for y in range(begin, end + 1):
        write(crossings, line + view.base - y, ratio * width + UNIT * x1)
        ratio += whole
        rest += part_of
        if rest >= height:
            rest -= height
            ratio += 1


@part
def _cover(
    canvas: Any, view: Any, paint: int, first: int, last: int
) -> None:  # pragma: no cover - compiled
    """Covers what lies between the two crossings of each row."""
    for y in range(first, last + 1):
        row = view.base - y
        down = read(canvas.crossings, row)
        up = read(canvas.crossings, BAND_ROWS + row)
        begin = (min(down, up) + 1 + HALF) >> 16
        end = (max(down, up) - 1 + HALF) >> 16
        left = min(begin, end)
        right = max(begin, end)
        write(canvas.ends, (paint * BAND_ROWS + row) * 2, left)
        write(canvas.ends, (paint * BAND_ROWS + row) * 2 + 1, right)
        paint_span(canvas, view, row, left, right, paint)


@routine
def _cover_row(
    canvas: Any, view: Any, corners: Any, y: int, lowest: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Covers what lies between the crossings of a row, two and two."""
    found = canvas.found
    count = 0
    for i in range(4):
        k = (i + 3) & 3
        x1 = corners[k, 0]
        y1 = corners[k, 1]
        x2 = corners[i, 0]
        y2 = corners[i, 1]
        if y1 > y2:
            x1, y1, x2, y2 = x2, y2, x1, y1
        if y1 <= y < y2 or y1 < y == y2 == lowest:
            found[count] = UNIT * (y - y1) // (y2 - y1) * (x2 - x1) + UNIT * x1
            count += 1
    sort_found(found, count)
    for i in range(0, count, 2):
        begin = (found[i] + 1 + HALF) >> 16
        end = (found[i + 1] - 1 + HALF) >> 16
        paint_span(canvas, view, view.base - y, min(begin, end), max(begin, end), paint)


@part
def sort_found(found: Any, count: int) -> None:  # pragma: no cover - compiled
    """Sorts the few crossings of a row."""
    for i in range(1, count):
        value = found[i]
        k = i - 1
        while k >= 0 and found[k] > value:
            found[k + 1] = found[k]
            k -= 1
        found[k + 1] = value
