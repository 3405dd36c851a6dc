"""Touches of wheels and hull with tiles, and what they bring: grip, reward, and a plain colour.

Bits matter only at a distance of two skins, 0.02 units. So what is clear from the tile's edges is
decided by them, and the rest by Box2D's own way of measuring.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import (
    HULL_SHAPES,
    SHAPE_CORNERS,
    SHAPES,
    WHEEL_SHAPE,
)
from agent.worlds.car_racing.exact.car import HULL, WHEELS, Record
from agent.worlds.car_racing.exact.distance import SKINS, measure, touches
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.room import Room
from agent.worlds.car_racing.exact.tile_grid import COLUMNS, column
from agent.worlds.car_racing.exact.tracks import Tracks

LAP_REWARD = 1000.0
DOUBT = np.float32(0.005)  # units; float32 errs by less than 0.0001 on the field
APART = SKINS + DOUBT
WHEEL_REACH = np.float32(0.61)  # from a wheel's centre to its corners


@routine
def _place(car: Record, body: int, shape: int, placed: Floats) -> None:  # pragma: no cover
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
def _wheel_touches(
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
def _paint(tracks: Tracks, k: int, tile: int) -> None:  # pragma: no cover - compiled
    """Gives a tile the plain colour."""
    tracks.painted[k, tile] = 1
    polygon = tracks.polygon_of[k, tile]
    for channel in range(3):
        tracks.colours[k, polygon, channel] = tracks.plain[k, channel]


@routine
def _visit(car: Record, tracks: Tracks, k: int, tile: int) -> bool:  # pragma: no cover - compiled
    """Notes that a wheel touches the tile; returns if it is tile 0, and for the first time.

    :param car: the record
    :param tracks: of all cars
    :param k: number of the car
    :param tile: of its track
    """
    if not tracks.painted[k, tile]:
        _paint(tracks, k, tile)
    if tracks.visited[k, tile]:
        return False
    tracks.visited[k, tile] = 1
    car.reward += LAP_REWARD / car.tiles
    car.visited += 1
    return tile == 0


@routine
def _touch_by_wheel(
    car: Record, wheel: int, tracks: Tracks, k: int, room: Room
) -> bool:  # pragma: no cover - compiled
    """Finds a wheel's tiles; returns if tile 0 is among them for the first time.

    :param car: the record
    :param wheel: 0 to 3
    :param tracks: of all cars
    :param k: number of the car
    :param room: for a step
    """
    body = 1 + wheel
    _place(car, body, WHEEL_SHAPE, room.placed)
    cell = column(car.position[body, 1]) * COLUMNS + column(car.position[body, 0])
    on_road = 0
    first = False
    for at in range(tracks.starts[k, cell], tracks.starts[k, cell + 1]):
        tile = tracks.listed[k, at]
        if on_road and tracks.visited[k, tile]:
            continue
        if _wheel_touches(car, wheel, tracks, k, tile, room):
            on_road = 1
            first = _visit(car, tracks, k, tile) or first
    car.on_road[wheel] = on_road
    return first


@routine
def _touch_by_hull(
    car: Record, tracks: Tracks, k: int, room: Room
) -> None:  # pragma: no cover - compiled
    """Paints the tiles that the hull touches.

    :param car: the record
    :param tracks: of all cars
    :param k: number of the car
    :param room: for a step
    """
    cell = column(car.position[HULL, 1]) * COLUMNS + column(car.position[HULL, 0])
    starts, end = tracks.starts[k, cell], tracks.starts[k, cell + 1]
    for shape in range(HULL_SHAPES):
        placed = False
        for at in range(starts, end):
            tile = tracks.listed[k, at]
            if tracks.painted[k, tile]:
                continue
            if not placed:
                _place(car, HULL, shape, room.placed)
                placed = True
            edges, count = tracks.edges[k, tile], tracks.corner_counts[k, tile]
            if _is_apart(edges, count, room.placed, SHAPE_CORNERS[shape]):
                continue
            if _measured(car, HULL, shape, tracks, k, tile, room):
                _paint(tracks, k, tile)


@routine
def touch_tiles(
    car: Record, tracks: Tracks, k: int, room: Room
) -> None:  # pragma: no cover - compiled
    """Finds all touches at the bodies' places.

    :param car: the record
    :param tracks: of all cars
    :param k: number of the car
    :param room: for a step
    """
    first = False
    for wheel in range(WHEELS):
        first = _touch_by_wheel(car, wheel, tracks, k, room) or first
    # Box2D tells of new touches from the last tile down, so the first tile counts them all.
    if first and car.visited / car.tiles > car.lap_share:
        car.new_lap = 1
    _touch_by_hull(car, tracks, k, room)
