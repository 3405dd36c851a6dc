"""A car's body that leans out of bends, and its camera with it.

Cars of the simulator's builds up to 2021 lean by up to 7 degrees in recordings; today's stay level.
"""

from __future__ import annotations

import math

from numba import njit

from agent.simulator import vehicle
from agent.simulator.kernels import UNWRAPPED
from agent.simulator.lens import Optics
from agent.simulator.typing import Array, Image

HALF_AT_U = 10.0  # u/s^2, the sideways acceleration at which a body leans half its most; chosen


@njit(cache=True, error_model="numpy", **UNWRAPPED)
def lean(out: Image, lens: Optics, car_state: Array) -> None:  # pragma: no cover - compiled
    """Turn a picture as the body leans, about where the lens looks.

    What comes in from outside is what is at the edge.

    :param out: picture (rows, columns, 3) or grey (rows, columns), changed in place
    :param lens: whose ``body_roll`` is the most that it leans, radians
    :param car_state: see ``vehicle``
    """
    sideways = car_state[vehicle.FORWARD] * car_state[vehicle.YAW_RATE]
    turned = lens.body_roll * sideways / (abs(sideways) + HALF_AT_U)
    sin, cos = math.sin(turned), math.cos(turned)
    straight = out.copy()
    height, width = out.shape[0], out.shape[1]
    for row in range(height):
        down = row - lens.middle_row
        for column in range(width):
            right = column - lens.middle_column
            from_row = int(lens.middle_row + down * cos - right * sin + 0.5)
            from_column = int(lens.middle_column + right * cos + down * sin + 0.5)
            from_row = min(max(from_row, 0), height - 1)
            from_column = min(max(from_column, 0), width - 1)
            out[row, column] = straight[from_row, from_column]
