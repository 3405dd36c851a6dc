"""From the canvas's picture to levels in bytes: colours, or grey."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.worlds.car_racing.exact.canvas import BLUE, GREEN, LANE
from agent.worlds.car_racing.exact.cells import SIZE
from agent.worlds.car_racing.exact.kinds import part
from agent.worlds.car_racing.exact.memory import read

# Parts of 2 ** GREY_SHIFT in a grey level; OpenCV 4 computes so.
GREY_RED = np.uint64(9798)
GREY_GREEN = np.uint64(19235)
GREY_BLUE = np.uint64(3735)
GREY_SHIFT = np.uint64(15)
GREY_HALF = np.uint64(1 << 14)


@part
def show_colours(canvas: Any, out: Any) -> None:  # pragma: no cover - compiled
    """Writes the whole picture, (SIZE, SIZE, 3)."""
    for row in range(SIZE):
        for column in range(SIZE):
            pixel = read(canvas.picture, row * SIZE + column)
            out[row, column, 0] = np.uint8(pixel & LANE)
            out[row, column, 1] = np.uint8(pixel >> GREEN & LANE)
            out[row, column, 2] = np.uint8(pixel >> BLUE & LANE)


@part
def show_planes(canvas: Any, out: Any, top: int, left: int) -> None:  # pragma: no cover - compiled
    """Writes a part of the picture in planes: grey, or red, green and blue.

    :param out: (1 or 3, rows, columns)
    :param top: row of the picture that it begins with
    :param left: column
    """
    planes, rows, columns = out.shape
    for row in range(rows):
        first = (top + row) * SIZE + left
        if planes == 1:
            for column in range(columns):
                out[0, row, column] = _grey(read(canvas.picture, first + column))
            continue
        for column in range(columns):
            pixel = read(canvas.picture, first + column)
            out[0, row, column] = np.uint8(pixel & LANE)
            out[1, row, column] = np.uint8(pixel >> GREEN & LANE)
            out[2, row, column] = np.uint8(pixel >> BLUE & LANE)


@part
def _grey(pixel: Any) -> Any:  # pragma: no cover - compiled
    """Returns the grey level that ``cv2.cvtColor`` makes of a colour."""
    red = (pixel & LANE) * GREY_RED
    green = (pixel >> GREEN & LANE) * GREY_GREEN
    blue = (pixel >> BLUE & LANE) * GREY_BLUE
    return np.uint8((red + green + blue + GREY_HALF) >> GREY_SHIFT)
