"""The camera: from the world's units to pixels of the window, the car at one place of it.

In float64 as Gymnasium computes it; the rotation is that of pygame's ``Vector2.rotate_rad``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agent.worlds.car_racing.exact.car import HULL
from agent.worlds.car_racing.exact.kinds import part

SCALE = 6.0  # of Gymnasium's track, to its units
FAR = 0.1 * SCALE  # pixels a unit at the start, when the whole track is seen
NEAR = 2.7 * SCALE  # pixels a unit from ZOOM_S on
ZOOM_S = 1.0
CAR_X = 1000 / 2  # place of the hull's origin in the window, which is flipped later
CAR_Y = 800 / 4
QUARTER = math.pi / 2
NEARLY_QUARTER = 1e-6  # rad; so near to quarters pygame turns by whole ones


class Camera(NamedTuple):
    """A turn, then a zoom, then a shift."""

    cos: float
    sin: float
    zoom: float
    shift_x: float
    shift_y: float


@part
def place_camera(car: Any) -> Any:  # pragma: no cover - compiled
    """Returns the camera over a car."""
    cos, sin = _turn(-np.float64(car.angle[HULL]))
    zoom = FAR * max(ZOOM_S - car.time, 0.0) + NEAR * min(car.time, ZOOM_S)
    x = -np.float64(car.position[HULL, 0]) * zoom
    y = -np.float64(car.position[HULL, 1]) * zoom
    return Camera(cos, sin, zoom, CAR_X + (cos * x - sin * y), CAR_Y + (sin * x + cos * y))


@part
def _turn(angle: float) -> Any:  # pragma: no cover - compiled
    """Returns the cosine and sine of a turn."""
    angle = np.fmod(angle, 2 * math.pi)
    if angle < 0.0:
        angle += 2 * math.pi
    if np.fmod(angle + NEARLY_QUARTER, QUARTER) >= 2 * NEARLY_QUARTER:
        return math.cos(angle), math.sin(angle)
    quarters = int((angle + NEARLY_QUARTER) / QUARTER)
    if quarters == 1:
        return 0.0, 1.0
    if quarters == 2:
        return -1.0, 0.0
    if quarters == 3:
        return 0.0, -1.0
    return 1.0, 0.0


@part
def to_window(camera: Any, x: float, y: float) -> Any:  # pragma: no cover - compiled
    """Returns the pixel of a place; numbers after the point are cut off."""
    across = camera.cos * x - camera.sin * y
    along = camera.sin * x + camera.cos * y
    return int(across * camera.zoom + camera.shift_x), int(along * camera.zoom + camera.shift_y)
