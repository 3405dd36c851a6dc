"""The car: a front-steered four-wheel drive that slides when it corners too fast.

Constants are read off the Unity prefab (docs/simulator.md); lengths in Unity units (8 u = 1 m), time in
seconds, angles in radians. The model is a kinematic bicycle whose tyres can hold at most 1 g: beyond it the
front axle understeers and the body keeps a sideways velocity that friction takes away at the same 1 g.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

DT_SEC = 0.01
GRAVITY_U = 78.48  # u/s^2: 9.81 m/s^2 at 8 u to the metre
WHEELBASE_U = 1.602
STEER_MAX = math.radians(16.0)
WHEEL_RADIUS_U = 0.32
TORQUE = 100.0  # per wheel at full throttle, and at full brake
WHEELS = 4
WHEEL_DAMPING = 9.77  # force per u/s: 4 wheels x 0.25 / radius^2
AIR_DRAG = 2.5  # force per u/s: 50 kg x 0.05 /s
MASS = 60.0  # 50 kg of body and the inertia of four wheels
TORQUE_SPEED_U = 40.0  # the torque curve's unit of speed, u/s
# The tyres may be asked for this much more than they hold before the front axle lets go; the surplus is the slide.
FRONT_GRIP_SURPLUS = 1.08
YAW_LAG_SEC = 0.04  # tyre relaxation and the car's inertia in yaw

# Places in the car's state vector.
X, Z, YAW, FORWARD, SIDE, YAW_RATE, ACCEL_SIDE, ACCEL_FORWARD = range(8)
STATE_SIZE = 8
State = NDArray[np.float64]


@njit(cache=True)
def torque_factor(speed_u: float) -> float:  # pragma: no cover - compiled
    """Share of the full torque left at ``speed_u`` (u/s): the prefab's Hermite curve, held after its last key."""
    s = abs(speed_u) / TORQUE_SPEED_U
    if s >= 1.0:
        return 0.501
    if s < 0.62:
        left, right, a, b, slope_a, slope_b = 0.0, 0.62, 1.0, 0.896, -0.024, -0.633
    else:
        left, right, a, b, slope_a, slope_b = 0.62, 1.0, 0.896, 0.501, -0.633, -0.605
    h = right - left
    t = (s - left) / h
    t2, t3 = t * t, t * t * t
    ends = (2 * t3 - 3 * t2 + 1) * a + (3 * t2 - 2 * t3) * b
    return ends + h * ((t3 - 2 * t2 + t) * slope_a + (t3 - t2) * slope_b)


@njit(cache=True)
def tick(
    car: State, steering: float, throttle: float, brake: float, uphill: float
) -> None:  # pragma: no cover - compiled
    """Advance ``car`` by ``DT_SEC``.

    :param steering: command in [-1, 1], positive right
    :param throttle: command in [-1, 1], negative drives backwards
    :param brake: share of the brakes' torque, 0 for none; more than 1 after a reset
    :param uphill: slope of the ground along the car's heading, rise over run
    """
    forward, side = car[FORWARD], car[SIDE]
    drive = WHEELS * TORQUE * throttle * torque_factor(forward) / WHEEL_RADIUS_U
    accel = (drive - (WHEEL_DAMPING + AIR_DRAG) * forward) / MASS
    grip = math.sqrt(max(GRAVITY_U**2 - accel**2, (0.3 * GRAVITY_U) ** 2))  # the friction circle

    wanted = forward * math.tan(steering * STEER_MAX) / WHEELBASE_U
    limit = FRONT_GRIP_SURPLUS * grip / max(abs(forward), 1e-6)
    wanted = min(max(wanted, -limit), limit)
    car[YAW_RATE] += (wanted - car[YAW_RATE]) * (DT_SEC / YAW_LAG_SEC)
    turned = car[YAW_RATE] * DT_SEC

    # The velocity keeps its direction in the world while the body turns; the tyres then pull it in line.
    cos, sin = math.cos(turned), math.sin(turned)
    forward, side = forward * cos + side * sin, side * cos - forward * sin
    held = min(abs(side), grip * DT_SEC)
    if held == abs(side):  # a rolling tyre bends the path without slowing the car
        forward = math.copysign(math.hypot(forward, side), forward)
    side -= math.copysign(held, side)
    forward += (accel - GRAVITY_U * uphill) * DT_SEC
    braked = (
        min(WHEELS * TORQUE * brake / WHEEL_RADIUS_U / MASS, GRAVITY_U) * DT_SEC
    )  # never more than the tyres hold
    forward -= math.copysign(min(braked, abs(forward)), forward)

    car[ACCEL_SIDE] = car[YAW_RATE] * forward
    car[ACCEL_FORWARD] = (forward - car[FORWARD]) / DT_SEC
    car[FORWARD], car[SIDE] = forward, side
    car[YAW] += turned
    heading_sin, heading_cos = math.sin(car[YAW]), math.cos(car[YAW])
    car[X] += (forward * heading_sin + side * heading_cos) * DT_SEC
    car[Z] += (forward * heading_cos - side * heading_sin) * DT_SEC
