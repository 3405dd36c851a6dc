"""Contact of a wheel, or a piece of the hull, with a tile.

Bits matter only at a distance of two skins, 0.02 units. So what is clear from the tile's edges is
decided by them, and the rest by Box2D's own way of measuring.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import SHAPE_CORNERS, SHAPES, WHEEL_SHAPE
from agent.worlds.car_racing.exact.car import HULL, Record
from agent.worlds.car_racing.exact.distance import SKINS, measure, touches
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.room import Room
from agent.worlds.car_racing.exact.tracks import Tracks

DOUBT = np.float32(0.005)  # units; float32 errs by less than 0.0001 on the field
APART = SKINS + DOUBT
WHEEL_REACH = np.float32(0.61)  # from a wheel's centre to its corners


@routine
def place_shape(car: Record, body: int, shape: int, placed: Floats) -> None:  # pragma: no cover
    """Writes the corners of a body's shape on the ground.

    :param car: the record
    :param body: 0 to 4
    :param shape: of ``SHAPES``
    :param placed: (8, 2) to write
    """
    sin, cos = car.rotation[body, 0], car.rotation[body, 1]
    x, y = car.position[body, 0], car.position[body, 1]
    for i in range(SHAPE_CORNERS[shape]):
        right, ahead = SHAPES[shape, i, 0], SHAPES[shape, i, 1]
        placed[i, 0] = (cos * right - sin * ahead) + x
        placed[i, 1] = (sin * right + cos * ahead) + y


@routine
def _is_apart(edges: Floats, count: int, placed: Floats, corners: int) -> bool:  # pragma: no cover
    """True if all corners of a shape are clearly beyond one edge of the tile.

    :param edges: (4, 3) of the tile
    :param count: of them, used
    :param placed: (8, 2) corners on the ground
    :param corners: of them, used
    """
    for j in range(count):
        beyond = True
        for i in range(corners):
            out = edges[j, 0] * placed[i, 0] + edges[j, 1] * placed[i, 1] - edges[j, 2]
            if out < APART:
                beyond = False
                break
        if beyond:
            return True
    return False


@routine
def _outside(
    edges: Floats, count: int, x: np.float32, y: np.float32
) -> np.float32:  # pragma: no cover
    """Returns how far a point is beyond the edge of which it is furthest out, units.

    :param edges: (4, 3) of the tile
    :param count: of them, used
    :param x: place
    :param y: the same
    """
    most = edges[0, 0] * x + edges[0, 1] * y - edges[0, 2]
    for j in range(1, count):
        most = max(most, edges[j, 0] * x + edges[j, 1] * y - edges[j, 2])
    return most


@routine
def _measured(
    car: Record, body: int, shape: int, tracks: Tracks, k: int, tile: int, room: Room
) -> bool:  # pragma: no cover - compiled
    """True if a placed shape touches the tile, by Box2D's measure.

    :param car: the record
    :param body: 0 to 4
    :param shape: of ``SHAPES``, placed
    :param tracks: of all cars
    :param k: number of the car
    :param tile: of its track
    :param room: for the simplex
    """
    return touches(
        measure(
            tracks.corners[k, tile],
            tracks.corner_counts[k, tile],
            SHAPES[shape],
            room.placed,
            SHAPE_CORNERS[shape],
            car.rotation[body],
            room.simplex,
            room.kept,
        )
    )


@routine
def wheel_touches(
    car: Record, wheel: int, tracks: Tracks, k: int, tile: int, room: Room
) -> bool:  # pragma: no cover - compiled
    """True if a wheel touches the tile.

    :param car: the record
    :param wheel: 0 to 3, placed
    :param tracks: of all cars
    :param k: number of the car
    :param tile: of its track
    :param room: for the simplex
    """
    edges = tracks.edges[k, tile]
    count = tracks.corner_counts[k, tile]
    body = 1 + wheel
    out = _outside(edges, count, car.position[body, 0], car.position[body, 1])
    if out < -DOUBT:
        return True
    if out > WHEEL_REACH + APART:
        return False
    corners = SHAPE_CORNERS[WHEEL_SHAPE]
    if _is_apart(edges, count, room.placed, corners):
        return False
    return _measured(car, body, WHEEL_SHAPE, tracks, k, tile, room)


@routine
def hull_touches(
    car: Record, shape: int, tracks: Tracks, k: int, tile: int, room: Room
) -> bool:  # pragma: no cover - compiled
    """True if a piece of the hull touches the tile.

    :param car: the record
    :param shape: of ``SHAPES``, placed
    :param tracks: of all cars
    :param k: number of the car
    :param tile: of its track
    :param room: for the simplex
    """
    edges, count = tracks.edges[k, tile], tracks.corner_counts[k, tile]
    if _is_apart(edges, count, room.placed, SHAPE_CORNERS[shape]):
        return False
    return _measured(car, HULL, shape, tracks, k, tile, room)
