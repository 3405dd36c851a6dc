"""Tracks of many cars side by side, in arrays that are made once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.exact.arrays import Bytes, Floats, Ints
from agent.worlds.car_racing.exact.tile_grid import CELLS, CORNERS
from agent.worlds.car_racing.exact.track import Track

MOST_TILES = 512  # 40,000 tracks had at most 405
MOST_LISTED = 8192  # places in the lists of a grid; those tracks took at most 3,787


class Tracks(NamedTuple):
    """Tiles of n tracks and what happened to them in the episode; ``TileGrid`` tells the rest.

    ``visited``: (n, 512) 1 for tiles that a wheel has touched; ``painted``: (n, 512) 1 for tiles
    that wheel or hull have touched, which are drawn in the shade of tile 0.
    """

    counts: Ints
    corners: Floats
    corner_counts: Bytes
    edges: Floats
    starts: Ints
    listed: Ints
    visited: Bytes
    painted: Bytes

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
    )
