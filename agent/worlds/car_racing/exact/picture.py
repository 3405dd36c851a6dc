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
from agent.worlds.car_racing.exact.kinds import kernel, part, routine
from agent.worlds.car_racing.exact.levels import show_colours, show_planes
from agent.worlds.car_racing.exact.score import write_score
from agent.worlds.car_racing.exact.shrink import first_row, prepare, shrink_rows

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
    _draw(canvas, car, polygons, colours, count, ground, strips, 0, SIZE, 0, SIZE)
    show_colours(canvas, out)


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
    _planes, rows, columns = out.shape
    bottom = top + rows
    right = left + columns
    _draw(canvas, car, polygons, colours, count, ground, strips, top, bottom, left, right)
    show_planes(canvas, out, top, left)


@routine
def _draw(
    canvas: Any,
    car: Any,
    polygons: Any,
    colours: Any,
    count: int,
    ground: Any,
    strips: Any,
    top: int,
    bottom: int,
    left: int,
    right: int,
) -> None:  # pragma: no cover - compiled
    """Draws a part of the picture into the canvas; ``bottom`` and ``right`` are behind it."""
    camera = place_camera(car)
    end = place_ground(canvas, camera, car, polygons, colours, count, ground)
    place_car(canvas, end)
    place_bar(canvas, end + CAR_PAINTS)
    prepare(canvas, end + CAR_PAINTS + INDICATORS)
    row = top
    while row < bottom:
        after = min(row + BAND, bottom)
        if row < BAR:
            after = min(after, BAR)
        view = _look(row, after - 1, left, right - 1)
        if row < BAR:
            draw_ground(canvas, view, camera, car, end)
            draw_car(canvas, view, camera, car, end)
        else:
            draw_bar(canvas, view, car, end + CAR_PAINTS)
        shrink_rows(canvas, view.top, row, after, left, right)
        row = after
    write_score(canvas, strips, car.score)


@part
def _look(top: int, bottom: int, left: int, right: int) -> Any:  # pragma: no cover - compiled
    """Returns the view of some rows and columns of the picture, the last ones with it."""
    first_cell = max(left - 1, 0)  # whose last pixel is shared
    first = first_row(top)
    last = LAST_ROWS[bottom]
    return View(
        first,
        WINDOW_ROWS - 1 - first,
        WINDOW_ROWS - 1 - last,
        FIRST_PIXEL[first_cell],
        LAST_COLUMNS[right],
    )
