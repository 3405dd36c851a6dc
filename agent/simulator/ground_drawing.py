"""The ground in a picture: sky, land, road and start line.

A row of pixels is a straight line over the ground. ``Ground`` names the span of the centre line
nearest to its first point, or two where roads meet; ``road_drawing`` draws what lies beside it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator.car_shadow import shade_car
from agent.simulator.ceiling import draw_ceiling
from agent.simulator.ground import CELL_U
from agent.simulator.ground_rows import UNKNOWN, Row, columns_within, fill_run, row_over_ground
from agent.simulator.hills import row_depths
from agent.simulator.kernels import UNWRAPPED, fast_part
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.road_drawing import draw_span
from agent.simulator.shading import shade_row
from agent.simulator.sky_light import light_sky
from agent.simulator.skyline import draw_skyline
from agent.simulator.typing import Array, Image

GRID_MARGIN = 0.01  # cells; keeps a row off the grid's very edge
# Bright and dark checks of the start line and their mean, grey levels; chosen.
BRIGHT = 235
DARK = 30
MEAN = 132


@njit(cache=True, fastmath=True, error_model="numpy", **UNWRAPPED)
def draw_ground(
    out: Image, inputs: RenderInputs, pose: LensPose, hills: Array
) -> None:  # pragma: no cover - compiled
    """Draw sky, land, road and start line over the whole picture.

    :param out: the picture, (rows, columns, 3), or (rows, columns) where ``inputs`` are grey
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param hills: see ``hills_ahead``; (0, 2) for level ground
    """
    height, width = out.shape[0], out.shape[1]
    flat = out.reshape(out.size)
    depths = row_depths(hills, inputs.lens, height)
    top = _draw_sky(flat, inputs, depths, width)
    if len(inputs.sky_light.factors) > 0:
        light_sky(flat, inputs, pose, top, width)
    if len(inputs.ceiling.texels) > 0:
        draw_ceiling(flat, inputs, pose, top, width)
    if len(inputs.skyline.tangents) > 0:
        draw_skyline(flat, inputs, pose, top, width)
    shades = np.empty(len(inputs.palette), np.uint64)
    for row in range(top, height):
        beyond = depths[row - 1] if row > top else depths[row] * 1.3
        line = row_over_ground(inputs, pose, row, width, depths[row], beyond)
        for k in range(len(shades)):
            shades[k] = UNKNOWN
        _draw_row(flat, inputs, pose, line, shades)
        if inputs.start_line.half_width_u > 0.0:
            _draw_start_line(flat, inputs, line)
        if inputs.shadows.used:
            shade_row(flat, inputs, line)
            shade_car(flat, inputs, pose, line)


@fast_part
def _draw_sky(
    flat: Any, inputs: RenderInputs, depths: Array, width: int
) -> Any:  # pragma: no cover - compiled
    """Copies the sky above the land; returns the first row of the land."""
    height = len(depths)
    channels = inputs.palette.shape[1]
    lens = inputs.lens
    top = 0
    while top < height and depths[top] == 0.0:
        top += 1
    # The sky ends where the land begins.
    horizon = int(lens.middle_row - lens.focal_px * lens.sin_pitch / lens.cos_pitch + 0.5)
    above = min(max(height + horizon - top, 0), 3 * height - top)
    sky = inputs.sky.reshape(inputs.sky.size)[above * width * channels :]
    for k in range(np.uint64(top * width * channels)):
        flat[k] = sky[k]
    return top


@fast_part
def _draw_row(
    flat: Any, inputs: RenderInputs, pose: LensPose, row: Row, shades: Any
) -> None:  # pragma: no cover - compiled
    """Draw one row: plain ground in one run up to the next span, and beside each span its road."""
    columns, rows = inputs.cells.shape
    first, stop = columns_within(
        row.left_x, row.step_x, GRID_MARGIN, columns - GRID_MARGIN, 0, row.width
    )
    first, stop = columns_within(
        row.left_z, row.step_z, GRID_MARGIN, rows - GRID_MARGIN, first, stop
    )
    widest = max(abs(row.step_x), abs(row.step_z))
    column = 0
    while column < row.width:
        i = -1
        run = row.width - column  # plain ground outside the grid
        if column < first < stop:
            run = first - column
        if first <= column < stop:
            x = row.left_x + column * row.step_x
            z = row.left_z + column * row.step_z
            i = inputs.cells[np.uint32(x), np.uint32(z)]
            if i < 0:
                run = min(int((-1 - i) / widest) + 1, stop - column)
        if i < 0:
            fill_run(flat, inputs, row, column, run, shades, 0)
            column += run
        else:
            column = draw_span(flat, inputs, pose, row, shades, i, column, stop)


@fast_part
def _draw_start_line(
    flat: Any, inputs: RenderInputs, row: Row
) -> None:  # pragma: no cover - compiled
    """Draw two lines of checks of 0.5 u over the road in one row of pixels."""
    line = inputs.start_line
    channels = inputs.palette.shape[1]
    pixels = flat[row.pixel * channels : (row.pixel + row.width) * channels]
    x = row.left_x * CELL_U + inputs.origin[0] - line.x
    z = row.left_z * CELL_U + inputs.origin[1] - line.z
    past = x * line.sin + z * line.cos
    beside = x * line.cos - z * line.sin
    past_step = row.step_x * line.sin + row.step_z * line.cos
    beside_step = row.step_x * line.cos - row.step_z * line.sin
    half_along = 0.5 * row.along_u
    first, stop = columns_within(past, past_step, -half_along, 1.0 + half_along, 0, row.width)
    half_width = line.half_width_u
    first, stop = columns_within(beside, beside_step, -half_width, half_width, first, stop)
    half = 0.5 * (abs(beside_step) + abs(past_step) / row.across_u * row.along_u)
    contrast = max(0.0, 1.0 - 2.0 * max(half, half_along))
    for column in range(first, stop):
        here = past + column * past_step
        side = beside + column * beside_step
        share = min(here + half_along, 1.0) - max(here - half_along, 0.0)
        share = min(share / row.along_u, 1.0)
        even = (int(math.floor(2.0 * side)) + int(math.floor(2.0 * here))) % 2 == 0
        bright = BRIGHT if even else DARK
        shade = MEAN + (bright - MEAN) * contrast
        for at in range(column * channels, (column + 1) * channels):
            colour = float(pixels[at])
            pixels[at] = int(colour + share * (shade - colour))
