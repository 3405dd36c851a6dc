"""Anti-aliased lines, as ``gfxdraw.aapolygon`` draws a polygon's sides.

Facts: SDL_gfx's ``_aalineColor`` and its clipping, in pygame-ce 2.5.8. Along the longer axis each
step lights two pixels across; their weights are the 8 bits after the point of the shorter axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.worlds.car_racing.exact.canvas import OPAQUE, tint
from agent.worlds.car_racing.exact.cells import BAND_ROWS, WINDOW_COLUMNS, WINDOW_ROWS
from agent.worlds.car_racing.exact.kinds import part, routine
from agent.worlds.car_racing.exact.memory import read

RIGHT = WINDOW_COLUMNS - 1
LOWEST = WINDOW_ROWS - 1


@part
def draw_rim(canvas: Any, view: Any, paint: int, end: int) -> None:  # pragma: no cover - compiled
    """Draws the sides of a paint's polygon where nothing covers them.

    :param end: after the last paint that has a polygon
    """
    corners = canvas.corners[paint]
    for i in range(4):
        k = (i + 1) & 3
        _draw_side(
            canvas, view, corners[i, 0], corners[i, 1], corners[k, 0], corners[k, 1], paint, end
        )


@part
def _dot(
    canvas: Any, view: Any, x: int, row: int, paint: int, opacity: Any
) -> None:  # pragma: no cover - compiled
    """Mixes a paint into a pixel of a row that is seen."""
    at = (paint * BAND_ROWS + row) * 2
    covered = read(canvas.ends, at) <= x <= read(canvas.ends, at + 1)
    if not covered and view.left <= x <= view.right:
        tint(canvas, row, x, paint, opacity)


@part
def _opacity(weight: int) -> Any:  # pragma: no cover - compiled
    return np.uint64(255 * weight >> 8)


@part
def _outside(x: int, y: int) -> int:  # pragma: no cover - compiled
    """Returns a bit for each border of the window that the point lies beyond."""
    return (x < 0) * 1 + (x > RIGHT) * 2 + (y > LOWEST) * 4 + (y < 0) * 8


@routine
def _clip(x1: int, y1: int, x2: int, y2: int) -> Any:  # pragma: no cover - compiled
    """Cuts a line at the window's borders: its new ends, and if any of it is left.

    Ends are whole pixels, so a cut line has another slope; and they may change places.
    """
    while True:
        out1 = _outside(x1, y1)
        out2 = _outside(x2, y2)
        if out1 == 0 and out2 == 0:
            return x1, y1, x2, y2, True
        if out1 & out2:
            return x1, y1, x2, y2, False
        if out1 == 0:
            x1, y1, x2, y2 = x2, y2, x1, y1
            out1 = out2
        slope = np.float32(1.0)
        if x1 != x2:
            slope = np.float32(y2 - y1) / np.float32(x2 - x1)
        if out1 & 1:
            y1 += int(np.float32(-x1) * slope)
            x1 = 0
        elif out1 & 2:
            y1 += int(np.float32(RIGHT - x1) * slope)
            x1 = RIGHT
        else:
            border = LOWEST if out1 & 4 else 0
            if x1 != x2:
                x1 += int(np.float32(border - y1) / slope)
            y1 = border


@part
def _draw_side(
    canvas: Any, view: Any, x1: int, y1: int, x2: int, y2: int, paint: int, end: int
) -> None:  # pragma: no cover - compiled
    """Draws one side."""
    if max(x1, x2) < view.left - 1 or min(x1, x2) > view.right + 1:
        return
    if max(y1, y2) < view.first_y or min(y1, y2) > view.base:
        return
    if _outside(x1, y1) | _outside(x2, y2):
        x1, y1, x2, y2, seen = _clip(x1, y1, x2, y2)
        if not seen:
            return
    left, top, right, bottom = x1, y1, x2, y2
    if y1 > y2:
        left, top, right, bottom = x2, y2, x1, y1
    if left == right:
        for y in range(max(top, view.first_y), min(bottom, view.base) + 1):
            _dot(canvas, view, left, view.base - y, paint, OPAQUE)
        return
    if top == bottom:
        if view.first_y <= top <= view.base:
            for x in range(min(left, right), max(left, right) + 1):
                _dot(canvas, view, x, view.base - top, paint, OPAQUE)
        return
    if view.first_y <= y1 <= view.base:
        _dot(canvas, view, x1, view.base - y1, paint, OPAQUE)
    if bottom - top > abs(right - left):
        _draw_steep(canvas, view, left, top, right - left, bottom - top, paint)
    else:
        _draw_flat(canvas, view, left, top, right - left, bottom - top, paint, end)


@part
def _draw_steep(
    canvas: Any, view: Any, left: int, top: int, width: int, height: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Draws a side that has two dots in each row, but for its ends."""
    slope = (abs(width) << 16) // height
    direction = 1 if width > 0 else -1
    first = max(1, view.first_y - top)
    last = min(height - 1, view.base - top)
    for step in range(first, last + 1):
        across = step * slope
        weight = (across >> 8) & 255
        x = left + direction * (across >> 16)
        row = view.base - top - step
        at = (paint * BAND_ROWS + row) * 2
        low = np.int64(read(canvas.ends, at))
        high = np.int64(read(canvas.ends, at + 1))
        for _k in range(2):
            if (x < low or x > high) and view.left <= x <= view.right:
                tint(canvas, row, x, paint, _opacity(255 - weight))
            x += direction
            weight = 255 - weight


