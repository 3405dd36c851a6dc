"""Tracks of many cars side by side, in arrays that are made once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.exact.arrays import Bytes, Doubles, Floats, Ints
from agent.worlds.car_racing.exact.tile_grid import CELLS, CORNERS
from agent.worlds.car_racing.exact.track import Track

MOST_TILES = 512  # 40,000 tracks had at most 405
MOST_POLYGONS = 2 * MOST_TILES  # each may have a kerb
MOST_LISTED = 8192  # places in the lists of a grid; those tracks took at most 3,787


class Tracks(NamedTuple):
    """n tracks: the tiles for the physics, what happened to them, and polygons for the pictures.

    ``counts``: (n,) tiles; the next five are those of ``TileGrid``, one track after the other.
    ``visited``: (n, 512) 1 for tiles that a wheel has touched; ``painted``: (n, 512) 1 for tiles
    that wheel or hull have touched. ``polygon_counts``: (n,); ``polygons``: (n, 1024, 4, 2);
    ``colours``: (n, 1024, 3) as they are now, for a touch changes them to ``plain``: (n, 3).
    ``polygon_of``: (n, 512) the polygon of a tile; ``ground``: (n, 2, 3) levels of field, grass.
    """

    counts: Ints
    corners: Floats
    corner_counts: Bytes
    edges: Floats
    starts: Ints
    listed: Ints
    visited: Bytes
    painted: Bytes
    polygon_counts: Ints
    polygons: Doubles
    colours: Bytes
    polygon_of: Ints
    plain: Bytes
    ground: Bytes

    def load(self, k: int, track: Track) -> None:
        """Puts a track in place ``k``, with no tile touched.

        :raises ValueError: the track is too long
        """
        n, listed = track.tiles, len(track.grid.listed)
        if n > MOST_TILES or listed > MOST_LISTED:
            raise ValueError(f"a track of {n} tiles is longer than {MOST_TILES}")
        self.counts[k] = n
        self.corners[k, :n] = track.grid.corners
        self.corner_counts[k, :n] = track.grid.counts
        self.edges[k, :n] = track.grid.edges
        self.starts[k] = track.grid.starts
        self.listed[k, :listed] = track.grid.listed
        self.visited[k] = 0
        self.painted[k] = 0
        self._load_polygons(k, track)

    def _load_polygons(self, k: int, track: Track) -> None:
        """Puts what is drawn in place ``k``."""
        m = len(track.polygons)
        self.polygon_counts[k] = m
        self.polygons[k, :m] = track.polygons
        self.colours[k, :m] = track.colours
        self.polygon_of[k, : track.tiles] = (track.tile_of >= 0).nonzero()[0]
        self.plain[k] = track.plain
        self.ground[k] = track.palette.ground, track.palette.grass


def make_tracks(n: int) -> Tracks:
    """Returns room for ``n`` tracks."""

    def room(*shape: int, dtype: type = np.float32) -> NDArray[Any]:
        return np.zeros((n, *shape), dtype)

    return Tracks(
        counts=room(dtype=np.int32),
        corners=room(MOST_TILES, CORNERS, 2),
        corner_counts=room(MOST_TILES, dtype=np.uint8),
        edges=room(MOST_TILES, CORNERS, 3),
        starts=room(CELLS + 1, dtype=np.int32),
        listed=room(MOST_LISTED, dtype=np.int32),
        visited=room(MOST_TILES, dtype=np.uint8),
        painted=room(MOST_TILES, dtype=np.uint8),
        polygon_counts=room(dtype=np.int32),
        polygons=room(MOST_POLYGONS, 4, 2, dtype=np.float64),
        colours=room(MOST_POLYGONS, 3, dtype=np.uint8),
        polygon_of=room(MOST_TILES, dtype=np.int32),
        plain=room(3, dtype=np.uint8),
        ground=room(2, 3, dtype=np.uint8),
    )
