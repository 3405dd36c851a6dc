"""Room for the numbers of one step, made once for many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from agent.worlds.car_racing.exact.arrays import Floats
from agent.worlds.car_racing.exact.bodies import MOST_CORNERS
from agent.worlds.car_racing.exact.car import WHEELS
from agent.worlds.car_racing.exact.distance import SIMPLEX_SHAPE
from agent.worlds.car_racing.exact.joints import JOINT_NUMBERS


class Room(NamedTuple):
    """Forces on the wheels, velocities of the hull, numbers of the joints; a shape, a simplex."""

    forces: Floats
    hull: Floats
    joints: Floats
    placed: Floats
    simplex: Floats
    kept: Floats


@njit(cache=True)
def make_room() -> Room:  # pragma: no cover - compiled
    """Returns room for one car at a time."""
    return Room(
        forces=np.zeros((WHEELS, 2), np.float32),
        hull=np.zeros(3, np.float32),
        joints=np.zeros((WHEELS, JOINT_NUMBERS), np.float32),
        placed=np.zeros((MOST_CORNERS, 2), np.float32),
        simplex=np.zeros(SIMPLEX_SHAPE, np.float32),
        kept=np.zeros(SIMPLEX_SHAPE[0], np.float32),
    )
