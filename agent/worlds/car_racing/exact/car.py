"""The record of one car and its episode, which physics write and pictures read."""

from __future__ import annotations

import numpy as np

HULL = 0
WHEELS = 4  # front left, front right, rear left, rear right: bodies 1 to 4
BODIES = 1 + WHEELS

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
        ("reward", np.float64),  # sum so far, as the picture's score shows it
        ("visited", np.int32),
        ("tiles", np.int32),  # of the track
    ]
)
