"""One step of Box2D's solver for the car: forces, joints, move, correction, sleep.

float32 throughout, in the order of Box2D 2.3; the joints are solved from the last wheel made to the
first. No solid contact ever takes part, for tiles are sensors.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import WHEEL_INVERSE_MASS
from agent.worlds.car_racing.exact.car import BODIES, HULL, WHEELS, Record
from agent.worlds.car_racing.exact.joint_rows import (
    HULL_ROW,
    RATE,
    STEP_SEC,
    VX,
    VY,
    ZERO,
    keep_impulses,
    prepare_joint,
    warm_start,
)
from agent.worlds.car_racing.exact.kinds import routine
from agent.worlds.car_racing.exact.positions import DEGREES, PI, correct_positions, rotate
from agent.worlds.car_racing.exact.room import Room
from agent.worlds.car_racing.exact.sweeps import sweep_all

MOST_MOVE = np.float32(2.0)  # units per step
MOST_TURN = np.float32(0.5) * PI  # rad per step
SLEEP_AFTER_SEC = np.float32(0.5)
STILL_SPEED = np.float32(0.01)  # units/s
STILL_RATE = np.float32(2.0) / DEGREES * PI  # rad/s


@routine
def _move(car: Record, body: int, row: Floats) -> None:  # pragma: no cover
    """Moves a body by its velocities, which are cut to what a step allows.

    :param car: the record
    :param body: 0 to 4
    :param row: with its velocities
    """
    vx, vy, rate = row[VX], row[VY], row[RATE]
    dx = STEP_SEC * vx
    dy = STEP_SEC * vy
    far = dx * dx + dy * dy
    if far > MOST_MOVE * MOST_MOVE:
        ratio = MOST_MOVE / np.sqrt(far)
        vx *= ratio
        vy *= ratio
    turn = STEP_SEC * rate
    if turn * turn > MOST_TURN * MOST_TURN:
        rate *= MOST_TURN / abs(turn)
    car.centre[body, 0] += STEP_SEC * vx
    car.centre[body, 1] += STEP_SEC * vy
    car.angle[body] += STEP_SEC * rate
    car.velocity[body, 0] = vx
    car.velocity[body, 1] = vy
    car.yaw_rate[body] = rate


@routine
def _sleep(car: Record, settled: bool) -> None:  # pragma: no cover - compiled
    """Takes the last bit of motion from a car that was still for long.

    :param car: the record; the next step's commands wake it
    :param settled: the positions are right
    """
    shortest = np.float32(np.inf)
    for body in range(BODIES):
        vx, vy, rate = car.velocity[body, 0], car.velocity[body, 1], car.yaw_rate[body]
        if rate * rate > STILL_RATE * STILL_RATE or vx * vx + vy * vy > STILL_SPEED * STILL_SPEED:
            car.rest_sec[body] = ZERO
        else:
            car.rest_sec[body] += STEP_SEC
        shortest = min(shortest, car.rest_sec[body])
    if shortest >= SLEEP_AFTER_SEC and settled:
        car.rest_sec[:] = ZERO
        car.velocity[:] = ZERO
        car.yaw_rate[:] = ZERO


@routine
def _set_velocities(car: Record, forces: Floats, rows: Floats) -> None:  # pragma: no cover
    """Writes the velocities after the forces, before the joints.

    :param car: the record
    :param forces: (4, 2) on the wheels' centres, N
    :param rows: (5, 18) to write
    """
    hull = rows[HULL_ROW]
    hull[VX] = car.velocity[HULL, 0]
    hull[VY] = car.velocity[HULL, 1]
    hull[RATE] = car.yaw_rate[HULL]
    for wheel in range(WHEELS):
        joint = rows[wheel]
        joint[VX] = car.velocity[1 + wheel, 0] + STEP_SEC * (WHEEL_INVERSE_MASS * forces[wheel, 0])
        joint[VY] = car.velocity[1 + wheel, 1] + STEP_SEC * (WHEEL_INVERSE_MASS * forces[wheel, 1])
        joint[RATE] = car.yaw_rate[1 + wheel]


@routine
def solve_island(car: Record, room: Room) -> None:  # pragma: no cover - compiled
    """Advances the bodies by one step under the forces on the wheels."""
    rows = room.rows
    _set_velocities(car, room.forces, rows)
    for wheel in range(WHEELS - 1, -1, -1):
        prepare_joint(car, wheel, rows[wheel])
        warm_start(rows[wheel], rows[HULL_ROW])
    sweep_all(rows, room.log, room.bits)
    for wheel in range(WHEELS):
        keep_impulses(car, wheel, rows[wheel])
        _move(car, 1 + wheel, rows[wheel])
    _move(car, HULL, rows[HULL_ROW])
    settled = correct_positions(car)
    rotate(car)
    _sleep(car, settled)
