"""Obstacles and lidar against plain geometry; appearances change the picture and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator.appearance import LINE_WIDTH_U, Appearance
from agent.simulator.lidar import LidarConfig, scan
from agent.simulator.obstacles import Obstacles, find_collision
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.world import BuiltScene, World

NO_BOXES, NO_PILLARS = np.empty((0, 8)), np.empty((0, 6))
BLOCKING = np.ones(1, dtype=np.bool_)


def inside_body(x: float, z: float, yaw: float, points: np.ndarray) -> np.ndarray:
    d = points - (x, z)
    right, ahead = (
        d[:, 0] * math.cos(yaw) - d[:, 1] * math.sin(yaw),
        d[:, 0] * math.sin(yaw) + d[:, 1] * math.cos(yaw),
    )
    return (np.abs(right) < 0.5) & (np.abs(ahead) < 0.875)


@settings(max_examples=150, deadline=None)
@given(
    st.floats(-4, 4), st.floats(-4, 4), st.floats(0, 6.3), st.floats(0, 360), st.floats(0.2, 3), st.floats(0.2, 3)
)  # fmt: skip
def test_boxes_are_hit_where_they_overlap_the_body(
    x: float, z: float, yaw: float, turned: float, width: float, length: float
) -> None:
    s, c = math.sin(math.radians(turned)), math.cos(math.radians(turned))
    box = np.array([[0.0, 0.0, 0.0, s, c, width, length, 1.0]])
    u, v = np.meshgrid(np.linspace(-width, width, 41), np.linspace(-length, length, 41))
    points = np.stack([u * c + v * s, -u * s + v * c], axis=-1).reshape(-1, 2)
    hit = find_collision(x, z, yaw, NO_PILLARS, box, BLOCKING) >= 0
    if inside_body(x, z, yaw, points).any():
        assert hit
    elif hit:  # the points are a grid: a corner may be in between
        grown = box + np.array([[0, 0, 0, 0, 0, -0.16, -0.16, 0]])
        assert (
            find_collision(x, z, yaw, NO_PILLARS, grown, BLOCKING) < 0 or min(width, length) < 0.3
        )


def test_pillars_are_hit_where_the_body_reaches_them() -> None:
    pillar = np.array([[0.0, 0.0, 0.0, 1.0, 2.0, 0.0]])
    for z, hit in ((-1.9, False), (-1.85, True), (1.85, True), (1.9, False)):
        assert (
            find_collision(0.0, z, 0.0, pillar, NO_BOXES, BLOCKING) == 0
        ) == hit  # nose or tail first
    for x, hit in ((-1.52, False), (-1.48, True), (1.48, True)):
        assert (find_collision(x, 0.0, 0.0, pillar, NO_BOXES, BLOCKING) == 0) == hit  # sideways
    assert find_collision(0.0, 0.0, 0.0, pillar, NO_BOXES, np.zeros(1, dtype=np.bool_)) == -1


def test_a_wall_hides_what_is_behind_it_and_blocks_the_way() -> None:
    plain = load_scene("generated_track")
    wall = {"kind": "box", "name": "wall", "x": 49.7, "z": 60.0, "yaw_deg": 0.0, "half_u": [8.0, 0.2], "height_u": 9.0,
            "rgb": [200, 10, 200]}  # fmt: skip
    scene = replace(plain, obstacles=[*plain.obstacles, wall])
    world = World("generated_track")
    world._move_to(BuiltScene(scene, build_track(scene)))
    world.reset()
    frame = np.zeros((120, 160, 3), np.uint8)
    world.render(frame)
    rows, columns = np.nonzero((frame[..., 0] > 120) & (frame[..., 1] < 60) & (frame[..., 2] > 120))
    ahead = (
        60.0 - 0.2 - 47.838 - 0.553
    )  # of the lens; the foot lies below the horizon, the top far above it
    depth = ahead * math.cos(math.radians(15)) + 1.65 * math.sin(math.radians(15))
    foot = (
        59.5 + 60 * (1.65 * math.cos(math.radians(15)) - ahead * math.sin(math.radians(15))) / depth
    )
    assert abs(rows.max() - foot) < 1.5 and rows.min() < 25
    assert abs(columns[rows == rows.max()].max() - (79.5 + 60 * 8.0 / depth)) < 1.5
    assert {world.step(0.0, 0.6).hit for _ in range(80)} == {"none", "wall"}
    nose = world.telemetry().pos[2] * 8 + 0.875
    assert 59.6 < nose < 59.85
    ray = next(d for d, rx, _ in world.lidar(LidarConfig(deg_down=0.0, levels=1)) if rx == 0.0)
    assert ray == pytest.approx(59.8 - (nose - 0.875) - 0.737, abs=1e-6)


def test_lidar_sees_the_ground_as_far_as_its_angle_says() -> None:
    obstacles = Obstacles(load_scene("generated_road"), build_track(load_scene("generated_road")))
    hits = scan(LidarConfig(), 0.0, 0.0, 0.3, 0.5, obstacles)
    lift = 0.53 + 0.372
    for distance, rx, ry in hits[:: len(hits) // 40]:
        assert 0.0 <= rx < 360.0 and rx % 2.0 == 0.0
        assert distance == pytest.approx(lift / math.sin(math.radians(25.0 + ry)))
    assert hits[:, 0].max() <= 50.0
    assert (
        len(scan(LidarConfig(deg_down=-10.0, levels=3), 0.0, 0.0, 0.0, 0.0, obstacles)) == 0
    )  # into the sky


@pytest.mark.parametrize("scene", ["generated_track", "mountain_track"])
def test_an_appearance_changes_the_picture_and_nothing_else(scene: str) -> None:
    frames, poses = [], []
    for look in (None, Appearance(seed=1), Appearance(seed=1), Appearance(seed=2)):
        world = World(scene)
        world.set_appearance(look)
        world.reset(arc_u=20.0)
        seen = [world.step(0.1, 0.4) for _ in range(20)][-1]
        frame = np.zeros((120, 160, 3), np.uint8)
        world.render(frame)
        frames.append(frame.astype(int))
        poses.append((seen.pos, seen.cte, seen.speed, seen.hit))
    assert poses[0] == poses[1] == poses[3]
    assert np.array_equal(frames[1], frames[2])
    assert np.abs(frames[0] - frames[1]).mean() > 4 and np.abs(frames[1] - frames[3]).mean() > 4


def test_where_the_ground_is_the_roads_own_only_lines_tell_them_apart() -> None:
    world = World("warren")
    look = Appearance(seed=4, floor=1.0, anew=0.0).scene(world.scene, world.track)
    narrow = {
        tuple(strip["rgb"])
        for strip in look.cross_section
        if strip["to_u"] - strip["from_u"] < LINE_WIDTH_U
    }
    wide = {tuple(strip["rgb"]) for strip in look.cross_section} - narrow
    assert wide == {tuple(look.ground_rgb)}
    assert narrow


def test_what_is_of_one_colour_stays_of_one_colour_and_lines_grow_about_their_middles() -> None:
    world = World("generated_track")
    plain = world.scene.cross_section
    grown = []
    for seed in range(30):
        look = Appearance(seed=seed, floor=0.0).scene(world.scene, world.track).cross_section
        paints = {
            tuple(was["rgb"]): tuple(now["rgb"]) for was, now in zip(plain, look, strict=True)
        }
        for was, now in zip(plain, look, strict=True):
            assert tuple(now["rgb"]) == paints[tuple(was["rgb"])]
            assert now["from_u"] + now["to_u"] == pytest.approx(was["from_u"] + was["to_u"])
            if was["to_u"] - was["from_u"] < LINE_WIDTH_U:
                grown.append((now["to_u"] - now["from_u"]) / (was["to_u"] - was["from_u"]))
            else:
                assert (now["from_u"], now["to_u"]) == (was["from_u"], was["to_u"])
        assert len(set(paints.values())) > 1
    assert 0.75 < min(grown) < 0.85 and 1.8 < max(grown) <= 2.0


def test_an_appearance_of_no_strength_is_the_scene_itself() -> None:
    nothing = dict.fromkeys(Appearance.__dataclass_fields__, 0)
    plain = Appearance(**nothing)
    scene = load_scene("generated_track")
    assert plain.scene(scene, build_track(scene)) == scene
