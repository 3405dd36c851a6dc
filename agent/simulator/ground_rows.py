"""Rows of a picture as straight lines over the ground, and how runs of their pixels are filled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.ground import CELL_U
from agent.simulator.kernels import fast_part
from agent.simulator.paint import GRAIN_SIDE
from agent.simulator.pixels import blend_word, clear_share, pack, store_8_bytes
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.sunlight import glare_share
from agent.simulator.textures import (
    GRAINS_PER_U,
    LEVELS,
    PLAIN,
    SIDE,
    SIDE_BITS,
    TEXEL_SHIFT,
    TEXELS_PER_U,
)

LONGEST_PIXEL_U = 12.0  # chosen: of a pixel's footprint along the ray
GRAINY_U = 0.8  # chosen: pixels longer than this show no grain; it is finer and would flicker
GRAIN_MASK = np.uint64(GRAIN_SIDE - 1)
BYTE = np.uint64(255)
GRAIN_SHIFT = 4096.0  # keeps places off the grid positive
TEXELS_A_PIXEL = 1.4  # chosen: most of a texture's level, along a line across the pixel
UNKNOWN = np.uint64(0)
NO_GLARE = np.uint64(0)
NO_LEVEL = -1  # of a texture, in a row whose pixels are larger than it
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
    level: int  # of textures
    glare: np.uint64  # share of the sun's colour, of 255


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
        np.float32(clear_share(forward, inputs.fog)),
        along < GRAINY_U,
        int((left_x + GRAIN_SHIFT) * GRAINS_PER_U),
        int((left_z + GRAIN_SHIFT) * GRAINS_PER_U),
        int(step_x * GRAINS_PER_U),
        int(step_z * GRAINS_PER_U),
        _level(across, along) if inputs.textures.used else NO_LEVEL,
        glare_share(inputs.glare, pose.sin, pose.cos, forward),
    )


@fast_part
def _level(across: float, along: float) -> Any:  # pragma: no cover - compiled
    """Returns the level of textures whose texels are about as large as a pixel."""
    texels = math.sqrt(across * along) * TEXELS_PER_U
    level = 0
    while texels > TEXELS_A_PIXEL:
        texels *= 0.5
        level += 1
    return level if level < LEVELS else NO_LEVEL


@fast_part
def fill_run(
    flat: Any, inputs: RenderInputs, row: Row, column: int, run: int, shades: Any, strip: Any
) -> None:  # pragma: no cover - compiled
    """Write ``run`` pixels of one strip from ``column`` on, with grain or texture where it shows.

    Two pixels go in one store of eight bytes, or eight grey ones. What it spills to the right is
    written over by what comes there next; the picture's last pixels go byte by byte.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param row: the row
    :param column: the first to fill
    :param run: how many
    :param shades: words of the strips' colours in this row, ``UNKNOWN`` before they are needed
    :param strip: which
    """
    channels = inputs.palette.shape[1]
    word = shades[strip]
    if word == UNKNOWN:
        word = _shade(inputs, row, strip)
        shades[strip] = word
    grain = inputs.grain
    first = row.pixel + column
    at = np.uint64(first * channels)
    stop = np.uint64((first + run) * channels)
    safe = np.uint64(min(stop, max(flat.size - 8, 0)))
    pixels = 2 if channels == 3 else 8
    stride = np.uint64(pixels * channels)
    coat = inputs.textures.of_strip[strip]
    if coat != PLAIN and row.level >= 0:
        end = safe if channels == 3 else stop
        at = _fill_texture(flat, inputs, row, column, at, end, word, coat)
    elif row.grainy and coat == PLAIN:
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
def _shade(inputs: RenderInputs, row: Row, strip: Any) -> Any:  # pragma: no cover - compiled
    """Returns the word of a strip's colour in a row, see ``pack``."""
    haze = np.float32(1.0) - row.clear
    word = pack(inputs.palette[strip], row.clear, inputs.haze, haze)
    if row.glare > NO_GLARE:
        word = blend_word(word, inputs.glare.word, row.glare)
    return word


@fast_part
def _fill_texture(
    flat: Any,
    inputs: RenderInputs,
    row: Row,
    column: int,
    at: Any,
    end: Any,
    word: Any,
    coat: Any,
) -> Any:  # pragma: no cover - compiled
    """Write pixels of a texture, two at a time or one grey one; returns the byte after them.

    :param at: the first byte
    :param end: the one before which they end
    :param word: the strip's colour in this row
    :param coat: the texture's row
    """
    textures = inputs.textures
    texels = textures.texels[coat]
    x = row.grain_x + textures.shift_x + column * row.grain_step_x
    z = row.grain_z + textures.shift_z + column * row.grain_step_z
    side_bits = SIDE_BITS - row.level
    start = np.uint64(level_start(row.level))
    mask = np.uint64((SIDE >> row.level) - 1)
    shift = TEXEL_SHIFT + row.level
    word -= textures.base[coat]
    if inputs.palette.shape[1] == 3:
        while at < end:
            left = texel_at(texels, start, x >> shift, z >> shift, mask, side_bits)
            x += row.grain_step_x
            z += row.grain_step_z
            right = texel_at(texels, start, x >> shift, z >> shift, mask, side_bits)
            store_8_bytes(flat, at, word + left + (right << np.uint64(24)))
            x += row.grain_step_x
            z += row.grain_step_z
            at += np.uint64(6)
    else:
        while at < end:
            level = texel_at(texels, start, x >> shift, z >> shift, mask, side_bits)
            flat[at] = np.uint8(word + level)
            x += row.grain_step_x
            z += row.grain_step_z
            at += np.uint64(1)
    return at


@fast_part
def add_texture(
    flat: Any, inputs: RenderInputs, row: Row, column: int, strip: Any
) -> None:  # pragma: no cover - compiled
    """Add the offset of a strip's texture to one pixel, within a byte."""
    textures = inputs.textures
    coat = textures.of_strip[strip]
    if coat == PLAIN:
        return
    channels = inputs.palette.shape[1]
    x = row.grain_x + textures.shift_x + column * row.grain_step_x
    z = row.grain_z + textures.shift_z + column * row.grain_step_z
    shift = TEXEL_SHIFT + row.level
    mask = np.uint64((SIDE >> row.level) - 1)
    start = np.uint64(level_start(row.level))
    bits = SIDE_BITS - row.level
    texel = texel_at(textures.texels[coat], start, x >> shift, z >> shift, mask, bits)
    base = textures.base[coat]
    first = (row.pixel + column) * channels
    for byte in range(channels):
        place = np.uint64(8 * byte)
        offset = int((texel >> place) & BYTE) - int((base >> place) & BYTE)
        flat[first + byte] = min(max(int(flat[first + byte]) + offset, 0), 255)


@fast_part
def level_start(level: int) -> Any:  # pragma: no cover - compiled
    """Returns where a level of a texture begins: after the larger ones, each a quarter."""
    rest = (SIDE * SIDE) >> (2 * level)
    return (SIDE * SIDE - rest) * 4 // 3


@fast_part
def texel_at(
    texels: Any, start: Any, x: Any, z: Any, mask: Any, side_bits: Any
) -> Any:  # pragma: no cover - compiled
    """Returns a texel of a level.

    :param texels: of a coat
    :param start: of the level
    :param x: its place, as is ``z``
    :param mask: which repeats it
    :param side_bits: of the level's side, the power of two
    """
    column = np.uint64(x) & mask
    row = np.uint64(z) & mask
    return np.uint64(texels[start + (column << np.uint64(side_bits)) + row])


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
