"""The bar of indicators under the picture: speed, spins, steering, yaw rate.

Facts: Gymnasium's ``_render_indicators``. The bars are upright rectangles in whole window pixels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agent.worlds.car_racing.exact.canvas import clear, pack, paint_span
from agent.worlds.car_racing.exact.car import HULL, WHEELS
from agent.worlds.car_racing.exact.cells import WINDOW_ROWS
from agent.worlds.car_racing.exact.kinds import part

INDICATORS = 2 + WHEELS + 1
SPEED = 0
SPINS = 1  # the first of four
STEERING = SPINS + WHEELS
YAW_RATE = STEERING + 1
LEAST = 1e-4  # in size; smaller values are not shown

PLACE = 25.0  # pixels: a fortieth of the window's width
UNIT = 20.0  # pixels: a fortieth of the window's height
# Of each indicator: the bar's place, in PLACEs, and its length in UNITs or PLACEs by the value.
PLACES = np.array([5, 7, 8, 9, 10, 20, 30])
LENGTHS = np.array([0.02, 0.01, 0.01, 0.01, 0.01, -10.0, -0.8])
COLOURS = np.array(
    [
        (255, 255, 255),
        (0, 0, 255),
        (0, 0, 255),
        (51, 0, 255),
        (51, 0, 255),
        (0, 255, 0),
        (255, 0, 0),
    ]
)
SCORE_END = 125  # pixels; no bar of a car that can be gets there, and the score is left of it


@part
def indicator(car: Any, which: int) -> float:  # pragma: no cover - compiled
    """Returns one value of the bar."""
    if which == SPEED:
        across = np.float64(car.velocity[HULL, 0])
        along = np.float64(car.velocity[HULL, 1])
        return math.sqrt(across * across + along * along)
    if which == STEERING:
        return np.float64(car.angle[HULL + 1] - car.angle[HULL])
    if which == YAW_RATE:
        return np.float64(car.yaw_rate[HULL])
    return car.spin[which - SPINS]


@part
def place_bar(canvas: Any, paint: int) -> None:  # pragma: no cover - compiled
    """Sets the bar's paints, from one on."""
    for k in range(INDICATORS):
        canvas.paints[paint + k] = pack(COLOURS[k, 0], COLOURS[k, 1], COLOURS[k, 2], paint + k)


@part
def draw_bar(canvas: Any, view: Any, car: Any, paint: int) -> None:  # pragma: no cover - compiled
    """Draws a band of the bar, without the score.

    A spin beyond 400 rad/s, which no engine reaches, would stand out into the road in Gymnasium's.

    :param paint: the first of the bar's
    """
    clear(canvas, view, 0)
    for k in range(INDICATORS):
        value = indicator(car, k)
        if abs(value) > LEAST:
            if k < STEERING:
                _draw_upright(canvas, view, PLACES[k], LENGTHS[k] * value, paint)
            else:
                _draw_level(canvas, view, PLACES[k], LENGTHS[k] * value, paint)
        paint += 1


@part
def _draw_upright(
    canvas: Any, view: Any, place: int, length: float, paint: int
) -> None:  # pragma: no cover - compiled
    end = int(WINDOW_ROWS - (UNIT + UNIT * length))
    foot = int(WINDOW_ROWS - UNIT)
    left = int(place * PLACE)
    right = int((place + 1) * PLACE)
    _fill(canvas, view, left, right, min(end, foot), max(end, foot), paint)


@part
def _draw_level(
    canvas: Any, view: Any, place: int, length: float, paint: int
) -> None:  # pragma: no cover - compiled
    end = int((place + length) * PLACE)
    foot = int(place * PLACE)
    top = int(WINDOW_ROWS - 4 * UNIT)
    bottom = int(WINDOW_ROWS - 2 * UNIT)
    _fill(canvas, view, min(end, foot), max(end, foot), top, bottom, paint)


@part
def _fill(
    canvas: Any, view: Any, left: int, right: int, top: int, bottom: int, paint: int
) -> None:  # pragma: no cover - compiled
    left = max(left, SCORE_END)
    for row in range(max(top - view.top, 0), min(bottom - view.top, view.base - view.first_y) + 1):
        paint_span(canvas, view, row, left, right, paint)
