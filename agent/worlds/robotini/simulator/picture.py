"""Pictures of a car's camera: three stripes, black walls, a grey sky and the other cars.

The road is a map from above, painted once for a track. A pixel below the horizon looks a place of
the map up. Walls are as high everywhere, and higher than the camera, so a pixel sees the wall
where its way over the ground leaves the road, or what is above that wall, which is sky.

Figures are upstream's camera: 48.8 degrees from top to bottom, 11 degrees down, 95 mm ahead of the
car's origin and 20 mm above it. Its sky, its light and the finish line's picture are not followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.worlds.robotini.simulator.track import Array, Track
from agent.worlds.robotini.simulator.vehicle import HEIGHT_M, LENGTH_M, ORIGIN_M, WIDTH_M, Vehicle

Image = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]  # 32 bits nearly everywhere, for speed
Colour = tuple[int, int, int]

VIEW_DEG = 48.8
PITCH_DEG = 11.0
AHEAD_M = 0.095
CAMERA_M = ORIGIN_M + 0.02
ROAD_M = 0.9  # from edge to edge, upstream's
WALL_HEIGHT_M = 0.15  # upstream's
FAR_M = 20.0  # upstream's
# Upstream's texture of the road: from the left edge, in shares of the width.
STRIPES = ((0.06, 0.31), (0.33, 0.66), (0.69, 0.94))
RED = (221, 69, 103)
BLUE = (48, 97, 159)
GREEN = (26, 174, 142)
GAP = (7, 3, 2)
WALL = (0, 0, 0)
SKY = (190, 190, 190)  # chosen: no channel above the others
COLOURS = np.array([WALL, GAP, RED, BLUE, GREEN, SKY], np.uint8)
SKY_INDEX = len(COLOURS) - 1
SIDE = 0.7  # of a car's colour, chosen; its front and back have all of it

CELL_M = 0.005  # chosen: of the map
MOST_CELLS = 4000  # chosen: along a side of the map, beyond which its cells grow
MARGIN_M = 0.15  # chosen: painted beyond a wall, which tells how far behind it a place is
RAYS = 160  # chosen: over the ground, about a column each
RAY_STEPS = 72  # chosen
NEAREST_M = 0.02  # chosen: first step of a ray
HALVINGS = 5  # chosen: of the last step, to find the wall


@dataclass(frozen=True)
class RoadMap:
    """The road from above.

    :param clear_m: distance of a cell to the nearest wall, negative behind it, shape (x, z)
    :param colour: index of a cell's colour in ``COLOURS``, shape (x, z)
    :param corner_m: x and z of the first cell
    :param cell_m: side of a cell
    """

    clear_m: Floats
    colour: Image
    corner_m: tuple[float, float]
    cell_m: float


def paint(track: Track) -> RoadMap:
    """Returns the map of a track."""
    points = track.points_m
    half_m = ROAD_M / 2 + MARGIN_M
    corner = points.min(axis=0) - half_m - 2 * CELL_M
    size = points.max(axis=0) + half_m + 2 * CELL_M - corner
    cell_m = max(CELL_M, float(size.max()) / MOST_CELLS)
    shape = (int(size[0] / cell_m) + 1, int(size[1] / cell_m) + 1)
    clear = np.full(shape, -MARGIN_M, np.float32)
    # From the edges to the middle, so that where two roads cross, the middle of one counts.
    offsets = np.arange(-half_m, half_m, cell_m / 2)
    offsets = offsets[np.argsort(-np.abs(offsets), kind="stable")]
    across = np.zeros(shape, np.float32)
    # Denser than cells, so that there are no holes in the outside of a bend.
    middle = _denser(points)
    right = _denser(np.stack([np.cos(track.headings_rad), -np.sin(track.headings_rad)], axis=1))
    for offset in offsets:
        cells = ((middle + offset * right - corner) / cell_m).astype(np.intp)
        clear[cells[:, 0], cells[:, 1]] = ROAD_M / 2 - abs(offset)
        across[cells[:, 0], cells[:, 1]] = offset
    share = across / ROAD_M + 0.5
    colour = np.ones(shape, np.uint8)
    for index, (low, high) in enumerate(STRIPES):
        colour[(share >= low) & (share <= high)] = 2 + index
    colour[clear < 0.0] = 0
    return RoadMap(clear, colour, (float(corner[0]), float(corner[1])), cell_m)


def _denser(rows: Array) -> Array:
    """Returns closed rows with three more between each and the next."""
    after = np.roll(rows, -1, axis=0)
    return np.concatenate([rows + share * (after - rows) for share in (0.0, 0.25, 0.5, 0.75)])


@dataclass(frozen=True)
class View:
    """The pixels' ways, seen from the car; shapes are (height, width) unless given.

    :param ray: which ray over the ground a pixel's way lies above
    :param slope: metres up for each metre over the ground
    :param ray_sin: to the right, shape (RAYS,)
    :param ray_cos: ahead, shape (RAYS,)
    :param ground: flat indices of the pixels below the horizon, shape (n,)
    :param ground_right_m: where those meet the ground, shape (n,)
    :param ground_ahead_m: the same
    :param ground_m: the same, as the distance from the camera
    """

    ray: NDArray[np.intp]
    slope: Floats
    ray_sin: Floats
    ray_cos: Floats
    ground: NDArray[np.intp]
    ground_right_m: Floats
    ground_ahead_m: Floats
    ground_m: Floats


@cache
def view_of(width: int, height: int) -> View:
    """Returns the ways of a picture's pixels."""
    half = math.tan(math.radians(VIEW_DEG) / 2)
    pitch = math.radians(PITCH_DEG)
    to_right = (2 * (np.arange(width) + 0.5) / width - 1) * half * width / height
    to_up = (1 - 2 * (np.arange(height) + 0.5) / height) * half
    right = np.broadcast_to(to_right, (height, width))
    ahead = np.broadcast_to((math.cos(pitch) + to_up * math.sin(pitch))[:, None], right.shape)
    up = np.broadcast_to((-math.sin(pitch) + to_up * math.cos(pitch))[:, None], right.shape)
    over = np.hypot(right, ahead)
    angle = np.arctan2(right, ahead)
    widest = float(np.abs(angle).max())
    angles = np.linspace(-widest, widest, RAYS)
    ray = np.rint((angle + widest) / (2 * widest) * (RAYS - 1)).astype(np.intp)
    slope = up / over
    ground = np.flatnonzero(slope.ravel() < -CAMERA_M / FAR_M)
    distance = -CAMERA_M / slope.ravel()[ground]
    at = angle.ravel()[ground]
    return View(
        ray,
        slope.astype(np.float32),
        np.sin(angles).astype(np.float32),
        np.cos(angles).astype(np.float32),
        ground,
        (distance * np.sin(at)).astype(np.float32),
        (distance * np.cos(at)).astype(np.float32),
        distance.astype(np.float32),
    )


