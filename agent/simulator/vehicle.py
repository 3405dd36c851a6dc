"""The car: a front-steered four-wheel drive that slides when it corners too fast.

Constants are read off the Unity prefab (docs/simulator.md); lengths in Unity units (8 u = 1 m),
time in seconds, angles in radians. The model is a kinematic bicycle whose tyres can hold at most
1 g. Beyond it the front axle understeers, and the body keeps a sideways velocity that friction
takes away at the same 1 g. On a banked road gravity pulls to the lower side; in a bend the bank
carries a part of what is asked of the tyres, and presses them to the ground.
"""

from __future__ import annotations

import math
from typing import Any

from agent.simulator.kernels import kernel, part
from agent.simulator.typing import Array

DT_SEC = 0.01
GRAVITY_U = 78.48  # u/s^2: 9.81 m/s^2 at 8 u to the metre
WHEELBASE_U = 1.602
STEER_MAX = math.radians(16.0)
WHEEL_RADIUS_U = 0.32
TORQUE = 100.0  # per wheel at full throttle, and at full brake
WHEELS = 4
WHEEL_DAMPING = 9.77  # force per u/s: 4 wheels x 0.25 / radius^2
AIR_DRAG = 2.5  # force per u/s: 50 kg x 0.05 /s
MASS = 60.0  # 50 kg of body and, inferred, the inertia of four wheels
# Mounts are given from the car's origin; the prefab's camera, 1.12 u above it, is 1.65 u high.
CAR_ORIGIN_ABOVE_GROUND_U = 0.53
# The prefab's torque curve: its unit of speed in u/s, and where its middle key is.
TORQUE_SPEED_U = 40.0
TORQUE_MIDDLE_KEY = 0.62
# The tyres may be asked for this much more than they hold before the front axle lets go; the
# surplus is the slide. Chosen, as is the lag of tyre relaxation and the body's inertia in yaw.
FRONT_GRIP_SURPLUS = 1.08
YAW_LAG_SEC = 0.04
# Share of the cornering force that the turned front wheels hold against the car. The front axle
# carries half of the weight; the rest stands for slip, fitted to laps at a held throttle of 0.10
# (experiments/held_throttle.py).
SCRUB = 0.9
# Chosen: cornering keeps this share of the grip however hard the motor pulls.
LEAST_CORNERING_GRIP = 0.3

# A tyre holds by slipping. Chosen: the slip that holds 1 g on a bank, as a share of the speed (the
# prefab's curve has its peak at twice as much), and at rest, unbraked, in u/s.
SLIP_PER_G = 0.1
CREEP_U = 0.5

# Indices of the car's state vector.
X, Z, YAW, FORWARD, SIDE, YAW_RATE, ACCEL_SIDE, ACCEL_FORWARD = range(8)
STATE_SIZE = 8


@kernel
def torque_factor(speed_u: float) -> float:  # pragma: no cover - compiled
    """Returns the share of the full torque that is left at ``speed_u`` (u/s).

    It is the prefab's Hermite curve, held after its last key.
    """
    s = abs(speed_u) / TORQUE_SPEED_U
    if s >= 1.0:
        return 0.501
    if s < TORQUE_MIDDLE_KEY:
        return _hermite(s, 0.0, TORQUE_MIDDLE_KEY, 1.0, 0.896, -0.024, -0.633)
    return _hermite(s, TORQUE_MIDDLE_KEY, 1.0, 0.896, 0.501, -0.633, -0.605)


@part
def _hermite(
    s: float, left: float, right: float, a: float, b: float, slope_a: float, slope_b: float
) -> float:  # pragma: no cover - compiled
    """Returns the cubic through ``a`` at ``left`` and ``b`` at ``right`` with these slopes."""
    h = right - left
    t = (s - left) / h
    t2, t3 = t * t, t * t * t
    ends = (2 * t3 - 3 * t2 + 1) * a + (3 * t2 - 2 * t3) * b
    return ends + h * ((t3 - 2 * t2 + t) * slope_a + (t3 - t2) * slope_b)


@kernel
def scrub(side_accel: float, steering: float) -> float:  # pragma: no cover - compiled
    """Returns the deceleration by tyres that scrub in a bend, u/s^2.

    :param side_accel: acceleration to the side, u/s^2
    :param steering: command in [-1, 1]
    """
    return SCRUB * abs(side_accel * math.sin(steering * STEER_MAX))


