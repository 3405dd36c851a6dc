"""The picture of CarRacing-v3, equal to that of Gymnasium 1.4.0 with pygame-ce 2.5.8 (SSE2)."""

from __future__ import annotations

from typing import Any

from agent.worlds.car_racing.exact.bar import INDICATORS, draw_bar, place_bar
from agent.worlds.car_racing.exact.camera import place_camera
from agent.worlds.car_racing.exact.canvas import View
from agent.worlds.car_racing.exact.car_picture import CAR_PAINTS, draw_car, place_car
from agent.worlds.car_racing.exact.cells import (
    ACROSS,
    BAND,
    BAR,
    DOWN,
    FIRST_PIXEL,
    SIZE,
    WINDOW_ROWS,
)
from agent.worlds.car_racing.exact.ground_picture import draw_ground, place_ground
from agent.worlds.car_racing.exact.kinds import kernel, part
from agent.worlds.car_racing.exact.score import COLUMNS, ROWS, strip_of
from agent.worlds.car_racing.exact.shrink import first_row, prepare, shrink_colours, shrink_planes

LAST_ROWS = DOWN.last
LAST_COLUMNS = ACROSS.last


@kernel
def draw(
    out: Any,
    car: Any,
    polygons: Any,
    colours: Any,
    count: int,
    ground: Any,
    strips: Any,
    canvas: Any,
) -> None:  # pragma: no cover - compiled
    """Draws the whole picture in colour.

    :param out: filled, (96, 96, 3) uint8
    :param car: a record of ``CAR``
    :param polygons: of road and kerbs in the order of drawing, units, (most, 4, 2)
    :param colours: of them, (most, 3) uint8
    :param count: of them
    :param ground: colours of the field and its patches of grass, (2, 3) uint8
    :param strips: texts of scores, of ``score_strips``
    :param canvas: scratch, of ``make_canvas``
    """
    camera = place_camera(car)
    end = _place(canvas, camera, car, polygons, colours, count, ground)
    row = 0
    while row < SIZE:
        after = _next_band(row, SIZE)
        view = _paint(canvas, camera, car, end, row, after - 1, 0, SIZE - 1)
        shrink_colours(canvas, view, out, row, after - 1)
        row = after
    strip = strip_of(car.reward)
    for row in range(ROWS):
        for column in range(COLUMNS):
            for channel in range(3):
                out[BAR + row, column, channel] = strips[strip, row, column]


@kernel
def draw_window(
    out: Any,
    top: int,
    left: int,
    car: Any,
    polygons: Any,
    colours: Any,
    count: int,
    ground: Any,
    strips: Any,
    canvas: Any,
) -> None:  # pragma: no cover - compiled
    """Draws a part of the picture; nothing else of it is painted.

    :param out: filled: grey as ``cv2.cvtColor`` makes it, or colours, (1 or 3, rows, columns) uint8
    :param top: first row of the picture that is in it
    :param left: first column
    :param car: this one and the others as ``draw`` has them
    """
    planes, rows, columns = out.shape
    camera = place_camera(car)
    end = _place(canvas, camera, car, polygons, colours, count, ground)
    row = top
    while row < top + rows:
        after = _next_band(row, top + rows)
        view = _paint(canvas, camera, car, end, row, after - 1, left, left + columns - 1)
        shrink_planes(canvas, view, out, row - top, after - 1 - top, top, left)
        row = after
    strip = strip_of(car.reward)
    for row in range(max(BAR, top), top + rows):
        for column in range(left, min(COLUMNS, left + columns)):
            for plane in range(planes):
                out[plane, row - top, column - left] = strips[strip, row - BAR, column]


@part
def _next_band(row: int, end: int) -> int:  # pragma: no cover - compiled
    """Returns the row after the band that begins at a row of the picture."""
    if row < BAR:
        end = min(end, BAR)
    return min(row + BAND, end)


@part
def _place(
    canvas: Any, camera: Any, car: Any, polygons: Any, colours: Any, count: int, ground: Any
) -> int:  # pragma: no cover - compiled
    """Places all paints; returns the first after the ground's."""
    end = place_ground(canvas, camera, car, polygons, colours, count, ground)
    place_car(canvas, end)
    place_bar(canvas, end + CAR_PAINTS)
    prepare(canvas, end + CAR_PAINTS + INDICATORS)
    return end


@part
def _look(top: int, bottom: int, left: int, right: int) -> Any:  # pragma: no cover - compiled
    """Returns the view of some rows and columns of the picture."""
    first_cell = max(left - 1, 0)  # whose last pixel is shared
    first = first_row(top)
    last = LAST_ROWS[bottom]
    return View(
        first,
        WINDOW_ROWS - 1 - first,
        WINDOW_ROWS - 1 - last,
        FIRST_PIXEL[first_cell],
        LAST_COLUMNS[right],
        first_cell,
        right,
    )


@part
def _paint(
    canvas: Any, camera: Any, car: Any, end: int, top: int, bottom: int, left: int, right: int
) -> Any:  # pragma: no cover - compiled
    """Paints a band of the window; returns its view.

    :param end: after the last paint of the ground
    """
    view = _look(top, bottom, left, right)
    if top < BAR:
        draw_ground(canvas, view, camera, car, end)
        draw_car(canvas, view, camera, car, end)
    else:
        draw_bar(canvas, view, car, end + CAR_PAINTS)
    return view
