"""The correction of positions after the move: wheels back to their places, joints within stops."""

from __future__ import annotations

import math

import numpy as np

from agent.worlds.car_racing.exact.bodies import (
    HULL_CENTRE_X,
    HULL_CENTRE_Y,
    HULL_INVERSE_INERTIA,
    HULL_INVERSE_MASS,
    WHEEL_INVERSE_INERTIA,
    WHEEL_INVERSE_MASS,
)
from agent.worlds.car_racing.exact.car import BODIES, HULL, WHEELS, Record
from agent.worlds.car_racing.exact.joint_rows import (
    ARMS,
    INVERSE_MASS,
    MOST_ANGLE,
    MOTOR_MASS,
    ONE,
    ZERO,
    cross,
)
from agent.worlds.car_racing.exact.kinds import routine

PI = np.float32(3.14159265359)
DEGREES = np.float32(180.0)
SLOP = np.float32(0.005)  # units that a wheel may be off its place
ANGULAR_SLOP = np.float32(2.0) / DEGREES * PI
MOST_CORRECTION = np.float32(8.0) / DEGREES * PI
SWEEPS = 60


@routine
def rotate(car: Record) -> None:  # pragma: no cover - compiled
    """Sets rotations and origins from angles and centres of mass."""
    for body in range(BODIES):
        car.rotation[body, 0] = math.sin(car.angle[body])
        car.rotation[body, 1] = math.cos(car.angle[body])
        car.position[body, 0] = car.centre[body, 0]
        car.position[body, 1] = car.centre[body, 1]
    sin, cos = car.rotation[HULL, 0], car.rotation[HULL, 1]
    car.position[HULL, 0] -= cos * HULL_CENTRE_X - sin * HULL_CENTRE_Y
    car.position[HULL, 1] -= sin * HULL_CENTRE_X + cos * HULL_CENTRE_Y


@routine
def _turn_back(car: Record, wheel: int) -> np.float32:  # pragma: no cover - compiled
    """Turns a joint at a stop back; returns by how much it was beyond, rad."""
    stop = car.stop[wheel]
    if stop == 0:
        return ZERO
    angle = car.angle[1 + wheel] - car.angle[HULL]
    if stop < 0:
        beyond = angle + MOST_ANGLE
        error = -beyond
        beyond = max(-MOST_CORRECTION, min(beyond + ANGULAR_SLOP, ZERO))
    else:
        beyond = angle - MOST_ANGLE
        error = beyond
        beyond = max(ZERO, min(beyond - ANGULAR_SLOP, MOST_CORRECTION))
    impulse = -MOTOR_MASS * beyond
    car.angle[HULL] -= HULL_INVERSE_INERTIA * impulse
    car.angle[1 + wheel] += WHEEL_INVERSE_INERTIA * impulse
    return error


@routine
def _pull_back(car: Record, wheel: int) -> np.float32:  # pragma: no cover - compiled
    """Moves wheel and hull together; returns how far off the wheel was, units."""
    sin, cos = math.sin(car.angle[HULL]), math.cos(car.angle[HULL])
    arm_x = cos * ARMS[wheel, 0] - sin * ARMS[wheel, 1]
    arm_y = sin * ARMS[wheel, 0] + cos * ARMS[wheel, 1]
    off_x = car.centre[1 + wheel, 0] - car.centre[HULL, 0] - arm_x
    off_y = car.centre[1 + wheel, 1] - car.centre[HULL, 1] - arm_y
    k11 = INVERSE_MASS + HULL_INVERSE_INERTIA * arm_y * arm_y
    k12 = -HULL_INVERSE_INERTIA * arm_x * arm_y
    k22 = INVERSE_MASS + HULL_INVERSE_INERTIA * arm_x * arm_x
    inverse = ONE / (k11 * k22 - k12 * k12)
    px = -(inverse * (k22 * off_x - k12 * off_y))
    py = -(inverse * (k11 * off_y - k12 * off_x))
    car.centre[HULL, 0] -= HULL_INVERSE_MASS * px
    car.centre[HULL, 1] -= HULL_INVERSE_MASS * py
    car.angle[HULL] -= HULL_INVERSE_INERTIA * cross(arm_x, arm_y, px, py)
    car.centre[1 + wheel, 0] += WHEEL_INVERSE_MASS * px
    car.centre[1 + wheel, 1] += WHEEL_INVERSE_MASS * py
    return np.sqrt(off_x * off_x + off_y * off_y)


@routine
def correct_positions(car: Record) -> bool:  # pragma: no cover - compiled
    """Sweeps over the joints until all are right within the slop; returns if they are."""
    for _ in range(SWEEPS):
        right = True
        for wheel in range(WHEELS - 1, -1, -1):
            beyond = _turn_back(car, wheel)
            off = _pull_back(car, wheel)
            if off > SLOP or beyond > ANGULAR_SLOP:
                right = False
        if right:
            return True
    return False
