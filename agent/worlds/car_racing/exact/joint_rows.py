"""The numbers of the joints in one step: a row for each with its wheel, and one for the hull.

Constraints of a joint are J v = 0 for the velocities v, with the matrix K = J M^-1 J^T that solves
them (see ``joints``). Wheels are pinned at their centre of mass, so an impulse at the pin does not
turn them, and the hull's arm alone is in K.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import (
    HULL_CENTRE_X,
    HULL_CENTRE_Y,
    HULL_INVERSE_INERTIA,
    HULL_INVERSE_MASS,
    WHEEL_ANCHORS,
    WHEEL_INVERSE_INERTIA,
    WHEEL_INVERSE_MASS,
)
from agent.worlds.car_racing.exact.car import HULL, WHEELS, Record
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.wheels import steer_rate

STEP_SEC = np.float32(0.02)
MOST_ANGLE = np.float32(0.4)  # rad, to either side
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
INVERSE_MASS = HULL_INVERSE_MASS + WHEEL_INVERSE_MASS
INVERSE_INERTIA = HULL_INVERSE_INERTIA + WHEEL_INVERSE_INERTIA
MOTOR_MASS = ONE / INVERSE_INERTIA

# From the hull's centre of mass to the pins, in its frame.
ARMS = WHEEL_ANCHORS - np.array([HULL_CENTRE_X, HULL_CENTRE_Y], np.float32)

# Columns. What a sweep over the joints changes: velocities and the impulse of the stop ...
VX, VY, RATE, STOP_IMPULSE = range(4)
# ... sums of other impulses, which change no velocity to come ...
PIN_X, PIN_Y, MOTOR_IMPULSE = range(4, 7)
# ... and what stays the same. K = [[K11, K12, K13], [K12, K22, K23], [K13, K23, INVERSE_INERTIA]];
# INVERSE is of the determinant of the upper 2x2, INVERSE3 of the whole one's.
ARM_X, ARM_Y, K11, K12, K13, K22, K23, INVERSE, INVERSE3, SPEED, STOP = range(7, 18)
ROWS = (WHEELS + 1, 18)
HULL_ROW = WHEELS

# Columns of the notes of a sweep, after the first four: what the motor wanted to add to its
# impulse, what it added, and what the pin did.
WANTED, ADDED, ADDED_X, ADDED_Y = range(4, 8)
NOTES = (WHEELS + 1, 8)


@routine
def cross(
    x: np.float32, y: np.float32, to_x: np.float32, to_y: np.float32
) -> np.float32:  # pragma: no cover - compiled
    """Returns the cross product of two vectors.

    :param x: of the first
    :param y: of the first
    :param to_x: of the second
    :param to_y: of the second
    """
    return x * to_y - y * to_x


@routine
def _set_masses(joint: Floats) -> None:  # pragma: no cover - compiled
    """Writes K and its determinants from the arm."""
    x, y = joint[ARM_X], joint[ARM_Y]
    k11 = INVERSE_MASS + y * y * HULL_INVERSE_INERTIA
    k12 = -y * x * HULL_INVERSE_INERTIA
    k13 = -y * HULL_INVERSE_INERTIA
    k22 = INVERSE_MASS + x * x * HULL_INVERSE_INERTIA
    k23 = x * HULL_INVERSE_INERTIA
    k33 = INVERSE_INERTIA
    joint[K11], joint[K12], joint[K13], joint[K22], joint[K23] = k11, k12, k13, k22, k23
    joint[INVERSE] = ONE / (k11 * k22 - k12 * k12)
    across_x = cross(k22, k23, k23, k33)
    across_y = cross(k23, k12, k33, k13)
    across_z = cross(k12, k22, k13, k23)
    joint[INVERSE3] = ONE / (k11 * across_x + k12 * across_y + k13 * across_z)


@routine
def _reach_stop(car: Record, wheel: int) -> None:  # pragma: no cover - compiled
    """Notes whether the joint is at a stop; the stop's impulse ends where it leaves it."""
    angle = car.angle[1 + wheel] - car.angle[HULL]
    stop = 0
    if angle <= -MOST_ANGLE:
        stop = -1
    elif angle >= MOST_ANGLE:
        stop = 1
    if stop == 0 or stop != car.stop[wheel]:
        car.impulse[wheel, 2] = ZERO
    car.stop[wheel] = stop


@routine
def prepare_joint(car: Record, wheel: int, joint: Floats) -> None:  # pragma: no cover - compiled
    """Writes what stays the same through the step, and the impulses of the last one.

    :param car: the record
    :param wheel: 0 to 3
    :param joint: its row
    """
    sin, cos = car.rotation[HULL, 0], car.rotation[HULL, 1]
    joint[ARM_X] = cos * ARMS[wheel, 0] - sin * ARMS[wheel, 1]
    joint[ARM_Y] = sin * ARMS[wheel, 0] + cos * ARMS[wheel, 1]
    _set_masses(joint)
    _reach_stop(car, wheel)
    joint[STOP] = car.stop[wheel]
    joint[SPEED] = steer_rate(car, wheel)
    joint[PIN_X] = car.impulse[wheel, 0]
    joint[PIN_Y] = car.impulse[wheel, 1]
    joint[STOP_IMPULSE] = car.impulse[wheel, 2]
    joint[MOTOR_IMPULSE] = car.motor_impulse[wheel]


@routine
def keep_impulses(car: Record, wheel: int, joint: Floats) -> None:  # pragma: no cover - compiled
    """Writes the joint's impulses into the record, for the next step to begin with.

    :param car: the record
    :param wheel: 0 to 3
    :param joint: its row
    """
    car.impulse[wheel, 0] = joint[PIN_X]
    car.impulse[wheel, 1] = joint[PIN_Y]
    car.impulse[wheel, 2] = joint[STOP_IMPULSE]
    car.motor_impulse[wheel] = joint[MOTOR_IMPULSE]


@routine
def warm_start(joint: Floats, hull: Floats) -> None:  # pragma: no cover - compiled
    """Applies the impulses of the last step."""
    x, y = joint[PIN_X], joint[PIN_Y]
    motor, stop = joint[MOTOR_IMPULSE], joint[STOP_IMPULSE]
    hull[VX] -= HULL_INVERSE_MASS * x
    hull[VY] -= HULL_INVERSE_MASS * y
    hull[RATE] -= HULL_INVERSE_INERTIA * (cross(joint[ARM_X], joint[ARM_Y], x, y) + motor + stop)
    joint[VX] += WHEEL_INVERSE_MASS * x
    joint[VY] += WHEEL_INVERSE_MASS * y
    joint[RATE] += WHEEL_INVERSE_INERTIA * (motor + stop)
