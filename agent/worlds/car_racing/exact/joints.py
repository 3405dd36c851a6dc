"""The four joints between hull and wheels, as Box2D's revolute joints with motor and stops.

A joint holds a wheel's centre at its place on the hull, turns the wheel by a motor of limited
torque, and stops it at 0.4 rad to either side. The joints are solved one after the other by
impulses P = -K^-1 J v (E. Catto, Iterative Dynamics with Temporal Coherence, 2005), in float32 and
in the order of Box2D 2.3's arithmetic.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import (
    HULL_INVERSE_INERTIA,
    HULL_INVERSE_MASS,
    WHEEL_INVERSE_INERTIA,
    WHEEL_INVERSE_MASS,
)
from agent.worlds.car_racing.exact.joint_rows import (
    ADDED,
    ADDED_X,
    ADDED_Y,
    ARM_X,
    ARM_Y,
    INVERSE,
    INVERSE3,
    INVERSE_INERTIA,
    K11,
    K12,
    K13,
    K22,
    K23,
    MOTOR_IMPULSE,
    MOTOR_MASS,
    PIN_X,
    PIN_Y,
    RATE,
    SPEED,
    STEP_SEC,
    STOP,
    STOP_IMPULSE,
    VX,
    VY,
    WANTED,
    ZERO,
    cross,
)
from agent.worlds.car_racing.exact.kinds import routine

MOST_TORQUE = np.float32(180 * 900 * 0.02 * 0.02)
MOST_MOTOR_IMPULSE = STEP_SEC * MOST_TORQUE


@routine
def limited(impulse: np.float32) -> np.float32:  # pragma: no cover - compiled
    """Returns an impulse that the motor can give."""
    return max(-MOST_MOTOR_IMPULSE, min(impulse, MOST_MOTOR_IMPULSE))


@routine
def _solve2(
    joint: Floats, x: np.float32, y: np.float32
) -> tuple[np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the solution of the upper 2x2 of K for a right side.

    :param joint: its row
    :param x: right side
    :param y: the same
    """
    return (
        joint[INVERSE] * (joint[K22] * x - joint[K12] * y),
        joint[INVERSE] * (joint[K11] * y - joint[K12] * x),
    )


@routine
def _solve3(
    joint: Floats, x: np.float32, y: np.float32, z: np.float32
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the solution of K for a right side, by Cramer's rule.

    :param joint: its row
    :param x: right side
    :param y: the same
    :param z: the same
    """
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


@routine
def _hold_at_stop(
    joint: Floats, x: np.float32, y: np.float32, turning: np.float32
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """Returns the impulses (x, y, turning) of a joint at a stop, which can only push back.

    :param joint: its row
    :param x: velocity of the wheel against its place
    :param y: the same
    :param turning: its rate against the hull
    """
    px, py, pz = _solve3(joint, x, y, turning)
    px, py, pz = -px, -py, -pz
    so_far = joint[STOP_IMPULSE]
    total = so_far + pz
    pulls = total < ZERO if joint[STOP] < ZERO else total > ZERO
    if pulls:
        px, py = _solve2(joint, -x + so_far * joint[K13], -y + so_far * joint[K23])
        pz = -so_far
        total = ZERO
    joint[STOP_IMPULSE] = total
    return px, py, pz


@routine
def solve_joint(
    joint: Floats, note: Floats, vx: np.float32, vy: np.float32, rate: np.float32
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """Applies the impulses of motor, stop and pin; returns the hull's velocities after them.

    :param joint: its row
    :param note: (8,) to write
    :param vx: velocity of the hull, units/s
    :param vy: the same
    :param rate: of the hull's turning, rad/s
    """
    before = joint[MOTOR_IMPULSE]
    wanted = -MOTOR_MASS * (joint[RATE] - rate - joint[SPEED])
    motor = limited(before + wanted)
    joint[MOTOR_IMPULSE] = motor
    motor -= before
    rate -= HULL_INVERSE_INERTIA * motor
    wheel_rate = joint[RATE] + WHEEL_INVERSE_INERTIA * motor

    x = joint[VX] - vx + rate * joint[ARM_Y]
    y = joint[VY] - vy - rate * joint[ARM_X]
    pz = ZERO
    if joint[STOP] == ZERO:
        px, py = _solve2(joint, -x, -y)
    else:
        px, py, pz = _hold_at_stop(joint, x, y, wheel_rate - rate)
    joint[PIN_X] += px
    joint[PIN_Y] += py
    joint[VX] += WHEEL_INVERSE_MASS * px
    joint[VY] += WHEEL_INVERSE_MASS * py
    joint[RATE] = wheel_rate + WHEEL_INVERSE_INERTIA * pz
    note[WANTED] = wanted
    note[ADDED] = motor
    note[ADDED_X] = px
    note[ADDED_Y] = py
    vx -= HULL_INVERSE_MASS * px
    vy -= HULL_INVERSE_MASS * py
    rate -= HULL_INVERSE_INERTIA * (cross(joint[ARM_X], joint[ARM_Y], px, py) + pz)
    return vx, vy, rate
