"""Banked roads in a picture: the ground is drawn as if it were level across, and then bent.

A car on a bank rolls with it, so near ground looks level to it, and the horizon is tilted. Every
pixel of the ground moves up or down, by how much its place is higher or lower than the plane under
the car.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator import vehicle
from agent.simulator.hills import (
    FAR_U,
    LEVEL_AT_U,
    LEVEL_FROM_U,
    NEAR_U,
    SAMPLES,
    row_depths,
    tilt_profile,
)
from agent.simulator.kernels import UNWRAPPED, fast_part, part, snippet
from agent.simulator.lens import Optics
from agent.simulator.pixels import load_8_bytes, store_8_bytes
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.tracks import CentreLine
from agent.simulator.typing import Array, Image

LEAST_SLOPE = 0.002  # chosen: less is drawn as level
GROUP = 4  # chosen: pixels side by side that move as one
# Columns of the banks ahead, and of the rows of land.
BANK, BESIDE = range(2)
U_PER_COLUMN, ROWS_PER_U, MIDDLE = (0, 2, 3)


@njit(cache=True, **UNWRAPPED)
def banks_ahead(
    line: CentreLine, car_state: Array, arc: float, height_u: float, uphill: float
) -> Any:  # pragma: no cover - compiled
    """Returns the ground's profile ahead, as ``hills_ahead`` does, and the banks of its places.

    The banks are (``SAMPLES``, 2): the slope to the right as the car looks, and how far the place
    ahead of the car lies right of the path, u.

    :param line: the track's
    :param car_state: see ``vehicle``
    :param arc: the car's place along the track, u
    :param height_u: height of the ground under the car
    :param uphill: slope of that ground along the heading
    """
    profile = np.empty((SAMPLES, 2))
    banks = np.empty((SAMPLES, 2))
    n = len(line.nodes)
    sin, cos = math.sin(car_state[vehicle.YAW]), math.cos(car_state[vehicle.YAW])
    ratio = (FAR_U / NEAR_U) ** (1.0 / (SAMPLES - 1))
    ahead = NEAR_U
    for k in range(SAMPLES):
        place = (arc + ahead) % line.length_u
        i = np.searchsorted(line.arc_u, place, side="right") - 1
        j = (i + 1) % n
        share = (place - line.arc_u[i]) / max(line.span_u[i], 1e-9)
        bank = line.bank[i] + share * (line.bank[j] - line.bank[i])
        height = line.nodes[i, 2] + share * (line.nodes[j, 2] - line.nodes[i, 2]) - height_u
        dx = car_state[vehicle.X] + ahead * sin - line.nodes[i, 0]
        dz = car_state[vehicle.Z] + ahead * cos - line.nodes[i, 1]
        beside = dx * line.direction[i, 1] - dz * line.direction[i, 0]
        far = min(max((LEVEL_AT_U - ahead) / (LEVEL_AT_U - LEVEL_FROM_U), 0.0), 1.0)
        height += bank * _on_road(beside, line.bank_reach_u)
        along = sin * line.direction[i, 0] + cos * line.direction[i, 1]
        banks[k, BANK] = bank * max(along, 0.0) * far
        banks[k, BESIDE] = beside
        profile[k, 0] = ahead
        profile[k, 1] = height * far
        ahead *= ratio
    tilt_profile(profile, uphill)
    return profile, banks


@snippet
def _on_road(beside: float, reach: float) -> Any:  # pragma: no cover - compiled
    """Returns a place right of the path, u, held at the road's edges."""
    return min(max(beside, -reach), reach)


