"""Barriers against plain geometry: they stand beside the path, hide what is behind, and block."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.barriers import build_barriers
from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.world import World
from tests.simulator.decorated import assert_grey_is_luma, decorated_world, picture

LEVEL = View(rotation_deg=(0.0, 0.0, 0.0))
LENS_U = 1.65  # above the ground
CLEAR = {"from_u": 60.0, "over_u": 260.0, "most": 0.0}


def wall(right_u: float = 6.0, **keys: Any) -> dict[str, Any]:
    return {"kind": "wall", "right_u": right_u, "top_u": 3.0, "rgb": [250, 0, 250], **keys}


def is_wall(frame: np.ndarray) -> np.ndarray:
    return (frame[..., 0] > 150) & (frame[..., 1] < 60) & (frame[..., 2] > 150)


def test_a_wall_stands_where_it_says_and_hides_what_is_behind() -> None:
    """On the straight ahead of the start: the wall's foot is the line 6 u right of the path."""
    cone = {"kind": "cone", "name": "cone", "x": 60.0, "z": 60.0, "radius_u": 1.0, "height_u": 2.5}
    world = decorated_world(
        "generated_track", barriers=[wall()], obstacles=[{**cone, "rgb": [0, 255, 0]}]
    )
    seen = is_wall(picture(world, LEVEL))
    columns = np.arange(100, 160)
    depth = 6.0 / ((columns - 79.5) / 60.0)
    for column, ahead in zip(columns, depth, strict=True):
        rows = np.flatnonzero(seen[:, column])
        assert abs(rows.max() - (59.5 + 60.0 * LENS_U / ahead)) <= 1.0
        assert abs(rows.min() - (59.5 - 60.0 * (3.0 - LENS_U) / ahead)) <= 1.0
        assert len(rows) == rows.max() - rows.min() + 1
    frame = picture(world, LEVEL)
    assert not ((frame[..., 1] > 200) & (frame[..., 0] < 60)).any()


def covered(world: World, view: View) -> np.ndarray:
    """Share of each pixel that is covered by something black."""
    with_it = picture(world, view).astype(float)[..., 2]
    bare = decorated_world(world.scene.name, fog=CLEAR, sky=world.scene.sky)
    return 1.0 - with_it / picture(bare, view)[..., 2]


SKY = [[0, [200, 200, 200]], [44, [200, 200, 200]]]


def test_a_wire_covers_the_share_of_its_pixels_that_it_is_thick() -> None:
    wires = {"count": 1, "top_u": 4.0, "rgb": [0, 0, 0], "width_u": 0.1, "opacity": 0.8}
    fence = {"kind": "fence", "right_u": 6.0, "top_u": 0.0, "rgb": [0, 0, 0], "wires": wires}
    world = decorated_world("generated_track", barriers=[fence], fog=CLEAR, sky=SKY)
    share = covered(world, LEVEL)[:50, 110:150]
    thick_px = 0.8 * 60.0 * 0.1 / (6.0 * 60.0 / (np.arange(110, 150) - 79.5))
    assert share.sum() == pytest.approx(thick_px.sum(), rel=0.1)
    rows = (np.arange(50)[:, None] * share).sum(axis=0) / share.sum(axis=0)
    expected = 59.5 - (3.95 - LENS_U) / 6.0 * (np.arange(110, 150) - 79.5)
    assert np.abs(rows - expected).max() < 0.6


def test_posts_stand_along_the_path() -> None:
    posts = {"every_u": 6.0, "width_u": 0.4, "top_u": 5.0, "rgb": [0, 0, 0]}
    fence = {"kind": "fence", "right_u": 6.0, "top_u": 0.0, "rgb": [0, 0, 0], "posts": posts}
    world = decorated_world("generated_track", barriers=[fence], fog=CLEAR, sky=SKY)
    share = covered(world, LEVEL)[45:55].mean(axis=0)
    posts_z = world._obstacles.barriers.posts[1:4, 1]
    assert np.diff(posts_z) == pytest.approx(6.0)
    assert world._obstacles.barriers.posts[1:4, 0] == pytest.approx(49.69 + 6.0)
    for z in posts_z[1:2]:
        ahead = z - 47.838 - 0.553
        at = 79.5 + 60.0 * 6.0 / ahead
        near = slice(int(at) - 3, int(at) + 5)
        assert share[near].sum() == pytest.approx(60.0 * 0.4 / ahead, rel=0.1)
        assert (share * np.arange(160))[near].sum() / share[near].sum() == pytest.approx(
            at, abs=0.6
        )


@pytest.mark.parametrize("scene", ["mini_monaco", "thunderhill", "random_track"])
@pytest.mark.parametrize("right_u", [-7.0, 7.0])
def test_no_barrier_stands_on_the_road(scene: str, right_u: float) -> None:
    track = build_track(load_scene(scene), 3)
    panels = build_barriers([wall(right_u)], track).panels
    assert len(panels) > 0.5 * track.length_u / 6.0
    ends = np.concatenate([panels[:, :2], panels[:, 2:4]])
    away = np.hypot(*(ends[:, None] - track.nodes[None, :, :2]).transpose(2, 0, 1)).min(axis=1)
    assert away.min() > 0.85 * abs(right_u)
    length = np.hypot(panels[:, 2] - panels[:, 0], panels[:, 3] - panels[:, 1])
    assert length.max() < 7.5


def test_a_barrier_follows_the_hills_and_its_part_of_the_path() -> None:
    track = build_track(load_scene("mountain_track"))
    panels = build_barriers([wall(9.0, from_arc_u=100.0, to_arc_u=160.0)], track).panels
    assert 8 <= len(panels) <= 16
    for x, z, base in panels[:, [0, 1, 4]]:
        assert base == pytest.approx(track.ground_u(x, z), abs=0.6)
        assert 95.0 < track.arc_of(x, z) < 165.0


def test_a_solid_barrier_stops_the_car_and_the_lidar_sees_it() -> None:
    def driven(solid: bool) -> tuple[World, set[str]]:
        world = decorated_world("generated_track", barriers=[wall(solid=solid, name="kerb")])
        world.reset(yaw_offset_rad=0.5 * math.pi)
        return world, {world.step(0.0, 0.3).hit.split(" ")[0] for _ in range(120)}

    world, hits = driven(solid=True)
    assert hits == {"none", "kerb"}
    nose = world.telemetry().pos[0] * 8 + 0.875
    assert 49.69 + 5.4 < nose < 49.69 + 5.9
    rays = world.lidar(LidarConfig(deg_down=0.0, levels=1))
    ray = next(distance for distance, rx, _ in rays if rx == 0.0)
    assert ray < 0.6
    assert driven(solid=False)[1] == {"none"}


def test_a_grey_picture_shows_barriers_as_bright_as_they_are() -> None:
    posts = {"every_u": 6.0, "width_u": 0.3, "top_u": 5.0, "rgb": [90, 40, 10]}
    wires = {"count": 3, "top_u": 5.0, "rgb": [20, 60, 220]}
    world = decorated_world("generated_track", barriers=[wall(posts=posts, wires=wires)])
    plain = decorated_world("generated_track")
    seen = picture(world).astype(int) != picture(plain)
    luma = picture(world) @ np.array([0.299, 0.587, 0.114])
    grey = picture(world, grey=True)
    assert np.abs(luma - grey)[seen.any(axis=2)].max() <= 3
    assert_grey_is_luma(world, 12)