_growth = np.geomspace(NEAREST_M, FAR_M, RAY_STEPS)
RAY_M: Floats = np.concatenate([[0.0], _growth]).astype(np.float32)


def picture(
    road: RoadMap,
    car: Vehicle,
    others: Iterable[tuple[Vehicle, Colour]] = (),
    width: int = 128,
    height: int = 80,
) -> Image:
    """Returns what the car sees, shape (height, width, 3), row 0 at the top.

    :param road: the track's
    :param car: that looks
    :param others: cars that may be in sight, with their colours
    :param width: of the picture
    :param height: of the picture
    """
    view = view_of(width, height)
    sine = math.sin(car.heading_rad)
    cosine = math.cos(car.heading_rad)
    # Of the camera, in cells of the map.
    x = (car.x_m + AHEAD_M * sine - road.corner_m[0]) / road.cell_m
    z = (car.z_m + AHEAD_M * cosine - road.corner_m[1]) / road.cell_m
    step_x = (view.ray_cos * sine + view.ray_sin * cosine) / road.cell_m
    step_z = (view.ray_cos * cosine - view.ray_sin * sine) / road.cell_m
    wall_m = _to_wall(road, x, z, step_x, step_z)[view.ray]
    above = CAMERA_M + view.slope * wall_m
    shown = np.where(above > WALL_HEIGHT_M, np.uint8(SKY_INDEX), np.uint8(0)).ravel()
    nearer = view.ground_m < wall_m.ravel()[view.ground]
    pixels = view.ground[nearer]
    right = view.ground_right_m[nearer]
    ahead = view.ground_ahead_m[nearer]
    at_x = (x + (ahead * sine + right * cosine) / road.cell_m).astype(np.intp)
    at_z = (z + (ahead * cosine - right * sine) / road.cell_m).astype(np.intp)
    shown[pixels] = _looked_up(road.colour, at_x, at_z)
    image = COLOURS[shown].reshape(height, width, 3)
    _draw_cars(image, car, others, view, wall_m)
    return image


def _looked_up(cells: NDArray, x: NDArray[np.intp], z: NDArray[np.intp]) -> NDArray:
    """Returns the map's values, those of its rim for places beyond it."""
    flat = np.clip(x, 0, cells.shape[0] - 1) * cells.shape[1] + np.clip(z, 0, cells.shape[1] - 1)
    return cells.ravel()[flat]