@njit(cache=True, fastmath=True, error_model="numpy", **UNWRAPPED)
def bend_ground(
    out: Image, inputs: RenderInputs, pose: LensPose, hills: Array, banks: Array
) -> None:  # pragma: no cover - compiled
    """Move the pixels of a picture of the ground to where a banked road has them.

    :param out: picture (rows, columns, 3) or grey (rows, columns), changed in place
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is, with the car's roll
    :param hills: see ``banks_ahead``
    :param banks: see ``banks_ahead``
    """
    slope = pose.roll_sin / pose.roll_cos
    if max(abs(slope), np.abs(banks[:, BANK]).max()) < LEAST_SLOPE:
        return
    height, width = out.shape[0], out.shape[1]
    depths = row_depths(hills, inputs.lens, height)
    top = 0
    while top < height and depths[top] == 0.0:
        top += 1
    rows = _rows_of_land(depths, inputs, hills, banks)
    channels = inputs.palette.shape[1]
    flat = out.reshape(out.size)
    straight = np.empty(len(flat) + 8, np.uint8)  # whole words are read at its end too
    for k in range(np.uint64(len(flat))):  # as a slice it would go byte by byte
        straight[k] = flat[k]
    reach = inputs.line.bank_reach_u
    for column in range(0, width, GROUP):
        right = column + 0.5 * (GROUP - 1) - inputs.lens.middle_column
        covered = height  # from the lowest row up: near ground lies before far
        for row in range(height - 1, top - 1, -1):
            place = _on_road(rows[row, BESIDE] + right * rows[row, U_PER_COLUMN], reach)
            moved = slope * right - rows[row, ROWS_PER_U] * (place - rows[row, MIDDLE])
            first = max(int(row + moved + 1000.5) - 1000, 0)
            while covered > first:
                covered -= 1
                _copy_group(flat, straight, row, covered, column, width, channels)
        tilt = int(slope * right + 1000.5) - 1000
        while covered > 0:
            covered -= 1
            row = max(min(covered - tilt, top - 1), 0)
            _copy_group(flat, straight, row, covered, column, width, channels)


@njit(cache=True, error_model="numpy", **UNWRAPPED)
def _rows_of_land(
    depths: Array, inputs: RenderInputs, hills: Array, banks: Array
) -> Array:  # pragma: no cover - compiled
    """Returns what moves the pixels of each row, (rows, 4).

    ``BESIDE`` is how far its middle column lies right of the path, u. ``U_PER_COLUMN`` is the width
    of a pixel, ``ROWS_PER_U`` how many rows the ground rises for each u to the right, ``MIDDLE``
    the place on the road that the middle column is as high as.
    """
    lens = inputs.lens
    rows = np.zeros((len(depths), 4))
    k = 0
    for row in range(len(depths) - 1, -1, -1):
        depth = depths[row]
        if depth == 0.0:
            break
        while k < len(banks) - 2 and _depth(hills, lens, k + 1) < depth:
            k += 1
        near = _depth(hills, lens, k)
        share = (depth - near) / max(_depth(hills, lens, k + 1) - near, 1e-9)
        share = min(max(share, 0.0), 1.0)
        bank = banks[k, BANK] + share * (banks[k + 1, BANK] - banks[k, BANK])
        beside = banks[k, BESIDE] + share * (banks[k + 1, BESIDE] - banks[k, BESIDE])
        rows[row, BESIDE] = beside
        rows[row, U_PER_COLUMN] = depth / lens.focal_px
        rows[row, ROWS_PER_U] = bank * lens.focal_px / depth
        rows[row, MIDDLE] = _on_road(beside, inputs.line.bank_reach_u)
    return rows


@part
def _depth(hills: Array, lens: Optics, k: int) -> float:  # pragma: no cover - compiled
    """Returns the depth of a place of the profile, u."""
    return hills[k, 0] * lens.cos_pitch + (lens.height_u - hills[k, 1]) * lens.sin_pitch


@fast_part
def _copy_group(
    flat: Any, straight: Any, row: int, into: int, column: int, width: int, channels: int
) -> None:  # pragma: no cover - compiled
    """Copy ``GROUP`` pixels from one row to another.

    A word of grey pixels reaches over those to the right, which are copied later.

    :param flat: bytes of the picture
    :param straight: bytes of the picture as it was, and eight more
    :param row: to copy from
    :param into: the other row
    :param column: the first one
    :param width: of the picture
    :param channels: bytes of a pixel
    """
    source = np.uint64((row * width + column) * channels)
    target = np.uint64((into * width + column) * channels)
    end = np.uint64((into + 1) * width * channels)
    if target + np.uint64(max(GROUP * channels, 8)) <= end:
        store_8_bytes(flat, target, load_8_bytes(straight, source))
        if channels == 3:  # twelve bytes in all
            rest = np.uint64(4)
            store_8_bytes(flat, target + rest, load_8_bytes(straight, source + rest))
        return
    for k in range(min(np.uint64(GROUP * channels), end - target)):
        flat[target + np.uint64(k)] = straight[source + np.uint64(k)]
