"""A track: its centre line, the polygons that are drawn, and the tiles that wheels touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.worlds.car_racing.exact.arrays import Doubles, Ints
from agent.worlds.car_racing.exact.centre_line import (
    CHECKPOINTS,
    DRAWS,
    MOST_STEPS,
    find_round,
    place_checkpoints,
    walk,
)
from agent.worlds.car_racing.exact.palette import DEFAULT, Palette
from agent.worlds.car_racing.exact.road import lay_road
from agent.worlds.car_racing.exact.tile_grid import TileGrid, make_grid


@dataclass(frozen=True)
class Track:
    """n tiles, m polygons; lengths in units.

    ``points``: (n, 4) angle about the middle, heading, x, y. ``polygons``: (m, 4, 2) in the order
    in which they are drawn; ``colours``: (m, 3) levels; ``tile_of``: (m,) the tile whose touch
    repaints one in ``plain``, -1 for kerbs. ``grid``: the tiles as Box2D keeps them.
    """

    points: Doubles
    polygons: Doubles
    colours: Ints
    tile_of: Ints
    grid: TileGrid
    palette: Palette

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return len(self.points)

    @property
    def plain(self) -> Ints:
        """The levels of a tile that was touched: (3,)."""
        return self.palette.road.astype(np.int32)


def make_track(rng: np.random.Generator, palette: Palette = DEFAULT) -> Track:
    """Returns the track that Gymnasium makes from the same generator.

    It takes 24 numbers a trial; most first trials close.
    """
    checkpoints = np.empty((CHECKPOINTS, 3))
    walked = np.empty((MOST_STEPS, 4))
    first = end = 0
    while end == 0:
        place_checkpoints(rng.random(DRAWS), checkpoints)
        first, end = find_round(walked, walk(checkpoints, walked))
    points = walked[first:end].copy()
    return _furnish(points, palette)


def _furnish(points: Doubles, palette: Palette) -> Track:
    """Returns the track with its polygons and tiles."""
    most = 2 * len(points)
    polygons = np.empty((most, 4, 2))
    kinds = np.empty(most, np.int32)
    tile_of = np.empty(most, np.int32)
    count = lay_road(points, polygons, kinds, tile_of)
    polygons, kinds, tile_of = polygons[:count], kinds[:count], tile_of[:count]
    quads = polygons[tile_of >= 0].astype(np.float32)
    colours = palette.of_kinds()[kinds]
    return Track(points, polygons, colours, tile_of, make_grid(quads), palette)
