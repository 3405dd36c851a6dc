"""Race lines against what is known of them: the inner edge of a ring, corridors and the lock."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.simulator import vehicle
from agent.simulator.obstacles import Obstacles, find_collision
from agent.simulator.telemetry import UNITS_PER_METRE
from agent.simulator.tracks import Track, build_track, load_scene
from agent.simulator.world import World
from agent.worlds.donkey.experts.line import TIGHTEST, centre_line
from agent.worlds.donkey.experts.race_line import race_line


def test_round_a_ring_the_inner_edge_is_quickest() -> None:
    """With half of the grip a circle takes 2 pi sqrt(2r/g) seconds, so the smaller one wins."""
    scene = load_scene("random_track")  # nothing stands beside it
    angle = -2.0 * math.pi * np.arange(1, 189) / 188
    nodes = np.column_stack([30.0 * np.cos(angle), 30.0 * np.sin(angle), np.zeros(188)])
    track = Track(nodes, closed=True)
    line = race_line(track, Obstacles(scene, track), 6.0, grip=0.5)
    radius_u = np.hypot(*line.points.T)
    assert radius_u.min() > 24.0 and radius_u.max() < 25.5
    assert line.time_sec == pytest.approx(
        2.0 * math.pi * math.sqrt(2.0 * 24.5 / vehicle.GRAVITY_U), rel=0.015
    )


@pytest.mark.parametrize("name", ["generated_track", "circuit_launch", "waveshare"])
def test_a_race_line_keeps_to_the_corridor_clear_of_everything_and_within_the_lock(
    name: str,
) -> None:
    scene, world = load_scene(name), World(name)
    track = build_track(scene)
    obstacles = Obstacles(scene, track)
    line = race_line(track, obstacles, 7.0)
    x_m, _, z_m = world.telemetry().pos
    away_u = line.points - np.array([x_m, z_m]) * UNITS_PER_METRE
    start = int(np.argmin(np.hypot(*away_u.T)))
    for i in range(start, start + len(line.points)):
        (x, z), yaw = line.points[i % len(line.points)], line.heading[i % len(line.points)]
        world.set_pose(float(x), float(z), float(yaw))
        assert abs(world.telemetry().cte) < 7.5
        assert find_collision(x, z, yaw, obstacles.pillars, obstacles.boxes, obstacles.blocking) < 0
    assert np.abs(line.curvature).max() < TIGHTEST
    assert line.time_sec < 0.9 * centre_line(track, grip=1.0, throttle=1.0, fastest_u=1e9).time_sec


def test_less_throttle_takes_longer_and_an_open_road_has_no_laps() -> None:
    scene = load_scene("waveshare")
    track = build_track(scene)
    times = [
        race_line(track, Obstacles(scene, track), 7.0, throttle=throttle).time_sec
        for throttle in (1.0, 0.2)
    ]
    assert times[1] > 1.1 * times[0]
    road = load_scene("generated_road")
    with pytest.raises(ValueError, match="give a closed track"):
        race_line(build_track(road), Obstacles(road, build_track(road)), 7.0)