@part
def _bend_limits(hold: float, across: float) -> Any:  # pragma: no cover - compiled
    """Returns the most that the tyres accelerate a car to the left and to the right, u/s^2.

    To accelerate by a to the right on a slope of angle s they push a cos(s) + g sin(s) along it,
    and the ground pushes g cos(s) - a sin(s) square to it.

    :param hold: what they hold on level ground, u/s^2
    :param across: slope to the right, rise over run
    """
    if across == 0.0:
        return -hold, hold
    share = hold / GRAVITY_U
    left = GRAVITY_U * (share + across) / max(1.0 - share * across, 0.1)
    right = GRAVITY_U * (share - across) / max(1.0 + share * across, 0.1)
    return -max(left, 0.0), max(right, 0.0)


@kernel
def tick(
    car_state: Array,
    steering: float,
    throttle: float,
    brake: float,
    uphill: float,
    across: float = 0.0,
) -> None:  # pragma: no cover - compiled
    """Advance a car by ``DT_SEC``.

    :param car_state: (``STATE_SIZE``,), changed in place
    :param steering: command in [-1, 1], positive right
    :param throttle: command in [-1, 1], negative drives backwards
    :param brake: share of the brakes' torque, 0 for none; more than 1 after a reset
    :param uphill: slope of the ground along the car's heading, rise over run
    :param across: slope of the ground to the car's right, rise over run
    """
    forward = car_state[FORWARD]
    side = car_state[SIDE]
    drive = WHEELS * TORQUE * throttle * torque_factor(forward) / WHEEL_RADIUS_U
    accel = (drive - (WHEEL_DAMPING + AIR_DRAG) * forward) / MASS
    # The friction circle.
    grip = math.sqrt(max(GRAVITY_U**2 - accel**2, (LEAST_CORNERING_GRIP * GRAVITY_U) ** 2))

    wanted = forward * math.tan(steering * STEER_MAX) / WHEELBASE_U
    left, right = _bend_limits(FRONT_GRIP_SURPLUS * grip, across)
    speed = max(abs(forward), 1e-6)
    if forward < 0.0:
        left, right = -right, -left
    wanted = min(max(wanted, left / speed), right / speed)
    car_state[YAW_RATE] += (wanted - car_state[YAW_RATE]) * (DT_SEC / YAW_LAG_SEC)
    turned = car_state[YAW_RATE] * DT_SEC

    # The velocity keeps its direction in the world while the body turns; then the tyres pull it
    # in line, down the slope as far as they slip.
    cos, sin = math.cos(turned), math.sin(turned)
    forward, side = forward * cos + side * sin, side * cos - forward * sin
    pull = GRAVITY_U * across / math.sqrt(1.0 + across * across)
    creep = CREEP_U if brake == 0.0 else 0.0
    slip = -(creep + SLIP_PER_G * abs(forward)) * pull / GRAVITY_U
    asked = side - pull * DT_SEC - slip
    if across != 0.0:  # the bank presses the car down in its bend
        grip *= max((1.0 - car_state[YAW_RATE] * forward * across / GRAVITY_U), 0.0)
    held = min(abs(asked), grip * DT_SEC)
    gained = math.sqrt(max(side**2 - slip**2, 0.0))
    if held == abs(asked):  # what bends the path does not slow the car; scrub does, below
        forward = math.copysign(math.hypot(forward, gained), forward)
    side = slip + asked - math.copysign(held, asked)
    side_accel = car_state[YAW_RATE] * forward
    forward += (accel - GRAVITY_U * uphill) * DT_SEC
    scrubbed = min(scrub(side_accel + pull, steering) * DT_SEC, abs(forward))
    forward -= math.copysign(scrubbed, forward)
    # Brakes never ask for more than the tyres hold.
    braked = min(WHEELS * TORQUE * brake / WHEEL_RADIUS_U / MASS, GRAVITY_U) * DT_SEC
    forward -= math.copysign(min(braked, abs(forward)), forward)

    car_state[ACCEL_SIDE] = car_state[YAW_RATE] * forward
    car_state[ACCEL_FORWARD] = (forward - car_state[FORWARD]) / DT_SEC
    car_state[FORWARD] = forward
    car_state[SIDE] = side
    car_state[YAW] += turned
    sin, cos = math.sin(car_state[YAW]), math.cos(car_state[YAW])
    car_state[X] += (forward * sin + side * cos) * DT_SEC
    car_state[Z] += (forward * cos - side * sin) * DT_SEC
