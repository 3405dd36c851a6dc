"""The car against the figures of the Unity prefab (speeds in m/s, 8 u to the metre)."""

import math

import numpy as np
import pytest

from agent.simulator import vehicle
from agent.simulator.vehicle import (
    DT_SEC,
    FORWARD,
    GRAVITY_U,
    SIDE,
    WHEELBASE_U,
    YAW_RATE,
    tick,
    torque_factor,
)
from experiments.held_throttle import REAL_LAP_SEC, flying_lap_sec


def drive(
    seconds: float, steering: float, throttle: float, car: np.ndarray | None = None
) -> np.ndarray:
    car = np.zeros(vehicle.STATE_SIZE) if car is None else car
    for _ in range(round(seconds / DT_SEC)):
        tick(car, steering, throttle, 0.0, 0.0)
    return car


@pytest.mark.parametrize(
    ("throttle", "speeds"),  # m/s after 1, 2, 5 and 60 seconds, as the reference rounds them
    [
        (1.0, (2.3, 3.9, 5.3, 6.4)),
        (0.5, (1.2, 2.1, 3.7, 4.2)),
        (0.3, (0.7, 1.3, 2.4, 3.3)),
        (0.2, (0.5, 0.9, 1.6, 2.4)),
    ],
)
def test_acceleration_is_the_prefabs(throttle: float, speeds: tuple[float, ...]) -> None:
    car = np.zeros(vehicle.STATE_SIZE)
    for seconds, speed in zip((1.0, 1.0, 3.0, 55.0), speeds, strict=True):
        rounding = 0.05
        assert drive(seconds, 0.0, throttle, car)[FORWARD] / 8 == pytest.approx(
            speed, rel=0.05, abs=rounding
        )


def test_brakes_stop_the_car_and_hold_it() -> None:
    car = np.zeros(vehicle.STATE_SIZE)
    car[FORWARD] = 20.0
    drive(0.5, 0.0, 0.0, car)
    coasting = car[FORWARD]
    for _ in range(100):
        tick(car, 0.0, 0.0, 1.0, 0.1)
    assert coasting > 17.0 and car[FORWARD] == 0.0


def test_torque_curve_passes_its_keys() -> None:
    assert [torque_factor(s) for s in (0.0, 24.8, 40.0, 60.0)] == pytest.approx(
        [1.0, 0.896, 0.501, 0.501]
    )


def test_slow_circle_has_the_kinematic_radius() -> None:
    car = drive(20.0, 1.0, 0.08)
    assert car[FORWARD] / car[YAW_RATE] == pytest.approx(
        WHEELBASE_U / math.tan(math.radians(16.0)), rel=0.02
    )
    assert abs(car[SIDE]) < 0.05


def test_bends_cost_speed_and_straights_do_not() -> None:
    straight = drive(20.0, 0.0, 0.1)[FORWARD]
    bends = [drive(20.0, steering, 0.1)[FORWARD] for steering in (0.2, -0.2, 0.5, 1.0)]
    assert bends[0] == bends[1]
    assert straight > bends[0] > bends[2] > bends[3] > 0.4 * straight


@pytest.mark.parametrize(("scene", "real_sec"), REAL_LAP_SEC.items())
def test_a_held_throttle_takes_as_long_as_in_the_real_simulator(
    scene: str, real_sec: float
) -> None:
    assert flying_lap_sec(scene) == pytest.approx(real_sec, rel=0.03)


def test_fast_corner_is_limited_by_friction_and_slides() -> None:
    car = np.zeros(vehicle.STATE_SIZE)
    car[FORWARD] = 35.0
    slid = 0.0
    for _ in range(100):
        tick(car, 1.0, 0.4, 0.0, 0.0)
        slid = max(slid, abs(car[SIDE]))
        assert abs(car[YAW_RATE] * car[FORWARD]) < 1.15 * GRAVITY_U
    assert slid > 0.5


def test_coasting_loses_speed_with_the_stated_time_constant() -> None:
    car = np.zeros(vehicle.STATE_SIZE)
    car[FORWARD] = 20.0
    assert drive(4.9, 0.0, 0.0, car)[FORWARD] == pytest.approx(20.0 / math.e, rel=0.02)


def test_hills_pull() -> None:
    car = np.zeros(vehicle.STATE_SIZE)
    for _ in range(100):
        tick(car, 0.0, 0.0, 0.0, 0.1)
    assert car[FORWARD] == pytest.approx(-0.1 * GRAVITY_U, rel=0.12)
