"""Tiles and the grid that finds them."""

import numpy as np
import pytest

from agent.worlds.car_racing.exact.tile_grid import COLUMNS, REACH, column, make_grid
from agent.worlds.car_racing.exact.track import Track, make_track
from agent.worlds.car_racing.exact.tracks import MOST_TILES, make_tracks


@pytest.fixture(scope="module")
def track() -> Track:
    return make_track(np.random.default_rng(3))


def test_tiles_have_the_corners_that_box2d_keeps(track: Track) -> None:
    pytest.importorskip("Box2D", reason="it is what tiles are compared with")
    from Box2D import b2PolygonShape

    quads = track.polygons[track.tile_of >= 0]
    assert len(quads) == len(track.grid.counts)
    for tile, quad in enumerate(quads):
        kept = np.array(b2PolygonShape(vertices=quad.tolist()).vertices, np.float32)
        ours = track.grid.corners[tile, : track.grid.counts[tile]]
        np.testing.assert_array_equal(kept, ours)


def test_a_corner_within_the_others_is_left_out() -> None:
    quad = np.array([[(0, 0), (4, 0), (1, 1), (0, 4)]], np.float32)
    grid = make_grid(quad)
    assert grid.counts[0] == 3
    assert grid.corners[0, :3].tolist() == [[4, 0], [0, 4], [0, 0]]


def test_edges_look_outward_from_the_tile(track: Track) -> None:
    centres = track.grid.corners.mean(axis=1)
    edges = track.grid.edges
    out = np.einsum("njk,nk->nj", edges[:, :, :2], centres) - edges[:, :, 2]
    assert (out < 0).all()
    np.testing.assert_allclose(np.hypot(edges[..., 0], edges[..., 1]), 1, atol=1e-6)


def test_a_cell_lists_all_tiles_within_reach(track: Track) -> None:
    rng = np.random.default_rng(0)
    grid, found = track.grid, 0
    for x, y in track.points[:, 2:] + rng.normal(0, 8, (track.tiles, 2)):
        low, high = grid.corners.min(axis=1) - REACH, grid.corners.max(axis=1) + REACH
        near = ((low <= (x, y)) & ((x, y) <= high)).all(axis=1).nonzero()[0]
        cell = column(y) * COLUMNS + column(x)
        listed = set(grid.listed[grid.starts[cell] : grid.starts[cell + 1]])
        assert set(near) <= listed
        found += len(near)
    assert found > 2 * track.tiles


def test_places_beyond_the_grid_count_to_its_border() -> None:
    assert column(-1e6) == column(-339.9) == 0
    assert column(1e6) == column(339.9) == COLUMNS - 1


def test_a_track_longer_than_the_room_is_refused(track: Track) -> None:
    points = np.resize(track.points, (MOST_TILES + 1, 4))
    long = Track(points, track.polygons, track.colours, track.tile_of, track.grid, track.palette)
    with pytest.raises(ValueError, match="longer than 512"):
        make_tracks(1).load(0, long)
