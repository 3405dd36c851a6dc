"""The score under the picture: pictures of all numbers, made once, with pygame's font.

Without pygame the score stays black. It is white on black, so one level a pixel is enough.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.exact.canvas import IN_ALL_LANES
from agent.worlds.car_racing.exact.cells import (
    ACROSS,
    BAR,
    BAR_ROWS,
    DOWN,
    GROUND_ROWS,
    ONE,
    SIZE,
    Division,
)
from agent.worlds.car_racing.exact.kinds import part

LEAST = -999  # no task ends with less; lower scores are shown as this one
MOST = 1099
COLUMNS = 12  # of the picture: 125 pixels of the window, as far as the indicators
PIXELS = 125
ROWS = SIZE - BAR
FONT_SIZE = 42
CENTRE = (60, 50)  # of the text, pixels from the bar's left upper corner
MINUS_ZERO = MOST - LEAST + 1  # "-000" is a number of its own, the last strip


@cache
def score_strips() -> NDArray[np.uint8]:
    """Returns the shrunk text of every score, (scores, ROWS, COLUMNS)."""
    texts = [f"{score:04.0f}" for score in (*range(LEAST, MOST + 1), -0.0)]
    strips = np.zeros((len(texts), ROWS, COLUMNS), np.uint8)
    font = _font()
    if font is None:
        return strips
    for k, text in enumerate(texts):
        strips[k] = _shrink(_render(font, text))
    return strips


def _font() -> Any:
    """Returns pygame's own font, ``None`` where pygame is not installed."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ImportError:
        return None
    pygame.font.init()
    return pygame.font.Font(pygame.font.get_default_font(), FONT_SIZE)


def _render(font: Any, text: str) -> NDArray[np.int64]:
    """Returns the levels of the bar's left end with a text, (BAR_ROWS, PIXELS)."""
    import pygame

    picture = font.render(text, True, (255, 255, 255), (0, 0, 0))
    place = picture.get_rect()
    place.center = CENTRE
    levels = np.zeros((BAR_ROWS, PIXELS), np.int64)
    levels[place.top : place.bottom, place.left : place.right] = pygame.surfarray.array_red(
        picture
    ).T
    return levels


def _shrink(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shrinks the bar's left end, (ROWS, COLUMNS), as ``shrink`` does."""
    across = _means(levels.T, ACROSS, 0, COLUMNS, 0)
    return _means(across.T, DOWN, BAR, SIZE, GROUND_ROWS)


def _means(
    lines: NDArray[np.int64], division: Division, begin: int, end: int, first: int
) -> NDArray[np.int64]:
    """Means of cells ``begin`` to ``end`` along the first axis.

    :param lines: levels, from pixel ``first`` of the axis on
    """
    means = []
    for cell in range(begin, end):
        last = division.last[cell] - first
        whole = lines[last - division.whole[cell] : last].sum(axis=0)
        total = whole + lines[last] * division.share[cell] // ONE
        before = last - division.whole[cell] - 1
        if before >= 0:
            total += lines[before] * division.share_before[cell] // ONE
        means.append(total * division.reciprocal >> 16)
    return np.array(means)


@part
def write_score(canvas: Any, strips: Any, score: float) -> None:  # pragma: no cover - compiled
    """Puts the score into the canvas's picture."""
    strip = _strip_of(score)
    for row in range(ROWS):
        for column in range(COLUMNS):
            level = np.uint64(strips[strip, row, column])
            canvas.picture[BAR + row, column] = level * IN_ALL_LANES


@part
def _strip_of(score: float) -> int:  # pragma: no cover - compiled
    """Returns the strip that shows a score, rounded as ``format`` does."""
    number = np.rint(score)
    if number == 0.0 and np.signbit(score):
        return MINUS_ZERO
    return int(min(max(number, LEAST), MOST)) - LEAST
