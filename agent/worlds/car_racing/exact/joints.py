"""The four joints between hull and wheels, as Box2D's revolute joints with motor and stops.

A joint holds a wheel's centre at its place on the hull, turns the wheel by a motor of limited
torque, and stops it at 0.4 rad to either side. Formulas: constraints J v = 0 solved one joint after
the other by impulses P = -K^-1 J v with K = J M^-1 J^T (E. Catto, Iterative Dynamics with Temporal
Coherence, 2005), in float32 and in the order of Box2D 2.3's arithmetic. Wheels are pinned at their
centre of mass, so an impulse at the pin does not turn them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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
from agent.worlds.car_racing.exact.car import HULL, Record
from agent.worlds.car_racing.exact.wheels import steer_rate

STEP_SEC = np.float32(0.02)
MOST_ANGLE = np.float32(0.4)  # rad, to either side
MOST_TORQUE = np.float32(180 * 900 * 0.02 * 0.02)
MOST_MOTOR_IMPULSE = STEP_SEC * MOST_TORQUE
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
INVERSE_MASS = HULL_INVERSE_MASS + WHEEL_INVERSE_MASS
INVERSE_INERTIA = HULL_INVERSE_INERTIA + WHEEL_INVERSE_INERTIA
MOTOR_MASS = ONE / INVERSE_INERTIA

# From the hull's centre of mass to the pins, in its frame.
ARMS = WHEEL_ANCHORS - np.array([HULL_CENTRE_X, HULL_CENTRE_Y], np.float32)

# Columns of a joint's numbers in one step: its wheel's velocities, then what stays the same.
# K = [[K11, K12, K13], [K12, K22, K23], [K13, K23, INVERSE_INERTIA]]; INVERSE is of the upper 2x2's
# determinant, INVERSE3 of the whole one's.
VX, VY, RATE, ARM_X, ARM_Y, K11, K12, K13, K22, K23, INVERSE, INVERSE3, SPEED = range(13)
JOINT_NUMBERS = 13


@njit(cache=True, error_model="numpy")
def cross(
    x: np.float32, y: np.float32, to_x: np.float32, to_y: np.float32
) -> np.float32:  # pragma: no cover - compiled
    """Returns the cross product of two vectors."""
    return x * to_y - y * to_x


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def prepare_joint(car: Record, wheel: int, joint: Floats) -> None:  # pragma: no cover - compiled
    """Writes what stays the same through the step, before the warm start.

    :param car: the record
    :param wheel: 0 to 3
    :param joint: its numbers, with the wheel's velocities
    """
    sin, cos = car.rotation[HULL, 0], car.rotation[HULL, 1]
    joint[ARM_X] = cos * ARMS[wheel, 0] - sin * ARMS[wheel, 1]
    joint[ARM_Y] = sin * ARMS[wheel, 0] + cos * ARMS[wheel, 1]
    _set_masses(joint)
    _reach_stop(car, wheel)
    joint[SPEED] = steer_rate(car, wheel)


@njit(cache=True, error_model="numpy")
def warm_start(
    car: Record, wheel: int, joint: Floats, hull: Floats
) -> None:  # pragma: no cover - compiled
    """Applies the impulses of the last step.

    :param car: the record
    :param wheel: 0 to 3
    :param joint: its numbers
    :param hull: (3,) velocities x, y and yaw rate
    """
    x, y, stop = car.impulse[wheel, 0], car.impulse[wheel, 1], car.impulse[wheel, 2]
    motor = car.motor_impulse[wheel]
    hull[0] -= HULL_INVERSE_MASS * x
    hull[1] -= HULL_INVERSE_MASS * y
    hull[2] -= HULL_INVERSE_INERTIA * (cross(joint[ARM_X], joint[ARM_Y], x, y) + motor + stop)
    joint[VX] += WHEEL_INVERSE_MASS * x
    joint[VY] += WHEEL_INVERSE_MASS * y
    joint[RATE] += WHEEL_INVERSE_INERTIA * (motor + stop)


@njit(cache=True, error_model="numpy")
def _turn(car: Record, wheel: int, joint: Floats, hull: Floats) -> None:  # pragma: no cover
    """Applies the motor's impulse."""
    before = car.motor_impulse[wheel]
    wanted = before + -MOTOR_MASS * (joint[RATE] - hull[2] - joint[SPEED])
    impulse = max(-MOST_MOTOR_IMPULSE, min(wanted, MOST_MOTOR_IMPULSE))
    car.motor_impulse[wheel] = impulse
    impulse -= before
    hull[2] -= HULL_INVERSE_INERTIA * impulse
    joint[RATE] += WHEEL_INVERSE_INERTIA * impulse