@part
def _draw_flat(
    canvas: Any, view: Any, left: int, top: int, width: int, height: int, paint: int, end: int
) -> None:  # pragma: no cover - compiled
    """Draws a side that has two dots in each column, but for its ends; row by row."""
    length = abs(width)
    slope = (height << 16) // length
    direction = 1 if width > 0 else -1
    first = max(0, view.first_y - top)
    last = min(height, view.base - top)
    line = (left, direction, slope)
    before = _reach(first - 1, slope, length)
    begin = _reach(first, slope, length)
    for step in range(first, last + 1):
        # In this row are the upper dots of columns from begin on, the lower ones of those before.
        after = _reach(step + 1, slope, length)
        row = view.base - top - step
        _draw_run(canvas, view, row, line, before, begin - 1, 0, paint, end)
        _draw_run(canvas, view, row, line, begin, after - 1, 255, paint, end)
        before = begin
        begin = after


@part
def _reach(rows: int, slope: int, length: int) -> int:  # pragma: no cover - compiled
    """Returns the first column of a flat side that lies so many rows down, from 1 to its length."""
    if rows <= 0:
        return 1
    return min(length, ((rows << 16) + slope - 1) // slope)


@part
def _draw_run(
    canvas: Any,
    view: Any,
    row: int,
    line: Any,
    first: int,
    last: int,
    flip: int,
    paint: int,
    end: int,
) -> None:  # pragma: no cover - compiled
    """Draws dots of steps ``first`` to ``last`` of a line in one row.

    :param flip: 255 for the dots nearer to the line's upper end, whose weight is the rest
    """
    left, direction, slope = line
    begin = left + first
    stop = left + last
    if direction < 0:
        begin = left - last
        stop = left - first
    begin = max(begin, view.left)
    stop = min(stop, view.right)
    for k in range(paint, min(paint + 3, end)):
        if begin > stop:
            return
        if canvas.heights[k, 0] <= view.base - row <= canvas.heights[k, 1]:
            at = (k * BAND_ROWS + row) * 2
            low = np.int64(read(canvas.ends, at))
            high = np.int64(read(canvas.ends, at + 1))
            if low <= begin:
                begin = max(begin, high + 1)
            elif high >= stop:
                stop = min(stop, low - 1)
    for x in range(begin, stop + 1):
        weight = (((x - left) * direction * slope) >> 8) & 255
        tint(canvas, row, x, paint, _opacity(weight ^ flip))
