"""Hills as the camera draws them: the ground ahead rises and falls with the track.

Height depends on the distance ahead alone; slopes across the view are not drawn.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from agent.simulator.kernels import UNWRAPPED, part
from agent.simulator.lens import Optics
from agent.simulator.typing import Array

FAR_U = 300.0  # chosen: ground farther ahead is not drawn
NEAR_U = 0.5  # chosen: the first sample of the profile, nearer than the lowest row looks
SAMPLES = 48  # chosen: of the profile, each a constant factor farther than the last
# Chosen: between these distances the land beside the road levels out to the car's own height.
LEVEL_FROM_U = 80.0
LEVEL_AT_U = 160.0


@njit(cache=True, **UNWRAPPED)
def hills_ahead(
    arc: float, height_u: float, uphill: float, arc_u: Array, heights: Array, length_u: float
) -> Array:  # pragma: no cover - compiled
    """Returns the ground's profile in the car's tilted frame: distance and height, u.

    The shape is (``SAMPLES``, 2).

    :param arc: the car's place along the track, u
    :param height_u: height of the ground under the car
    :param uphill: slope of that ground along the heading
    :param arc_u: of the track's nodes
    :param heights: of the track's nodes, u
    :param length_u: of the track
    """
    profile = np.empty((SAMPLES, 2))
    n = len(arc_u)
    ahead = NEAR_U
    ratio = (FAR_U / NEAR_U) ** (1.0 / (SAMPLES - 1))
    for k in range(SAMPLES):
        place = (arc + ahead) % length_u
        i = np.searchsorted(arc_u, place, side="right") - 1
        end = arc_u[i + 1] if i + 1 < n else length_u
        share = (place - arc_u[i]) / max(end - arc_u[i], 1e-9)
        height = heights[i] + share * (heights[(i + 1) % n] - heights[i]) - height_u
        height *= min(max((LEVEL_AT_U - ahead) / (LEVEL_AT_U - LEVEL_FROM_U), 0.0), 1.0)
        profile[k, 0] = ahead
        profile[k, 1] = height
        ahead *= ratio
    tilt_profile(profile, uphill)
    return profile


@part
def tilt_profile(profile: Array, uphill: float) -> None:  # pragma: no cover - compiled
    """Change a profile of distances and heights to the car's tilted frame.

    :param profile: (``SAMPLES``, 2), u, changed in place
    :param uphill: slope of the ground along the heading
    """
    tilt = math.atan(uphill)
    cos, sin = math.cos(tilt), math.sin(tilt)
    for k in range(len(profile)):
        ahead, height = profile[k, 0], profile[k, 1]
        profile[k, 0] = ahead * cos + height * sin
        profile[k, 1] = height * cos - ahead * sin


@njit(cache=True, error_model="numpy", **UNWRAPPED)
def row_depths(hills: Array, lens: Optics, rows: int) -> Array:  # pragma: no cover - compiled
    """Returns the depth at which each row's ray meets the ground, (rows,), u; 0 for none.

    On level ground a row v = (row - middle) / focal below the axis falls v cos(pitch) + sin(pitch)
    per unit of depth. It meets the ground at the lens's height over that.

    :param hills: see ``hills_ahead``; (0, 2) for level ground
    :param lens: see ``Lens``
    :param rows: of the picture
    """
    if len(hills) > 0:
        return _row_depths_on_hills(hills, lens, rows)
    depths = np.zeros(rows)
    for row in range(rows):
        fall = (row - lens.middle_row) / lens.focal_px * lens.cos_pitch + lens.sin_pitch
        if fall > lens.height_u / FAR_U:
            depths[row] = lens.height_u / fall
    return depths


@njit(cache=True, error_model="numpy", **UNWRAPPED)
def _row_depths_on_hills(
    hills: Array, lens: Optics, rows: int
) -> Array:  # pragma: no cover - compiled
    """Sweeps the profile from near to far; every row keeps the first point that covers it."""
    depths = np.zeros(rows)
    lowest = float(rows)
    previous_depth = 0.0
    previous_row = float(rows) + 20.0
    for k in range(len(hills)):
        ahead = hills[k, 0]
        below = lens.height_u - hills[k, 1]
        depth = ahead * lens.cos_pitch + below * lens.sin_pitch
        down = below * lens.cos_pitch - ahead * lens.sin_pitch
        if depth <= 0.05:
            continue
        at = lens.middle_row + lens.focal_px * down / depth
        if at < lowest:
            first = max(0, int(math.ceil(at)))
            for row in range(first, min(rows, int(math.ceil(lowest)))):
                # Between two samples the inverse depth is linear in the row.
                share = (previous_row - row) / max(previous_row - at, 1e-9)
                inverse = (1 - share) / max(previous_depth, 0.3) + share / depth
                depths[row] = 1.0 / inverse
            lowest = at
        previous_depth = depth
        previous_row = at
    return depths
