"""The drivers that know where the car is: the line follower, and the reference lap."""

from __future__ import annotations

import math

import pytest

from agent.simulator.world import World
from agent.worlds.donkey.experts.line_follower import (
    LineFollower,
    drive_laps,
    line_follower,
    reference_line,
)


@pytest.mark.parametrize("scene", ["generated_track", "roboracingleague_1", "waveshare"])
def test_the_line_follower_laps_and_the_reference_is_much_quicker(scene: str) -> None:
    world = World(scene)
    floor = drive_laps(world, line_follower(world), 2)
    line = reference_line(scene)
    laps = drive_laps(world, LineFollower(line), 3)
    assert len(floor) == 2 and len(laps) == 3
    assert laps[2] == pytest.approx(laps[1], abs=0.05)  # settled
    assert laps[2] < 0.5 * floor[1]
    assert laps[2] == pytest.approx(line.time_sec, rel=0.05)  # what the physics promised


def test_the_line_follower_stays_on_the_line_at_its_speed() -> None:
    world = World("warren")
    driver = line_follower(world)
    for _ in range(200):
        seen = world.step(*driver.command(world.telemetry()))
    assert abs(seen.cte) < 0.5
    assert 1.0 < seen.speed < 2.6


def test_it_comes_back_to_the_line_from_either_side_without_swinging_over() -> None:
    world = World("mountain_track")
    for side in (-1.0, 1.0):
        world.reset(arc_u=20.0, lateral_u=4.0 * side, yaw_offset_rad=math.radians(20.0) * side)
        driver = line_follower(world)
        errors = [side * world.step(*driver.command(world.telemetry())).cte for _ in range(150)]
        assert max(errors) > 3.5
        assert abs(errors[-1]) < 0.3
        assert min(errors) > -0.5


def test_restart_finds_a_car_that_was_put_elsewhere() -> None:
    world = World("generated_track")
    driver = line_follower(world)
    driver.command(world.telemetry())
    world.reset(arc_u=100.0)
    lost = LineFollower(driver.line)
    driver.restart()
    assert driver.command(world.telemetry()) == lost.command(world.telemetry())


def test_an_open_road_is_driven_to_its_end() -> None:
    world = World("generated_road")
    world.reset(seed=5)
    driver = line_follower(world)
    for _ in range(3000):
        seen = world.step(*driver.command(world.telemetry()))
        if seen.finished:
            break
    assert seen.finished and abs(seen.cte) < 0.5


def test_a_lap_that_leaves_the_road_is_not_counted() -> None:
    world = World("generated_track")
    assert drive_laps(world, LineFollower(reference_line("generated_track")), 1, max_cte=2.0) == []
