"""Rows of a picture as straight lines over the ground, and how runs of their pixels are filled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.ground import CELL_U
from agent.simulator.kernels import fast_part
from agent.simulator.paint import GRAIN_SIDE
from agent.simulator.pixels import clear_share, store_8_bytes
from agent.simulator.render_inputs import LensPose, RenderInputs

LONGEST_PIXEL_U = 12.0  # chosen: of a pixel's footprint along the ray
GRAINY_U = 0.8  # chosen: pixels longer than this show no grain; it is finer and would flicker
GRAIN_MASK = np.uint64(GRAIN_SIDE - 1)
GRAIN_SHIFT = 4096.0  # keeps places off the grid positive
GRAINS_PER_U = 524288.0  # eight grains to the unit, in 16.16 fixed point
FOREVER = 1e6  # columns; more than any picture has


class Row(NamedTuple):
    """A row of pixels over the ground; places and steps in cells of the grid's frame."""

    pixel: int  # index of its first pixel
    width: int
    left_x: float
    left_z: float
    step_x: float  # from one pixel to the next
    step_z: float
    across_u: float  # one pixel's width on the ground
    along_u: float  # one pixel's length on the ground
    clear: np.float32  # share of a colour that haze leaves
    grainy: bool
    grain_x: int  # places in the grain in fixed point
    grain_z: int
    grain_step_x: int
    grain_step_z: int


@fast_part
def row_over_ground(
    inputs: RenderInputs, pose: LensPose, row: int, width: int, depth: float, beyond: float
) -> Any:  # pragma: no cover - compiled
    """Returns a row's line over the ground, a ``Row``.

    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param row: its number
    :param width: pixels in it
    :param depth: at which it meets the ground, see ``row_depths``
    :param beyond: at which the row above does
    """
    lens = inputs.lens
    origin = inputs.origin
    forward = depth * (lens.cos_pitch - (row - lens.middle_row) / lens.focal_px * lens.sin_pitch)
    across = depth / lens.focal_px
    along = min(abs(beyond - depth) * lens.cos_pitch + 1e-3, LONGEST_PIXEL_U)
    to_left = lens.middle_column * across
    left_x = (pose.x + forward * pose.sin - to_left * pose.cos - origin[0]) / CELL_U
    left_z = (pose.z + forward * pose.cos + to_left * pose.sin - origin[1]) / CELL_U
    step_x, step_z = across * pose.cos / CELL_U, across * -pose.sin / CELL_U
    return Row(
        row * width,
        width,
        left_x,
        left_z,
        step_x,
        step_z,
        across,
        along,
        np.float32(clear_share(forward)),
        along < GRAINY_U,
        int((left_x + GRAIN_SHIFT) * GRAINS_PER_U),
        int((left_z + GRAIN_SHIFT) * GRAINS_PER_U),
        int(step_x * GRAINS_PER_U),
        int(step_z * GRAINS_PER_U),
    )


@fast_part
def fill_run(
    flat: Any, inputs: RenderInputs, row: Row, column: int, run: int, word: Any
) -> None:  # pragma: no cover - compiled
    """Write ``run`` pixels of one colour from ``column`` on, with grain where it shows.

    Two pixels go in one store of eight bytes, or eight grey ones. What it spills to the right is
    written over by what comes there next; the picture's last pixels go byte by byte.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param row: the row
    :param column: the first to fill
    :param run: how many
    :param word: their colour, see ``pack``
    """
    channels = inputs.palette.shape[1]
    grain = inputs.grain
    first = row.pixel + column
    at = np.uint64(first * channels)
    stop = np.uint64((first + run) * channels)
    safe = np.uint64(min(stop, max(flat.size - 8, 0)))
    pixels = 2 if channels == 3 else 8
    stride = np.uint64(pixels * channels)
    if row.grainy:
        grain_x = row.grain_x + column * row.grain_step_x
        grain_z = row.grain_z + column * row.grain_step_z
        word -= inputs.grain_mean
        while at < safe:
            x, z = np.uint64(grain_x >> 16) & GRAIN_MASK, np.uint64(grain_z >> 16) & GRAIN_MASK
            store_8_bytes(flat, at, word + grain[x, z])
            grain_x += pixels * row.grain_step_x
            grain_z += pixels * row.grain_step_z
            at += stride
    else:
        while at < safe:
            store_8_bytes(flat, at, word)
            at += stride
    for byte in range(at, stop):
        flat[byte] = np.uint8(word >> np.uint64(8 * (byte - at) % 24))


@fast_part
def columns_within(
    left: float, per_column: float, low: float, high: float, begin: int, end: int
) -> Any:  # pragma: no cover - compiled
    """Returns which columns from ``begin`` to before ``end`` have a value between two bounds.

    :param left: the value in column 0
    :param per_column: its growth
    :param low: least, ``high`` most
    :param begin: the first column asked for, ``end`` the one after the last
    :return: the first column and the one after the last
    """
    step = per_column if abs(per_column) > 1e-9 else 1e-9
    one, other = (low - left) / step, (high - left) / step
    near = min(max(min(one, other), -1.0), FOREVER)
    far = min(max(max(one, other), -1.0), FOREVER)
    return max(begin, int(math.ceil(near))), min(end, int(math.floor(far)) + 1)
