"""Obstacles against plain geometry: the body hits them, the camera and the lidar see them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator.built_scene import BuiltScene
from agent.simulator.lidar import LidarConfig
from agent.simulator.obstacles import find_collision
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.world import World
from tests.simulator.looks import picture, scene_with, world_of

NO_BOXES, NO_PILLARS = np.empty((0, 8)), np.empty((0, 6))
BLOCKING = np.ones(1, dtype=np.bool_)


def inside_body(x: float, z: float, yaw: float, points: np.ndarray) -> np.ndarray:
    d = points - (x, z)
    right = d[:, 0] * math.cos(yaw) - d[:, 1] * math.sin(yaw)
    ahead = d[:, 0] * math.sin(yaw) + d[:, 1] * math.cos(yaw)
    return (np.abs(right) < 0.5) & (np.abs(ahead) < 0.875)


@settings(max_examples=150, deadline=None)
@given(
    st.floats(-4, 4),
    st.floats(-4, 4),
    st.floats(0, 6.3),
    st.floats(0, 360),
    st.floats(0.2, 3),
    st.floats(0.2, 3),
)
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
    wall = {
        "kind": "box",
        "name": "wall",
        "x": 49.7,
        "z": 60.0,
        "yaw_deg": 0.0,
        "half_u": [8.0, 0.2],
        "height_u": 9.0,
        "rgb": [200, 10, 200],
    }
    scene = replace(plain, obstacles=[*plain.obstacles, wall])
    world = World("generated_track")
    world._enter(BuiltScene(scene, build_track(scene)))
    world.reset()
    frame = np.zeros((120, 160, 3), np.uint8)
    world.render(frame)
    rows, columns = np.nonzero((frame[..., 0] > 120) & (frame[..., 1] < 60) & (frame[..., 2] > 120))
    # Of the lens; the foot lies below the horizon, the top far above it.
    ahead = 60.0 - 0.2 - 47.838 - 0.553
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


def test_a_box_over_the_road_is_an_arch_and_its_shadow_starts_beyond_its_foot() -> None:
    beam = {"kind": "box", "name": "arch", "x": 0.0, "z": 30.0, "yaw_deg": 0.0, "solid": False}
    beam |= {"half_u": [20.0, 1.0], "height_u": 8.0, "bottom_u": 5.0, "rgb": [10, 200, 10]}
    light = {"sun_deg": 45.0, "azimuth_deg": 180.0, "shadow": 0.5}
    bare, arch, sunny = (
        picture(world_of(scene_with(**keys)), 10.0)
        for keys in ({}, {"obstacles": [beam]}, {"obstacles": [beam], "light": light})
    )
    changed = np.abs(arch - bare).sum(axis=2)[:, 80] > 20
    assert changed[27] and not changed[40:].any()  # the road goes on under it
    # Lower rows have the car's own shadow.
    shadow = np.flatnonzero((arch - sunny).sum(axis=2)[44:90, 80] > 20)
    assert 0 < len(shadow) < 4  # from 34 to 39 u, behind the beam
