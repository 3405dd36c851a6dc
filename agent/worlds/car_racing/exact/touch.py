"""Touches of wheels and hull with tiles bring grip, reward, and a plain colour.

Gymnasium hears of each touch's begin and end. To reward and colour only the first begin matters,
and to a wheel's grip whether there is any; so a touch that would change nothing is not looked for.
"""

from __future__ import annotations

from agent.worlds.car_racing.exact.bodies import HULL_SHAPES, WHEEL_SHAPE
from agent.worlds.car_racing.exact.car import HULL, WHEELS, Record
from agent.worlds.car_racing.exact.contact import hull_touches, place_shape, wheel_touches
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.room import Room
from agent.worlds.car_racing.exact.tile_grid import COLUMNS, column
from agent.worlds.car_racing.exact.tracks import Tracks

LAP_REWARD = 1000.0


@routine
def _paint(tracks: Tracks, k: int, tile: int) -> None:  # pragma: no cover - compiled
    """Gives a tile the plain colour.

    :param tracks: of all cars
    :param k: number of the car
    :param tile: of its track
    """
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
    place_shape(car, body, WHEEL_SHAPE, room.placed)
    cell = column(car.position[body, 1]) * COLUMNS + column(car.position[body, 0])
    on_road = 0
    first = False
    for at in range(tracks.starts[k, cell], tracks.starts[k, cell + 1]):
        tile = tracks.listed[k, at]
        if on_road and tracks.visited[k, tile]:
            continue
        if wheel_touches(car, wheel, tracks, k, tile, room):
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
                place_shape(car, HULL, shape, room.placed)
                placed = True
            if hull_touches(car, shape, tracks, k, tile, room):
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
