"""Shadows in a picture: rows of ground that were drawn are darkened where the map says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agent.simulator.ground import CELL_U
from agent.simulator.ground_rows import FOREVER, Row, columns_within
from agent.simulator.kernels import fast_part
from agent.simulator.light_map import (
    BLOCK_BITS,
    BLOCK_SIDE,
    BLOCK_TEXELS,
    BLOCK_U,
    LEVELS,
    TEXEL_U,
)
from agent.simulator.pixels import load_8_bytes, store_8_bytes
from agent.simulator.render_inputs import RenderInputs

GRID_MARGIN = 0.01  # blocks; keeps a row off the map's very edge
FIXED = 65536.0  # of texels in 16.16 fixed point
EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
ONE_PIXEL = np.uint64(0x0000000000FFFFFF)
OTHER_PIXEL = np.uint64(0x0000FFFFFF000000)
TWO_PIXELS = np.uint64(0x0000FFFFFFFFFFFF)
SIX = np.uint64(6)
EIGHT = np.uint64(8)
AHEAD = 20  # bytes before the picture's end, as far as the loop over pairs may read


@fast_part
def shade_row(flat: Any, inputs: RenderInputs, row: Row) -> None:  # pragma: no cover - compiled
    """Darken one row, block by block."""
    shadows = inputs.shadows
    blocks = shadows.blocks
    columns, rows = blocks.shape
    scale = CELL_U / BLOCK_U
    left_x = row.left_x * scale + (inputs.origin[0] - shadows.origin[0]) / BLOCK_U
    left_z = row.left_z * scale + (inputs.origin[1] - shadows.origin[1]) / BLOCK_U
    step_x, step_z = row.step_x * scale, row.step_z * scale
    first, stop = columns_within(left_x, step_x, GRID_MARGIN, columns - GRID_MARGIN, 0, row.width)
    column, stop = columns_within(left_z, step_z, GRID_MARGIN, rows - GRID_MARGIN, first, stop)
    # Columns to a block; divisions are dear.
    pace_x = 1.0 / max(abs(step_x), 1e-9)
    pace_z = 1.0 / max(abs(step_z), 1e-9)
    pace = min(pace_x, pace_z)
    level = _level(row)
    while column < stop:
        x = left_x + column * step_x
        z = left_z + column * step_z
        block = blocks[np.uint32(x), np.uint32(z)]
        stay = min(_room(x, step_x) * pace_x, _room(z, step_z) * pace_z)
        if block < 0:
            stay = max(stay, (-1 - block) * pace)
        until = min(column + int(min(stay, FOREVER)) + 1, stop)
        if block >= 0:
            _darken(flat, inputs, row, column, until, block, x, z, level)
        column = until


@fast_part
def _level(row: Row) -> Any:  # pragma: no cover - compiled
    """Returns the level whose texels are about as large as a pixel."""
    texels = math.sqrt(row.across_u * row.along_u) / TEXEL_U
    level = 0
    while texels > 1.4 and level < LEVELS - 1:
        texels *= 0.5
        level += 1
    return level


@fast_part
def _room(place: float, step: float) -> Any:  # pragma: no cover - compiled
    """Returns how much of its block lies before a place."""
    within = place - np.uint32(place)
    return 1.0 - within if step > 0.0 else within


@fast_part
def _darken(
    flat: Any,
    inputs: RenderInputs,
    row: Row,
    column: int,
    until: int,
    block: Any,
    block_x: float,
    block_z: float,
    level: int,
) -> None:  # pragma: no cover - compiled
    """Darken the columns that look at one block.

    :param column: the first, ``until`` the one after the last
    :param block: its number
    :param block_x: the first column's place in blocks, as is ``block_z``
    :param level: of the map
    """
    channels = inputs.palette.shape[1]
    scale = CELL_U / BLOCK_U * BLOCK_SIDE * FIXED
    x = int((block_x - np.uint32(block_x)) * BLOCK_SIDE * FIXED)
    z = int((block_z - np.uint32(block_z)) * BLOCK_SIDE * FIXED)
    step_x, step_z = int(row.step_x * scale), int(row.step_z * scale)
    texels = inputs.shadows.texels
    rest = (BLOCK_SIDE * BLOCK_SIDE) >> (2 * level)
    start = np.uint64(block * BLOCK_TEXELS + (BLOCK_SIDE * BLOCK_SIDE - rest) * 4 // 3)
    bits = BLOCK_BITS - level
    clear = int(row.clear * np.float32(256.0))
    at = np.uint64((row.pixel + column) * channels)
    if channels == 3:
        last = min(until - 1, (flat.size - AHEAD) // 3 - row.pixel)
        word = load_8_bytes(flat, at) if column < last else np.uint64(0)
        while column < last:
            left = (_texel(texels, start, x, z, level, bits) * clear) >> 8
            right = (_texel(texels, start, x + step_x, z + step_z, level, bits) * clear) >> 8
            # Read before the store, whose last bytes it would have to wait for.
            ahead = load_8_bytes(flat, at + SIX)
            if left | right > 0:
                one = _darkened(word, np.uint64(256 - left)) & ONE_PIXEL
                other = _darkened(word, np.uint64(256 - right)) & OTHER_PIXEL
                store_8_bytes(flat, at, one | other | (word & ~TWO_PIXELS))
            word = ahead
            x += 2 * step_x
            z += 2 * step_z
            at += SIX
            column += 2
    while column < until:
        light = 256 - ((_texel(texels, start, x, z, level, bits) * clear) >> 8)
        for byte in range(at, at + np.uint64(channels)):
            flat[byte] = (int(flat[byte]) * light) >> 8
        x += step_x
        z += step_z
        at += np.uint64(channels)
        column += 1


@fast_part
def _texel(
    texels: Any, start: Any, x: Any, z: Any, level: Any, bits: Any
) -> Any:  # pragma: no cover - compiled
    """Returns the darkness at a place in a block.

    :param start: of the block's level
    :param x: in fixed point, as is ``z``
    :param level: of the map, of 2 ** ``bits`` texels a side
    """
    mask = np.uint64(BLOCK_SIDE - 1)
    column = ((np.uint64(x) >> np.uint64(16)) & mask) >> np.uint64(level)
    row = ((np.uint64(z) >> np.uint64(16)) & mask) >> np.uint64(level)
    return int(texels[start + (column << np.uint64(bits)) + row])


@fast_part
def _darkened(word: Any, light: Any) -> Any:  # pragma: no cover - compiled
    """Returns a word with ``light`` of 256 left of every byte."""
    even = (((word & EVEN_BYTES) * light) >> EIGHT) & EVEN_BYTES
    odd = (((word >> EIGHT) & EVEN_BYTES) * light) & ~EVEN_BYTES
    return even | odd
