"""The car in the picture: wheels with stripes that turn, then the hull's four parts.

Facts: Gymnasium's ``Car.draw``, Box2D's order of a polygon's corners, and ``pygame.draw.polygon``
of pygame-ce 2.5.8, which has no rims: a crossing is rounded down or up in turns.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agent.worlds.car_racing.exact.camera import to_window
from agent.worlds.car_racing.exact.canvas import pack, paint_span
from agent.worlds.car_racing.exact.car import HULL, WHEELS
from agent.worlds.car_racing.exact.kinds import part, routine
from agent.worlds.car_racing.exact.polygons import sort_found

SIZE = 0.02  # units of the car's own measure
WHEEL_RADIUS = 27
WHEEL_HALF_WIDTH = 14
STRIPE_RAD = 1.2  # of the wheel's turn
STRIPE = 77  # level of all colours
HULL_RED = 204
CAR_PAINTS = 3
# Corners in the order that Box2D gives them, own measure; parts in the order of drawing.
WHEEL = (np.array([(14, -27), (14, 27), (-14, 27), (-14, -27)]) * SIZE).astype(np.float32)
_BUMPER = [(60, 110), (60, 130), (-60, 130), (-60, 110)]
_NOSE = [(20, 20), (15, 120), (-15, 120), (-20, 20)]
_BODY = [(50, -40), (50, -10), (25, 20), (-25, 20), (-50, -10), (-50, -40), (-20, -90), (20, -90)]
_WING = [(50, -120), (50, -90), (-50, -90), (-50, -120)]
HULL_CORNERS = np.array([4, 4, 8, 4])
HULL_PARTS = np.zeros((4, 8, 2), np.float32)
for _k, _corners in enumerate((_BUMPER, _NOSE, _BODY, _WING)):
    HULL_PARTS[_k, : len(_corners)] = np.array(_corners) * SIZE


@part
def place_car(canvas: Any, paint: int) -> None:  # pragma: no cover - compiled
    """Sets the car's paints, from one on: of wheels, stripes and hull."""
    canvas.paints[paint] = pack(0, 0, 0, paint)
    canvas.paints[paint + 1] = pack(STRIPE, STRIPE, STRIPE, paint + 1)
    canvas.paints[paint + 2] = pack(HULL_RED, 0, 0, paint + 2)


@part
def draw_car(
    canvas: Any, view: Any, camera: Any, car: Any, paint: int
) -> None:  # pragma: no cover - compiled
    """Draws a band of the car over the ground.

    :param paint: the first of the car's
    """
    for wheel in range(WHEELS):
        body = HULL + 1 + wheel
        _draw_part(canvas, view, camera, car, body, WHEEL, 4, paint)
        _draw_stripe(canvas, view, camera, car, wheel, paint + 1)
    for k in range(4):
        _draw_part(canvas, view, camera, car, HULL, HULL_PARTS[k], HULL_CORNERS[k], paint + 2)


@part
def _to_world(car: Any, body: int, x: Any, y: Any) -> Any:  # pragma: no cover - compiled
    """Returns the place of a body's point, float32 as Box2D has it."""
    sin = math.sin(car.angle[body])
    cos = math.cos(car.angle[body])
    across = (cos * x - sin * y) + car.position[body, 0]
    along = (sin * x + cos * y) + car.position[body, 1]
    return np.float64(across), np.float64(along)


@part
def _draw_part(
    canvas: Any, view: Any, camera: Any, car: Any, body: int, corners: Any, count: int, paint: int
) -> None:  # pragma: no cover - compiled
    points = canvas.points
    for i in range(count):
        x, y = _to_world(car, body, corners[i, 0], corners[i, 1])
        points[i, 0], points[i, 1] = to_window(camera, x, y)
    _fill(canvas, view, count, paint)


@part
def _draw_stripe(
    canvas: Any, view: Any, camera: Any, car: Any, wheel: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Draws the part of a wheel's stripe that is on the upper side."""
    begin = car.phase[wheel]
    end = begin + STRIPE_RAD
    below_begin = math.sin(begin) > 0.0
    below_end = math.sin(end) > 0.0
    if below_begin and below_end:
        return
    first = math.cos(begin)
    last = math.cos(end)
    if below_begin:
        first = np.sign(first)
    if below_end:
        last = np.sign(last)
    half = np.float32(WHEEL_HALF_WIDTH * SIZE)
    near = np.float32(WHEEL_RADIUS * first * SIZE)
    far = np.float32(WHEEL_RADIUS * last * SIZE)
    points = canvas.points
    for i in range(4):
        side = half if i in (1, 2) else -half
        x, y = _to_world(car, HULL + 1 + wheel, side, near if i < 2 else far)
        points[i, 0], points[i, 1] = to_window(camera, x, y)
    _fill(canvas, view, 4, paint)


@routine
def _fill(canvas: Any, view: Any, count: int, paint: int) -> None:  # pragma: no cover - compiled
    """Covers the polygon of the canvas's points."""
    points = canvas.points
    lowest = points[0, 1]
    highest = points[0, 1]
    for i in range(1, count):
        lowest = max(lowest, points[i, 1])
        highest = min(highest, points[i, 1])
    first = max(highest, view.first_y)
    last = min(lowest, view.base)
    if highest == lowest:
        if first <= last:
            _fill_flat(canvas, view, count, highest, paint)
        return
    for y in range(first, last + 1):
        _fill_row(canvas, view, count, y, lowest, paint)
    for i in range(count):
        y = points[i, 1]
        k = i - 1 if i else count - 1
        if points[k, 1] == y and highest < y < lowest and first <= y <= last:
            left = min(points[i, 0], points[k, 0])
            right = max(points[i, 0], points[k, 0])
            paint_span(canvas, view, view.base - y, left, right, paint)


@part
def _fill_flat(
    canvas: Any, view: Any, count: int, y: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Covers a polygon of one row."""
    left = canvas.points[0, 0]
    right = canvas.points[0, 0]
    for i in range(1, count):
        left = min(left, canvas.points[i, 0])
        right = max(right, canvas.points[i, 0])
    paint_span(canvas, view, view.base - y, left, right, paint)


@part
def _fill_row(
    canvas: Any, view: Any, corners: int, y: int, lowest: int, paint: int
) -> None:  # pragma: no cover - compiled
    """Covers what lies between the sides in one row."""
    points = canvas.points
    found = canvas.found
    count = 0
    for i in range(corners):
        k = i - 1 if i else corners - 1
        x1 = points[k, 0]
        y1 = points[k, 1]
        x2 = points[i, 0]
        y2 = points[i, 1]
        if y1 == y2:
            continue
        if y1 > y2:
            x1, y1, x2, y2 = x2, y2, x1, y1
        if not (y1 <= y < y2 or (y == lowest and y2 == lowest)):
            continue
        along = np.float32((y - y1) * (x2 - x1)) / np.float32(y2 - y1)
        if count & 1:
            found[count] = int(math.ceil(along)) + x1
        else:
            found[count] = int(math.floor(along)) + x1
        count += 1
    sort_found(found, count)
    for i in range(0, count, 2):
        paint_span(canvas, view, view.base - y, found[i], found[i + 1], paint)
