"""The ground in the picture: the field, its patches of grass, the road and its kerbs.

All are filled first, in the order of drawing, then their rims are mixed in where nothing later
covers them: so a rim costs nothing under later ground, and the picture is the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.worlds.car_racing.exact.camera import to_window
from agent.worlds.car_racing.exact.canvas import clear, pack
from agent.worlds.car_racing.exact.car import HULL
from agent.worlds.car_racing.exact.cells import BAR_ROWS, WINDOW_COLUMNS, WINDOW_ROWS
from agent.worlds.car_racing.exact.kinds import part
from agent.worlds.car_racing.exact.polygons import fill_polygon
from agent.worlds.car_racing.exact.rims import draw_rim

PLAYFIELD = 2000 / 6.0  # half the field's side, units
PATCH = PLAYFIELD / 20.0  # side of a patch, units
PATCHES = 20  # along a side; as much grass lies between them
LONGEST = 16.0  # of a polygon's diagonals but the field's, units
FARTHEST = 800.0  # of the window's corners from the car, pixels
BACKGROUND = 1  # paint; 0 is the black beyond the field


@part
def place_ground(
    canvas: Any,
    camera: Any,
    car: Any,
    polygons: Any,
    colours: Any,
    count: int,
    ground: Any,
) -> int:  # pragma: no cover - compiled
    """Places all that lies; returns the next paint.

    :param polygons: of road and kerbs, units, (most, 4, 2)
    :param colours: of them, (most, 3)
    :param count: of them
    :param ground: colours of the field and its patches, (2, 3)
    """
    paint = _place_field(canvas, camera, ground)
    paint = _place_patches(canvas, camera, car, ground, paint)
    return _place_road(canvas, camera, car, polygons, colours, count, paint)


@part
def draw_ground(
    canvas: Any, view: Any, camera: Any, car: Any, end: int
) -> None:  # pragma: no cover - compiled
    """Draws a band of what lies.

    :param end: after the last paint of the ground
    """
    first = BACKGROUND
    if _sees_field_alone(camera, car):
        clear(canvas, view, BACKGROUND)
        first += 1
    else:
        clear(canvas, view, 0)
    for paint in range(first, end):
        if _is_in_band(canvas, view, paint):
            fill_polygon(canvas, view, paint)
    for paint in range(first, end):
        if _is_in_band(canvas, view, paint):
            draw_rim(canvas, view, paint, end)


@part
def _is_in_band(canvas: Any, view: Any, paint: int) -> bool:  # pragma: no cover - compiled
    return canvas.heights[paint, 0] <= view.base and canvas.heights[paint, 1] >= view.first_y


@part
def _sees_field_alone(camera: Any, car: Any) -> bool:  # pragma: no cover - compiled
    """True if the window shows nothing beyond the field."""
    reach = FARTHEST / camera.zoom + 1.0
    x = abs(np.float64(car.position[HULL, 0]))
    y = abs(np.float64(car.position[HULL, 1]))
    return max(x, y) + reach < PLAYFIELD


@part
def _place(
    canvas: Any, camera: Any, paint: int, corner: int, x: float, y: float
) -> None:  # pragma: no cover - compiled
    column, row = to_window(camera, x, y)
    canvas.corners[paint, corner, 0] = column
    canvas.corners[paint, corner, 1] = row


@part
def _place_field(canvas: Any, camera: Any, ground: Any) -> int:  # pragma: no cover - compiled
    canvas.paints[0] = np.uint64(0)
    canvas.paints[BACKGROUND] = pack(ground[0, 0], ground[0, 1], ground[0, 2], BACKGROUND)
    _place(canvas, camera, BACKGROUND, 0, PLAYFIELD, PLAYFIELD)
    _place(canvas, camera, BACKGROUND, 1, PLAYFIELD, -PLAYFIELD)
    _place(canvas, camera, BACKGROUND, 2, -PLAYFIELD, -PLAYFIELD)
    _place(canvas, camera, BACKGROUND, 3, -PLAYFIELD, PLAYFIELD)
    _is_seen(canvas, BACKGROUND)  # all of it or a part
    return BACKGROUND + 1


@part
def _is_seen(canvas: Any, paint: int) -> bool:  # pragma: no cover - compiled
    """True if the paint's polygon reaches into the window; notes its heights."""
    corners = canvas.corners[paint]
    left = min(min(corners[0, 0], corners[1, 0]), min(corners[2, 0], corners[3, 0]))
    right = max(max(corners[0, 0], corners[1, 0]), max(corners[2, 0], corners[3, 0]))
    high = min(min(corners[0, 1], corners[1, 1]), min(corners[2, 1], corners[3, 1]))
    low = max(max(corners[0, 1], corners[1, 1]), max(corners[2, 1], corners[3, 1]))
    canvas.heights[paint, 0] = high
    canvas.heights[paint, 1] = low
    return left < WINDOW_COLUMNS and right >= 0 and high < WINDOW_ROWS and low >= BAR_ROWS


@part
def _place_patches(
    canvas: Any, camera: Any, car: Any, ground: Any, paint: int
) -> int:  # pragma: no cover - compiled
    reach = FARTHEST / camera.zoom + LONGEST
    x = np.float64(car.position[HULL, 0])
    y = np.float64(car.position[HULL, 1])
    side = 2.0 * PATCH
    first_i = max(0, int((x + PLAYFIELD - reach) / side) - 1)
    last_i = min(PATCHES - 1, int((x + PLAYFIELD + reach) / side) + 1)
    first_k = max(0, int((y + PLAYFIELD - reach) / side) - 1)
    last_k = min(PATCHES - 1, int((y + PLAYFIELD + reach) / side) + 1)
    for i in range(first_i, last_i + 1):
        left = PATCH * (2 * i - PATCHES)
        for k in range(first_k, last_k + 1):
            low = PATCH * (2 * k - PATCHES)
            _place(canvas, camera, paint, 0, left + PATCH, low)
            _place(canvas, camera, paint, 1, left, low)
            _place(canvas, camera, paint, 2, left, low + PATCH)
            _place(canvas, camera, paint, 3, left + PATCH, low + PATCH)
            if _is_seen(canvas, paint):
                canvas.paints[paint] = pack(ground[1, 0], ground[1, 1], ground[1, 2], paint)
                paint += 1
    return paint


@part
def _place_road(
    canvas: Any,
    camera: Any,
    car: Any,
    polygons: Any,
    colours: Any,
    count: int,
    paint: int,
) -> int:  # pragma: no cover - compiled
    reach = FARTHEST / camera.zoom + LONGEST
    x = np.float64(car.position[HULL, 0])
    y = np.float64(car.position[HULL, 1])
    for k in range(count):
        if abs(polygons[k, 0, 0] - x) > reach or abs(polygons[k, 0, 1] - y) > reach:
            continue
        for i in range(4):
            _place(canvas, camera, paint, i, polygons[k, i, 0], polygons[k, i, 1])
        if _is_seen(canvas, paint):
            canvas.paints[paint] = pack(colours[k, 0], colours[k, 1], colours[k, 2], paint)
            paint += 1
    return paint
