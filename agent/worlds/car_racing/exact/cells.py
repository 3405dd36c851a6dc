"""Division of the window's pixels among the picture's cells, as ``smoothscale`` does it.

A cell is as many window pixels as become one pixel of the picture. Its last pixel is shared with
the next cell, in parts that are fixed-point numbers (pygame-ce 2.5.8, SSE2).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

WINDOW_COLUMNS = 1000
WINDOW_ROWS = 800
BAR_ROWS = 100  # of the window; the ground is not seen there
GROUND_ROWS = WINDOW_ROWS - BAR_ROWS
SIZE = 96  # columns and rows of the picture
BAR = 84  # first row of the picture that shows the bar
ONE = 1 << 14  # a whole pixel


class Division(NamedTuple):
    """Parts of one axis; cell c has its pixels after those of cell c - 1."""

    last: np.ndarray[Any, Any]  # last pixel of each cell, shared with the next, (SIZE,)
    whole: np.ndarray[Any, Any]  # pixels that are the cell's alone, (SIZE,)
    share: np.ndarray[Any, Any]  # part of the last pixel, of ONE, (SIZE,)
    share_before: np.ndarray[Any, Any]  # part of the pixel before the first, of ONE, (SIZE,)
    reciprocal: int  # a sum's factor to the mean, of 2 ** 16


def divide(pixels: int) -> Division:
    """Divides an axis of so many pixels among SIZE cells."""
    span = ONE * pixels // SIZE
    last = []
    whole = []
    share = []
    share_before = []
    rest = span
    before = 0
    count = 0
    for pixel in range(pixels):
        if rest > ONE:
            rest -= ONE
            count += 1
            continue
        last.append(pixel)
        whole.append(count)
        share.append(rest)
        share_before.append(before)
        before = ONE - rest
        rest = span - before
        count = 0
    return Division(
        last=np.array(last),
        whole=np.array(whole),
        share=np.array(share),
        share_before=np.array(share_before),
        reciprocal=(1 << 30) // span,
    )


ACROSS = divide(WINDOW_COLUMNS)
DOWN = divide(WINDOW_ROWS)

# A cell's pixels lie in PLACES places, the last one in the last place.
PLACES = 12
CELL_OF = (
    np.searchsorted(ACROSS.last, np.arange(WINDOW_COLUMNS)).clip(max=SIZE - 1).astype(np.uint8)
)
PLACE_OF = (
    CELL_OF.astype(np.int64) * PLACES
    + PLACES
    - 1
    + np.arange(WINDOW_COLUMNS)
    - ACROSS.last[CELL_OF]
).astype(np.uint16)
FIRST_PIXEL = np.r_[0, ACROSS.last + 1][:SIZE]

# The picture is drawn in bands of so many of its rows, for the nearest cache holds little more. Of
# 6, 12, 28 and 84 rows it takes 228, 216, 213 and 231 us.
BAND = 12
BAND_ROWS = -(-BAND * WINDOW_ROWS // SIZE) + 2  # of the window, with the shared ones
