"""Speed profiles against circles and the car itself, and rounded lines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.simulator import vehicle
from agent.simulator.tracks import Track
from agent.simulator.typing import Array
from agent.worlds.donkey.experts.line import (
    DRAG,
    FULL_FORCE,
    SMOOTHING_U,
    Line,
    rounded_line,
    speed_profile,
)

LEVEL = np.zeros(400)


def circle(radius_u: float, n: int = 400) -> Array:
    angle = 2.0 * math.pi * np.arange(n) / n
    return np.stack([radius_u * np.cos(angle), radius_u * np.sin(angle)], axis=1)


def straight(length_u: float, n: int = 400) -> Array:
    return np.stack([np.zeros(n), np.linspace(0.0, length_u, n)], axis=1)


@pytest.mark.parametrize(("radius_u", "grip"), [(10.0, 0.8), (20.0, 0.7), (20.0, 0.5)])
def test_a_circle_is_driven_at_the_tyres_limit(radius_u: float, grip: float) -> None:
    points = circle(radius_u)
    speed = speed_profile(points, True, LEVEL, grip, 1.0)
    scrubbed = 6e-3  # a little of the grip drives against the scrub
    assert speed == pytest.approx(math.sqrt(grip * vehicle.GRAVITY_U * radius_u), rel=scrubbed)
    seconds = 2.0 * math.pi * math.sqrt(radius_u / (grip * vehicle.GRAVITY_U))
    assert Line(points, speed, True).time_sec == pytest.approx(seconds, rel=scrubbed)


def test_scrub_holds_the_car_below_the_tyres_limit_as_it_holds_the_profile() -> None:
    radius_u = 10.0
    points = np.vstack([circle(radius_u)] * 4)
    speed = speed_profile(points, False, np.zeros(len(points)), 1.0, 0.3)
    car = np.zeros(vehicle.STATE_SIZE)
    for _ in range(3000):
        vehicle.tick(car, math.atan(vehicle.WHEELBASE_U / radius_u) / vehicle.STEER_MAX, 0.3, 0, 0)
    assert car[vehicle.FORWARD] < 0.8 * math.sqrt(vehicle.GRAVITY_U * radius_u)
    assert speed[-2] == pytest.approx(car[vehicle.FORWARD], rel=0.01)


def hook(radius_u: float) -> Array:
    """Half a circle, then 300 u straight along +z."""
    angle = np.linspace(math.pi, 0.0, 40)
    bend = np.stack([radius_u - radius_u * np.cos(angle), -radius_u * np.sin(angle)], axis=1)
    return np.vstack([bend[:-1], straight(300.0)])


@pytest.mark.parametrize(("throttle", "uphill"), [(1.0, 0.0), (0.5, 0.0), (1.0, 0.1)])
def test_out_of_a_bend_the_car_accelerates_so(throttle: float, uphill: float) -> None:
    points = hook(6.0)
    speed = speed_profile(points, False, np.full(len(points), uphill), 1.0, throttle)
    car = np.zeros(vehicle.STATE_SIZE)
    car[vehicle.Z], car[vehicle.FORWARD] = points[50, 1], speed[50]
    while car[vehicle.Z] < 250.0:
        vehicle.tick(car, 0.0, throttle, 0.0, uphill)
    assert speed[50] < 0.9 * car[vehicle.FORWARD]
    assert car[vehicle.FORWARD] == pytest.approx(
        np.interp(car[vehicle.Z], points[39:, 1], speed[39:]), rel=0.01
    )


def test_without_brakes_the_car_coasts_into_a_bend() -> None:
    points = np.ascontiguousarray(hook(12.0)[::-1] * [1.0, -1.0])
    speed = speed_profile(points, False, np.zeros(len(points)), 1.0, 1.0)
    entry = len(points) - 42
    car = np.zeros(vehicle.STATE_SIZE)
    car[vehicle.Z], car[vehicle.FORWARD] = points[300, 1], speed[300]
    while car[vehicle.Z] < points[entry, 1]:
        vehicle.tick(car, 0.0, 0.0, 0.0, 0.0)
    assert speed[300] > 1.2 * speed[entry]
    assert car[vehicle.FORWARD] == pytest.approx(speed[entry], rel=0.02)
    assert speed[-20] == pytest.approx(math.sqrt(12.0 * vehicle.GRAVITY_U), rel=0.02)


@pytest.mark.parametrize("throttle", [1.0, 0.35])
def test_the_top_speed_is_where_motor_and_drag_balance(throttle: float) -> None:
    top = speed_profile(circle(1000.0), True, LEVEL, 1.0, throttle)[0]
    assert FULL_FORCE * throttle * vehicle.torque_factor(top) == pytest.approx(DRAG * top, rel=0.01)


def test_a_rounded_line_lies_farther_inside_the_tighter_the_bend() -> None:
    for radius_u in (20.0, 40.0):
        nodes = np.column_stack([circle(radius_u), np.zeros(400)])
        line = rounded_line(Track(nodes, closed=True), 0.0, grip=0.5, throttle=0.5)
        inside_u = radius_u - np.hypot(*line.points.T)
        assert inside_u == pytest.approx(SMOOTHING_U**2 / (2.0 * radius_u), rel=0.02)


def test_a_rounded_line_stays_where_the_road_is_straight_and_keeps_an_open_roads_ends() -> None:
    nodes = np.column_stack([hook(6.0), np.zeros(439)])
    track = Track(nodes, closed=False)
    line = rounded_line(track, 1.0, grip=0.5, throttle=0.5)
    moved_u = np.hypot(*(line.points - track.parallel_line(1.0)[:, :2]).T)
    assert moved_u[[0, -1]] == pytest.approx(0.0, abs=1e-3)
    assert moved_u[100:].max() < 0.01 < 1.0 < moved_u[:40].max()
