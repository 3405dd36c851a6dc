"""The bar's numbers are read off its pixels, and a mirrored strip is the mirrored scene's."""

from __future__ import annotations

import numpy as np
import pytest

from agent.worlds.car_racing.indicators import (
    FULL,
    NUMBERS,
    STRIP_COLUMNS,
    STRIP_ROWS,
    draw_strip,
    read_bar,
)

MIRRORED = [0, 2, 1, 4, 3, 5, 6]  # left wheels and right ones
SIGNS = np.array([1, 1, 1, 1, 1, -1, -1], dtype=np.float32)


def strip_of(numbers: np.ndarray, columns: int = STRIP_COLUMNS) -> np.ndarray:
    strip = np.full((1, STRIP_ROWS, columns), 7, dtype=np.uint8)
    draw_strip(numbers.astype(np.float32), strip)
    return strip


@pytest.mark.parametrize("columns", [STRIP_COLUMNS, 96])
def test_a_mirrored_strip_is_the_mirrored_scenes(columns: int) -> None:
    rng = np.random.default_rng(0)
    numbers = (FULL * rng.uniform(-1.0, 1.0, NUMBERS)).astype(np.float32)
    found = strip_of(numbers[MIRRORED] * SIGNS, columns)[..., ::-1]
    # A step is drawn from 1 to 255 about 128, so both sides of it are a mirror of each other.
    np.testing.assert_array_equal(found, strip_of(numbers, columns))


def test_every_number_has_a_field_of_its_own() -> None:
    still = strip_of(np.zeros(NUMBERS))
    changed = []
    for number in range(NUMBERS):
        numbers = np.zeros(NUMBERS)
        numbers[number] = FULL[number]
        changed.append(strip_of(numbers) != still)
    pixels = [int(each.sum()) for each in changed]
    assert pixels == [4 * 72, 144, 144, 144, 144, 72, 72]
    assert (np.sum(changed, axis=0) <= 1).all()


def test_the_bar_of_gymnasium_is_read() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    pytest.importorskip("Box2D")
    env = gymnasium.make("CarRacing-v3", disable_env_checker=True)
    rng = np.random.default_rng(1)
    read = []
    true = []
    try:
        env.reset(seed=5)
        for frame in range(120):
            steer = rng.uniform(-0.3, 0.3)
            gas = 0.6 * (frame % 40 < 30)
            picture, *_ = env.step(np.array([steer, gas, 0.0], dtype=np.float32))
            car = env.unwrapped.car
            spins = [wheel.omega for wheel in car.wheels]
            angle = car.wheels[0].joint.angle
            speed = np.hypot(*car.hull.linearVelocity)
            read.append(read_bar(picture[84:].transpose(2, 0, 1)))
            true.append([speed, *spins, -angle, -car.hull.angularVelocity])
    finally:
        env.close()
    # A pixel of the large picture is 2.5 units/s, 5 rad/s, 0.004 rad and 0.05 rad/s.
    errors = np.abs(np.array(read) - np.array(true)).max(axis=0)
    assert (errors <= [5.0, 10.0, 10.0, 10.0, 10.0, 0.02, 0.12]).all(), errors
    assert (np.ptp(true, axis=0) > [20.0, 40.0, 40.0, 40.0, 40.0, 0.3, 0.3]).all()
