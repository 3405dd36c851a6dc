"""The record of one car and its episode, which physics write and pictures read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

HULL = 0
WHEELS = 4  # front left, front right, rear left, rear right: bodies 1 to 4
BODIES = 1 + WHEELS
FRONT_WHEELS = 2

# float32 where Box2D computes, float64 where Gymnasium does.
CAR = np.dtype(
    [
        ("position", np.float32, (BODIES, 2)),  # origins of the bodies, units
        ("angle", np.float32, (BODIES,)),  # rad
        ("velocity", np.float32, (BODIES, 2)),  # of the centres of mass, units/s
        ("yaw_rate", np.float32, (BODIES,)),  # rad/s
        ("spin", np.float64, (WHEELS,)),  # the wheels' own, rad/s
        ("phase", np.float64, (WHEELS,)),  # the wheels' turn so far, rad
        ("time", np.float64),  # since the start, s
        ("reward", np.float64),  # sum so far
        ("score", np.float64),  # the same before the last step's cost, which the picture shows
        # What a world tells.
        ("tiles", np.int32),  # of the track
        ("visited", np.int32),  # of them, by a wheel
        ("steps", np.int32),  # since the start
        ("on_road", np.uint8, (WHEELS,)),  # 1 if the wheel touches a tile
        ("lap_finished", np.uint8),  # 1 once the episode ended with all tiles visited
        # What physics alone need.
        ("new_lap", np.uint8),  # 1 once the first tile was the last of a lap
        ("lap_share", np.float64),  # of the tiles that the first one must exceed as it is visited
        ("paid", np.float64),  # reward of the steps so far
        ("steer", np.float64),  # target of the front wheels, rad
        ("gas", np.float64),  # of the rear wheels, 0 to 1
        ("brake", np.float64),  # of all wheels
        ("centre", np.float32, (BODIES, 2)),  # of mass, units
        ("rotation", np.float32, (BODIES, 2)),  # sine and cosine of the angle
        ("rest_sec", np.float32, (BODIES,)),  # for how long it has been still
        ("impulse", np.float32, (WHEELS, 3)),  # of the joints, N s and, at a stop, units N s
        ("motor_impulse", np.float32, (WHEELS,)),  # of the joints, units N s
        ("stop", np.int8, (WHEELS,)),  # joint at its lower stop -1, upper 1, neither 0
    ],
    align=True,
)

Record = Any  # numba's view of one car
Cars = NDArray[np.void]  # of dtype CAR


def speeds_of(cars: Cars) -> NDArray[np.float64]:
    """Speeds (n,) of cars, units/s."""
    velocity = cars["velocity"][:, HULL].astype(np.float64)
    speeds: NDArray[np.float64] = np.hypot(velocity[:, 0], velocity[:, 1])
    return speeds
