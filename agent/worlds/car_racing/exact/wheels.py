"""Wheels in one step: their spin, and the force of their tyres on the car.

Arithmetic in float64 and its order are those of Gymnasium's car; speeds are Box2D's float32.
"""

from __future__ import annotations

import numpy as np

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import SIZE, WHEEL_RADIUS
from agent.worlds.car_racing.exact.car import FRONT_WHEELS, HULL, WHEELS, Record
from agent.worlds.car_racing.exact.kinds import routine

STEP_SEC = 1.0 / 50
ENGINE_WATT = 100000000 * SIZE * SIZE
SPIN_INERTIA = 4000 * SIZE * SIZE
ROAD_GRIP_N = 1000000 * SIZE * SIZE
GRASS_GRIP_N = ROAD_GRIP_N * 0.6
SLIP_GAIN = 205000 * SIZE * SIZE  # N per unit/s
LEAST_SPIN = 5.0  # rad/s: the engine's power meets at least this
MOST_GAS_RISE = 0.1  # per step
LOCKING_BRAKE = 0.9
BRAKE_SPIN = 15  # rad/s per step of full brake
STEER_GAIN = 50.0  # per s
MOST_STEER_RATE = 3.0  # rad/s


@routine
def command(car: Record, steer: float, gas: float, brake: float) -> None:  # pragma: no cover
    """Sets what the driver asks of the wheels until the next command.

    :param car: the record
    :param steer: -1 full left to 1 full right
    :param gas: 0 to 1
    :param brake: 0 to 1; from 0.9 on it locks the wheels
    """
    car.steer = -steer
    rise = min(max(gas, 0.0), 1.0) - car.gas
    if rise > MOST_GAS_RISE:
        rise = MOST_GAS_RISE
    car.gas += rise
    car.brake = brake


@routine
def steer_rate(car: Record, wheel: int) -> np.float32:  # pragma: no cover - compiled
    """Returns the speed that a wheel's joint is to turn at, rad/s; rear ones are held straight."""
    target = car.steer if wheel < FRONT_WHEELS else 0.0
    error = target - np.float64(car.angle[1 + wheel] - car.angle[HULL])
    return np.float32(np.sign(error) * min(STEER_GAIN * abs(error), MOST_STEER_RATE))


@routine
def _spin_freely(car: Record, wheel: int) -> float:  # pragma: no cover - compiled
    """Returns a wheel's spin after engine and brake, rad/s."""
    spin = car.spin[wheel]
    if wheel >= FRONT_WHEELS:
        spin += STEP_SEC * ENGINE_WATT * car.gas / SPIN_INERTIA / (abs(spin) + LEAST_SPIN)
    if car.brake >= LOCKING_BRAKE:
        return 0.0
    if car.brake > 0:
        spin += -np.sign(spin) * min(BRAKE_SPIN * car.brake, abs(spin))
    return spin


@routine
def drive_wheels(car: Record, forces: Floats) -> None:  # pragma: no cover - compiled
    """Advances the wheels' spins and phases, and writes the forces on their centres.

    :param car: the record
    :param forces: (4, 2) to write, N
    """
    for wheel in range(WHEELS):
        sin = car.rotation[1 + wheel, 0]
        cos = car.rotation[1 + wheel, 1]
        ahead_x, ahead_y = np.float64(-sin), np.float64(cos)
        side_x, side_y = np.float64(cos), np.float64(sin)
        speed_x = np.float64(car.velocity[1 + wheel, 0])
        speed_y = np.float64(car.velocity[1 + wheel, 1])
        forward = ahead_x * speed_x + ahead_y * speed_y
        sideways = side_x * speed_x + side_y * speed_y

        spin = _spin_freely(car, wheel)
        car.phase[wheel] += spin * STEP_SEC
        pull = (-forward + spin * WHEEL_RADIUS) * SLIP_GAIN
        push = -sideways * SLIP_GAIN
        force = np.sqrt(pull * pull + push * push)
        grip = ROAD_GRIP_N if car.on_road[wheel] else GRASS_GRIP_N
        if force > grip:
            pull = pull / force * grip
            push = push / force * grip
        car.spin[wheel] = spin - STEP_SEC * pull * WHEEL_RADIUS / SPIN_INERTIA
        forces[wheel, 0] = np.float32(push * side_x + pull * ahead_x)
        forces[wheel, 1] = np.float32(push * side_y + pull * ahead_y)