@njit(cache=True, error_model="numpy")
def solve2(
    joint: Floats, x: np.float32, y: np.float32
) -> tuple[np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the solution of the upper 2x2 of K for a right side."""
    return (
        joint[INVERSE] * (joint[K22] * x - joint[K12] * y),
        joint[INVERSE] * (joint[K11] * y - joint[K12] * x),
    )


@njit(cache=True, error_model="numpy")
def _solve3(
    joint: Floats, x: np.float32, y: np.float32, z: np.float32
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the solution of K for a right side, by Cramer's rule."""
    k11, k12, k13 = joint[K11], joint[K12], joint[K13]
    k22, k23, k33 = joint[K22], joint[K23], INVERSE_INERTIA
    inverse = joint[INVERSE3]
    first = x * cross(k22, k23, k23, k33) + y * cross(k23, k12, k33, k13)
    first += z * cross(k12, k22, k13, k23)
    second = k11 * cross(y, z, k23, k33) + k12 * cross(z, x, k33, k13)
    second += k13 * cross(x, y, k13, k23)
    third = k11 * cross(k22, k23, y, z) + k12 * cross(k23, k12, z, x)
    third += k13 * cross(k12, k22, x, y)
    return inverse * first, inverse * second, inverse * third


@njit(cache=True, error_model="numpy")
def _hold_at_stop(
    car: Record, wheel: int, joint: Floats, hull: Floats, x: np.float32, y: np.float32
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the impulses (x, y, turning) of a joint at a stop, which can only push back.

    :param car: the record
    :param wheel: 0 to 3
    :param joint: its numbers
    :param hull: (3,) velocities x, y and yaw rate
    :param x: velocity of the wheel against its place
    :param y: the same
    """
    px, py, pz = _solve3(joint, x, y, joint[RATE] - hull[2])
    px, py, pz = -px, -py, -pz
    so_far = car.impulse[wheel, 2]
    total = so_far + pz
    pulls = total < ZERO if car.stop[wheel] < 0 else total > ZERO
    if pulls:
        px, py = solve2(joint, -x + so_far * joint[K13], -y + so_far * joint[K23])
        pz = -so_far
        total = ZERO
    car.impulse[wheel, 2] = total
    return px, py, pz


@njit(cache=True, error_model="numpy")
def solve_velocities(
    car: Record, wheel: int, joint: Floats, hull: Floats
) -> None:  # pragma: no cover - compiled
    """Applies the impulses of motor, stop and pin.

    :param car: the record
    :param wheel: 0 to 3
    :param joint: its numbers
    :param hull: (3,) velocities x, y and yaw rate
    """
    _turn(car, wheel, joint, hull)
    x = joint[VX] - hull[0] + hull[2] * joint[ARM_Y]
    y = joint[VY] - hull[1] - hull[2] * joint[ARM_X]
    turning = ZERO
    if car.stop[wheel] == 0:
        px, py = solve2(joint, -x, -y)
    else:
        px, py, turning = _hold_at_stop(car, wheel, joint, hull, x, y)
    car.impulse[wheel, 0] += px
    car.impulse[wheel, 1] += py
    hull[0] -= HULL_INVERSE_MASS * px
    hull[1] -= HULL_INVERSE_MASS * py
    hull[2] -= HULL_INVERSE_INERTIA * (cross(joint[ARM_X], joint[ARM_Y], px, py) + turning)
    joint[VX] += WHEEL_INVERSE_MASS * px
    joint[VY] += WHEEL_INVERSE_MASS * py
    joint[RATE] += WHEEL_INVERSE_INERTIA * turning
