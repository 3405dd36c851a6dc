"""Simple drivers of Gymnasium's CarRacing, which lead a car into all that can befall it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Action = NDArray[np.float32]
# From Gymnasium's world, a generator for noise and the number of the step.
Driver = Callable[[Any, np.random.Generator, int], Action]

POINTS_AHEAD = 4
FAST_POINTS_AHEAD = 9
STRAIGHT = 0.15  # rad to the point ahead, below which the fast driver speeds up
PHASE_STEPS = 90  # of the driver that stands still: longer than a car takes to fall asleep


def _action(steering: float, gas: float, brake: float) -> Action:
    """Returns what Gymnasium takes."""
    return np.array([steering, gas, brake], np.float32)


def _look(env: Any, points_ahead: int) -> tuple[float, float]:
    """Returns the angle to a point of the centre line ahead, positive to the right, and the speed.

    :param env: Gymnasium's world
    :param points_ahead: from the nearest one
    """
    hull, points = env.car.hull, env.track
    away = [(x - hull.position[0]) ** 2 + (y - hull.position[1]) ** 2 for _, _, x, y in points]
    nearest = min(range(len(away)), key=away.__getitem__)
    _, _, x, y = points[(nearest + points_ahead) % len(points)]
    right, ahead = hull.GetLocalPoint((x, y))
    return float(np.arctan2(right, ahead)), float(np.hypot(*hull.linearVelocity))


def _follow(env: Any, rng: np.random.Generator, noise: float) -> Action:
    """Steers to a point ahead on the centre line, with noise; moderate speed."""
    angle, speed = _look(env, POINTS_AHEAD)
    steering = np.clip(2 * angle + noise * rng.normal(), -1, 1)
    return _action(steering, 0.3 if speed < 45 else 0, 0.2 if speed > 55 else 0)


def fast(env: Any, _rng: np.random.Generator, _step: int) -> Action:
    """Follows the centre line up to 96 units/s, with as much gas as the tyres hold."""
    angle, speed = _look(env, FAST_POINTS_AHEAD)
    limit = 95 if abs(angle) < STRAIGHT else 55
    gas = min(1.0, 0.12 + speed / 150) if speed < limit else 0
    return _action(np.clip(1.5 * angle, -1, 1), gas, 0.15 if speed > limit + 10 else 0)


def centre_line(env: Any, rng: np.random.Generator, _step: int) -> Action:
    """Follows the centre line with little noise."""
    return _follow(env, rng, 0.2)


def wild(env: Any, rng: np.random.Generator, _step: int) -> Action:
    """Follows the centre line with much noise, half on the grass."""
    return _follow(env, rng, 1.0)


def full_gas(_env: Any, _rng: np.random.Generator, _step: int) -> Action:
    """Keeps full gas, and so spins in most drives."""
    return _action(0, 1, 0)


def straight_on(_env: Any, _rng: np.random.Generator, _step: int) -> Action:
    """Leaves the road and then the field."""
    return _action(0, 0.3, 0)


def at_random(_env: Any, rng: np.random.Generator, _step: int) -> Action:
    """Draws all three controls anew at each step, and beyond what Gymnasium allows."""
    brake = rng.uniform(0, 1) if rng.random() < 0.3 else 0
    return _action(rng.uniform(-1.5, 1.5), rng.uniform(-0.2, 1.3), brake)


def off_road(_env: Any, _rng: np.random.Generator, step: int) -> Action:
    """Winds through the grass, and over the road where it meets it."""
    return _action(0.3 * np.sin(step / 40), 0.4, 0)


def spinning(_env: Any, _rng: np.random.Generator, step: int) -> Action:
    """Turns at full lock with the rear wheels spinning or locked, joints at their stops."""
    return _action(1 if step % 200 < 100 else -1, step % 7 > 1, 0.95 if step % 60 > 50 else 0)


def standstill(_env: Any, _rng: np.random.Generator, step: int) -> Action:
    """Brakes until the car sleeps, wakes it by the steering, drives off, brakes again."""
    phases = ((0, 0, 1), (0.2, 0, 1), (0, 0, 0.5), (0.3, 0.5, 0), (-0.6, 0, 0.95), (0, 0, 0.95))
    return _action(*phases[step // PHASE_STEPS % len(phases)])


DRIVERS: dict[str, Driver] = {
    "centre line": centre_line,
    "fast": fast,
    "wild": wild,
    "full gas": full_gas,
    "straight on": straight_on,
    "random": at_random,
    "off road": off_road,
    "spinning": spinning,
    "standstill": standstill,
}
