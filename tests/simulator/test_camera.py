"""The drawn road lies where the track says: pixels against a plain search for the nearest point of the line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.simulator.world import World

PITCH = math.radians(15.0)


def ground_point(world_x: float, world_z: float, yaw: float, row: int, column: int) -> tuple[float, float]:
    """Where a pixel's ray meets level ground, from the reference's figures of the camera alone."""
    down, right = (row - 59.5) / 60.0, (column - 79.5) / 60.0
    depth = 1.65 / (down * math.cos(PITCH) + math.sin(PITCH))
    ahead = 0.553 + depth * (math.cos(PITCH) - down * math.sin(PITCH))
    side = depth * right
    return (
        world_x + ahead * math.sin(yaw) + side * math.cos(yaw),
        world_z + ahead * math.cos(yaw) - side * math.sin(yaw),
    )


def offsets_from_line(world: World, x: float, z: float) -> tuple[float, float]:
    """Signed distance to the nearest point of the centre line, and to the nearest one on another leg."""
    track = world.track
    dx, dz = x - track.nodes[:, 0], z - track.nodes[:, 1]
    along = np.clip(np.einsum("nk,nk->n", np.stack([dx, dz], 1), track.direction), 0.0, track.span_u)
    away = np.hypot(dx - along * track.direction[:, 0], dz - along * track.direction[:, 1])
    best = int(np.argmin(away))
    apart = np.abs(track.arc_u - track.arc_u[best])
    if track.closed:
        apart = np.minimum(apart, track.length_u - apart)
    other = float(away[apart > 30.0].min())
    side = dx[best] * track.direction[best, 1] - dz[best] * track.direction[best, 0]
    return math.copysign(float(away[best]), side), other


@pytest.mark.parametrize("scene", ["generated_track", "generated_road", "mini_monaco"])
def test_pixels_show_the_strip_of_road_they_lie_on(scene: str) -> None:
    world = World(scene)
    rng = np.random.default_rng(1)
    frame = np.zeros((120, 160, 3), np.uint8)
    checked = 0
    for _ in range(12):
        place = float(rng.uniform(20.0, min(world.track.length_u, 500.0) - 20.0))
        world.reset(arc_u=place, aside_u=float(rng.uniform(-3, 3)), turned=float(rng.uniform(-0.6, 0.6)))
        world.render(frame)
        x, _, z = (8 * p for p in world.telemetry().pos)
        yaw = math.radians(world.telemetry().car[2])
        for row, column in zip(rng.integers(62, 120, 60), rng.integers(0, 160, 60), strict=True):
            lateral, other = offsets_from_line(world, *ground_point(x, z, yaw, int(row), int(column)))
            expected = [world.scene.ground_rgb]
            for strip in world.scene.cross_section:
                reach = 0.3  # a pixel's shadow and the chord's error
                if strip["from_u"] - reach < lateral < strip["to_u"] + reach:
                    inside = strip["from_u"] + reach < lateral < strip["to_u"] - reach
                    expected = [strip["rgb"]] if inside else [*expected, strip["rgb"]]
            seen = frame[row, column].astype(int)
            if len(expected) > 1 or other < abs(lateral) + 3.0 or min(seen) < 45 or (seen[0] > 150 and seen[1] < 90):
                continue  # on an edge, beside another leg, on the start line or a cone
            checked += 1
            assert np.abs(seen - expected[0]).max() <= 7, (scene, place, row, column, lateral)
    assert checked > 200


def test_another_leg_beside_the_road_is_drawn() -> None:
    """The run beside one span ends where another part of the road is nearer."""
    world = World("mini_monaco")
    track = world.track
    gaps = np.hypot(*(track.nodes[:, None, :2] - track.nodes[None, :, :2]).transpose(2, 0, 1))
    apart = np.abs(track.arc_u[:, None] - track.arc_u[None, :])
    gaps[np.minimum(apart, track.length_u - apart) < 60.0] = np.inf
    here, there = np.unravel_index(np.argmin(gaps), gaps.shape)
    world.reset(arc_u=float(track.arc_u[here]) - 6.0)
    frame = np.zeros((120, 160, 3), np.uint8)
    world.render(frame)
    x, _, z = (8 * p for p in world.telemetry().pos)
    yaw = math.radians(world.telemetry().car[2])
    roads = 0
    for row in range(50, 120):
        for column in range(160):
            px, pz = ground_point(x, z, yaw, row, column)
            if math.hypot(px - track.nodes[there, 0], pz - track.nodes[there, 1]) < 2.0:
                roads += 1
                assert abs(int(frame[row, column, 2]) - int(frame[row, column, 0])) < 40
                assert frame[row, column, 0] < 125 or frame[row, column, 0] > 180  # asphalt or a line, not ground
    assert roads > 5, f"the other leg {gaps[here, there]:.1f} u away is out of sight"