def _to_wall(road: RoadMap, x: float, z: float, step_x: Floats, step_z: Floats) -> Floats:
    """Returns how far the rays go until they leave the road in m, shape (RAYS,).

    :param road: the map
    :param x: of the camera in cells
    :param z: the same
    :param step_x: cells that each ray goes in a metre, shape (RAYS,)
    :param step_z: the same
    """
    at_x = (x + step_x[:, None] * RAY_M).astype(np.intp)
    at_z = (z + step_z[:, None] * RAY_M).astype(np.intp)
    behind = _looked_up(road.clear_m, at_x, at_z) <= 0.0
    behind[:, -1] = True
    first = np.maximum(behind.argmax(axis=1), 1)
    low = RAY_M[first - 1]
    high = RAY_M[first]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        clear = _looked_up(
            road.clear_m,
            (x + step_x * middle).astype(np.intp),
            (z + step_z * middle).astype(np.intp),
        )
        low = np.where(clear > 0.0, middle, low)
        high = np.where(clear > 0.0, high, middle)
    return (low + high) / 2


def _draw_cars(
    image: Image,
    car: Vehicle,
    others: Iterable[tuple[Vehicle, Colour]],
    view: View,
    wall_m: Floats,
) -> None:
    """Draw the other cars as boxes, the nearest last, where no wall hides them.

    :param image: is drawn on
    :param car: that looks
    :param others: with their colours
    :param view: of the picture
    :param wall_m: how far each pixel's way goes over the ground to the wall
    """
    sine = math.sin(car.heading_rad)
    cosine = math.cos(car.heading_rad)
    eye_x = car.x_m + AHEAD_M * sine
    eye_z = car.z_m + AHEAD_M * cosine
    seen = []
    for other, colour in others:
        dx = other.x_m - eye_x
        dz = other.z_m - eye_z
        away_m = math.hypot(dx, dz)
        if away_m < FAR_M and dx * sine + dz * cosine > -LENGTH_M:
            seen.append((away_m, dx, dz, other.heading_rad, colour))
    for _, dx, dz, heading, colour in sorted(seen, reverse=True):
        _draw_box(image, (dx, dz), car.heading_rad, heading, colour, view, wall_m)


def _draw_box(
    image: Image,
    to_box: tuple[float, float],
    heading: float,
    box_heading: float,
    colour: Colour,
    view: View,
    wall_m: Floats,
) -> None:
    """Draw a box where each pixel's way meets it first.

    :param image: is drawn on
    :param to_box: x and z from the camera to its middle in m
    :param heading: of the camera
    :param box_heading: of the box
    :param colour: of its front and back
    :param view: of the picture
    :param wall_m: how far each pixel's way goes over the ground to the wall
    """
    turned = heading - box_heading
    sine = math.sin(box_heading)
    cosine = math.cos(box_heading)
    ahead_m = -(to_box[0] * sine + to_box[1] * cosine)  # of the camera, seen from the box
    right_m = -(to_box[0] * cosine - to_box[1] * sine)
    ray_ahead = view.ray_cos * math.cos(turned) - view.ray_sin * math.sin(turned)
    ray_right = view.ray_cos * math.sin(turned) + view.ray_sin * math.cos(turned)
    enter_ahead, leave_ahead = _between(ahead_m, ray_ahead, LENGTH_M / 2)
    enter_right, leave_right = _between(right_m, ray_right, WIDTH_M / 2)
    enter = np.maximum(enter_ahead, enter_right)
    leave = np.minimum(leave_ahead, leave_right)
    meets = (enter < leave) & (leave > 0.0)
    if not meets.any():
        return
    enter = np.where(meets, np.maximum(enter, 0.0), np.float32(np.inf))
    is_side = enter_right > enter_ahead
    near = enter[view.ray]
    with np.errstate(invalid="ignore"):  # where a ray misses it
        above = CAMERA_M + view.slope * near
        # The camera is lower than a car's top, so that is never seen.
        on_face = (above >= 0.0) & (above <= HEIGHT_M) & (near < wall_m)
    image[on_face] = colour
    image[on_face & is_side[view.ray]] = (np.array(colour) * SIDE).astype(np.uint8)


def _between(place_m: float, direction: Floats, half_m: float) -> tuple[Floats, Floats]:
    """Returns where rays enter and leave the room between two planes, in m."""
    safe = np.where(np.abs(direction) < 1e-6, np.float32(1e-6), direction)
    one = (-half_m - place_m) / safe
    other = (half_m - place_m) / safe
    return np.minimum(one, other), np.maximum(one, other)
