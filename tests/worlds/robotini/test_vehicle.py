"""A car: its motor, its steering, the dead man's rule, walls and other cars."""

from __future__ import annotations

import math

import pytest

from agent.worlds.robotini.simulator.track import load_track
from agent.worlds.robotini.simulator.vehicle import (
    DRAG,
    FORCE_N,
    GRIP,
    LENGTH_M,
    TICK_SEC,
    WALL_M,
    WIDTH_M,
    Vehicle,
    separate,
    torque_share,
)

TRACK = load_track("stadium")
STRAIGHT_M = TRACK.length_m - 1.5  # shortly before the finish line, on a straight


def car(offset_m: float = 0.0, angle_rad: float = 0.0) -> Vehicle:
    vehicle = Vehicle(TRACK, STRAIGHT_M)
    vehicle.place(STRAIGHT_M, offset_m)
    vehicle.heading_rad += angle_rad
    return vehicle


def drive(vehicle: Vehicle, seconds: float, **commands: float) -> None:
    """Holds commands, so that the dead man's rule is at rest."""
    for _ in range(round(seconds / TICK_SEC)):
        for action, value in commands.items():
            vehicle.command(action, value)
        vehicle.tick()


def test_the_torque_follows_upstreams_curve() -> None:
    assert torque_share(0.0) == 1.0
    assert torque_share(0.45) == pytest.approx(1.0)
    assert torque_share(0.5181) == pytest.approx(0.9607)
    assert torque_share(0.759) == pytest.approx(0.48, abs=0.01)
    assert torque_share(1.0) == 0.0


def test_a_small_throttle_is_a_speed() -> None:
    vehicle = car()
    drive(vehicle, 0.5, forward=0.03)
    assert vehicle.speed == pytest.approx(FORCE_N * 0.03 / DRAG, rel=0.02)
    assert vehicle.forward_speed == pytest.approx(vehicle.speed, rel=1e-6)


def test_it_gathers_speed_with_1_g_and_no_more() -> None:
    vehicle = car()
    drive(vehicle, 0.1, forward=1.0)
    assert vehicle.speed == pytest.approx(0.1 * GRIP, rel=1e-6)


def test_the_steering_needs_two_tenths_of_a_second_from_side_to_side() -> None:
    vehicle = car()
    drive(vehicle, 0.1, turn=1.0)
    assert vehicle.steering == pytest.approx(-1.0)
    drive(vehicle, 0.1, turn=-1.0)
    assert vehicle.steering == pytest.approx(0.0, abs=1e-9)
    drive(vehicle, 0.1, turn=-5.0)
    assert vehicle.steering == pytest.approx(1.0)


@pytest.mark.parametrize("side", [1, -1])
def test_a_positive_turn_leads_to_the_left(side: int) -> None:
    vehicle = car()
    drive(vehicle, 0.5, forward=0.03, turn=0.5 * side)
    assert vehicle.angle_rad * side < -0.1
    assert vehicle.offset_m * side < -0.01


def test_a_bend_is_at_most_1_g() -> None:
    vehicle = car()
    vehicle.speed = 3.0
    before = vehicle.heading_rad
    vehicle.steering = 1.0
    vehicle.target = 1.0
    vehicle.silent_sec = 0.0
    vehicle.tick()
    assert 3.0 * (vehicle.heading_rad - before) / TICK_SEC == pytest.approx(GRIP)


def test_without_commands_it_coasts_after_three_tenths_of_a_second() -> None:
    vehicle = car()
    drive(vehicle, 0.5, forward=0.05, turn=0.1)
    for _ in range(round(0.29 / TICK_SEC)):
        vehicle.tick()
    assert vehicle.throttle == 0.05 and vehicle.steering != 0.0
    for _ in range(10):
        vehicle.tick()
    assert vehicle.throttle == 0.0 and vehicle.steering == 0.0
    vehicle.command("nothing that it knows", 1.0)
    vehicle.command("forward", 0.05)
    vehicle.tick()
    assert vehicle.throttle == 0.05


def test_braking_stops_and_reverse_does_not_reverse() -> None:
    vehicle = car()
    drive(vehicle, 0.5, forward=0.1)
    drive(vehicle, 0.3, brake=1.0)
    assert vehicle.speed == 0.0
    drive(vehicle, 0.3, reverse=1.0)
    assert vehicle.speed == 0.0 and vehicle.brake == 0.0


@pytest.mark.parametrize("side", [1, -1])
def test_a_wall_holds_it_and_turns_it_along(side: int) -> None:
    vehicle = car(angle_rad=0.6 * side)
    seen = 0
    for _ in range(700):
        vehicle.command("forward", 0.05)
        vehicle.tick()
        seen += vehicle.in_wall
        reach = LENGTH_M / 2 * abs(math.sin(vehicle.angle_rad)) + WIDTH_M / 2 * abs(
            math.cos(vehicle.angle_rad)
        )
        assert abs(vehicle.offset_m) + reach <= WALL_M + 1e-3
    assert seen > 50
    assert vehicle.offset_m * side > 0.3
    assert abs(vehicle.angle_rad) < 0.15
    assert vehicle.speed > 0.1


def test_head_on_it_hardly_moves() -> None:
    vehicle = car(angle_rad=math.pi / 2)
    drive(vehicle, 3.0, forward=0.05)
    assert vehicle.in_wall
    assert abs(vehicle.forward_speed) < 0.02


def test_motors_that_are_off_do_nothing() -> None:
    vehicle = car()
    vehicle.motor_on = False
    drive(vehicle, 0.5, forward=1.0)
    assert vehicle.speed == 0.0


def test_cars_that_touch_part_and_share_their_speed() -> None:
    front = car()
    back = car()
    back.place(STRAIGHT_M - LENGTH_M + 0.02)
    back.speed = 1.0
    assert separate(back, front)
    assert back.speed == pytest.approx(0.5, abs=0.05)
    assert front.speed == pytest.approx(0.5, abs=0.05)
    assert math.hypot(front.x_m - back.x_m, front.z_m - back.z_m) >= LENGTH_M - 1e-3
    assert not separate(back, front)


def test_cars_in_one_place_part_too() -> None:
    one = car()
    other = car()
    assert separate(one, other)
    assert math.hypot(one.x_m - other.x_m, one.z_m - other.z_m) > WIDTH_M - 1e-6


def test_it_finds_its_place_all_the_way_round() -> None:
    vehicle = car()
    for metres in range(1, 30):
        place = TRACK.points_m[TRACK.index_at(STRAIGHT_M + metres * 0.1)]
        vehicle.x_m = float(place[0])
        vehicle.z_m = float(place[1])
        vehicle.locate()
        expected = (STRAIGHT_M + metres * 0.1) % TRACK.length_m
        assert vehicle.distance_m == pytest.approx(expected, abs=0.011)
        assert vehicle.offset_m == pytest.approx(0.0, abs=1e-3)
