"""Room for the numbers of one step, made once for many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from agent.worlds.car_racing.exact.arrays import Floats, Ints
from agent.worlds.car_racing.exact.bodies import MOST_CORNERS
from agent.worlds.car_racing.exact.car import WHEELS
from agent.worlds.car_racing.exact.joint_rows import ROWS
from agent.worlds.car_racing.exact.simplex import SIMPLEX_SHAPE
from agent.worlds.car_racing.exact.sweeps import LOG


class Room(NamedTuple):
    """Forces on the wheels, rows of the joints, notes of sweeps; a placed shape, a simplex."""

    forces: Floats
    rows: Floats
    log: Floats
    bits: Ints  # of the log
    placed: Floats
    simplex: Floats
    kept: Floats


@njit(cache=True)
def make_room() -> Room:  # pragma: no cover - compiled
    """Returns room for one car at a time."""
    log = np.zeros(LOG, np.float32)
    return Room(
        forces=np.zeros((WHEELS, 2), np.float32),
        rows=np.zeros(ROWS, np.float32),
        log=log,
        bits=log.view(np.int32),
        placed=np.zeros((MOST_CORNERS, 2), np.float32),
        simplex=np.zeros(SIMPLEX_SHAPE, np.float32),
        kept=np.zeros(SIMPLEX_SHAPE[0], np.float32),
    )
