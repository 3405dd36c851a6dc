"""The map of shadows on the ground near a track, in blocks; only those with a shadow are kept."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.barriers import Barriers
from agent.simulator.ground import NO_SPAN, count_cells
from agent.simulator.kernels import part, snippet
from agent.simulator.shadows import (
    CORNERS,
    DAPPLES,
    FIRST,
    MOST_CORNERS,
    OPACITY,
    Sun,
    shapes_of,
    sun_of,
)
from agent.simulator.textures import SIDE, TEXELS_PER_U, seamless_noise
from agent.simulator.tracks import Scene, Track
from agent.simulator.typing import Array, Floats, Image

BLOCK_U = 4.0
BLOCK_BITS = 5
BLOCK_SIDE = 1 << BLOCK_BITS  # texels of a block's first level; each level has half as many
LEVELS = BLOCK_BITS + 1
TEXEL_U = BLOCK_U / BLOCK_SIDE
GRAIN = int(TEXEL_U * TEXELS_PER_U)  # texels of the leaves to one of the map's
MASK = SIDE - 1  # of the leaves
BLOCK_TEXELS = sum((BLOCK_SIDE >> level) ** 2 for level in range(LEVELS))
REACH_U = 30.0  # chosen: beyond the path; shadows farther away are not seen
# Chosen: sizes of the leaves in a crown and their peaks, and how sharp their edges are.
LEAVES = ((1.6, 0.5), (0.5, 0.8), (0.25, 0.4))
LEAF_SHARPNESS = 2.5


class LightMap(NamedTuple):
    """Shadows as the kernels read them.

    ``blocks`` (columns, rows) names a block from ``origin`` on, each ``BLOCK_U`` wide; a negative
    one has no shadow, and says how many blocks away the nearest is. ``texels`` are their darkness,
    ``BLOCK_TEXELS`` for each, all levels one after the other. ``sun_x`` and ``sun_z``
    are those of ``Sun``.
    """

    used: bool
    origin: Array
    blocks: NDArray[np.int16]
    texels: Image
    sun_x: float
    sun_z: float
    darkness: float
    soft_u: float


NO_SHADOWS = LightMap(
    False, np.zeros(2), np.full((1, 1), -1, np.int16), np.zeros(BLOCK_TEXELS, np.uint8), 0.0,
    0.0, 0.0, 0.0,
)  # fmt: skip


def light_map(scene: Scene, track: Track, barriers: Barriers) -> LightMap:
    """Returns the shadows of a scene; without a sun that casts any it costs nothing."""
    sun = sun_of(scene.light)
    if sun is None:
        return NO_SHADOWS
    low = track.nodes[:, :2].min(axis=0) - REACH_U
    high = track.nodes[:, :2].max(axis=0) + REACH_U
    size = np.ceil((high - low) / BLOCK_U).astype(int) + 1
    return shade(shapes_of(scene, barriers, sun), sun, low, (int(size[0]), int(size[1])))


def shade(shapes: Array, sun: Sun, origin: Array, size: tuple[int, int]) -> LightMap:
    """Returns the map of shapes.

    :param shapes: see ``shadows``
    :param sun: how dark and soft they are
    :param origin: of the map
    :param size: its columns and rows of blocks
    """
    blocks = np.full(size, np.int16(NO_SPAN))
    count = _name_blocks(blocks, shapes, origin, sun.soft_u)
    texels = np.zeros((max(count, 1), BLOCK_TEXELS), dtype=np.uint8)
    _fill_blocks(texels, blocks, shapes, origin, sun.soft_u, leaves())
    _finish_blocks(texels, blocks, sun.darkness)
    return LightMap(True, origin, blocks, texels.reshape(-1), *sun)


@cache
def leaves() -> Floats:
    """Returns what crowns are made of, seamless noise about 0, (``SIDE``, ``SIDE``)."""
    rng = np.random.default_rng(0)
    return np.asarray(sum(seamless_noise(size_u, rng) * peak for size_u, peak in LEAVES))


@njit(cache=True)
def _name_blocks(
    blocks: Any, shapes: Array, origin: Array, soft_u: float
) -> int:  # pragma: no cover - compiled
    """Number the blocks on which a shape may lie; returns how many there are."""
    count = 0
    for k in range(len(shapes)):
        first_x, stop_x, first_z, stop_z = _window(shapes[k], origin, soft_u, blocks.shape, BLOCK_U)
        for x in range(first_x, stop_x):
            for z in range(first_z, stop_z):
                if blocks[x, z] < 0 and count < 32767:
                    blocks[x, z] = count
                    count += 1
    return count


@njit(cache=True, fastmath=True, error_model="numpy")
def _fill_blocks(
    texels: Image, blocks: Any, shapes: Array, origin: Array, soft_u: float, leaves: Floats
) -> None:  # pragma: no cover - compiled
    """Lay all shapes on the blocks' first level."""
    sides = np.empty((MOST_CORNERS, 3))
    for k in range(len(shapes)):
        if shapes[k, CORNERS] > 0.0:
            count = _find_sides(shapes[k], sides)
            _lay_polygon(texels, blocks, shapes[k], sides[:count], origin, soft_u)
        else:
            _lay_ellipse(texels, blocks, shapes[k], origin, soft_u, leaves)


@part
def _find_sides(shape: Array, sides: Array) -> int:  # pragma: no cover - compiled
    """Write a polygon's sides as forms of x and z: how far inside of them a place is, u."""
    count = 0
    for k in range(MOST_CORNERS):
        x, z = shape[FIRST + 2 * k], shape[FIRST + 2 * k + 1]
        after = FIRST + 2 * ((k + 1) % MOST_CORNERS)
        side_x, side_z = shape[after] - x, shape[after + 1] - z
        length = math.sqrt(side_x * side_x + side_z * side_z)
        if length > 1e-9:
            sides[count, 0] = -side_z / length
            sides[count, 1] = side_x / length
            sides[count, 2] = (side_z * x - side_x * z) / length
            count += 1
    return count


@part
def _lay_polygon(
    texels: Image, blocks: Any, shape: Array, sides: Array, origin: Array, soft_u: float
) -> None:  # pragma: no cover - compiled
    """Lay a polygon on the blocks, row by row of its own width."""
    size = (blocks.shape[0] * BLOCK_SIDE, blocks.shape[1] * BLOCK_SIDE)
    first_x, stop_x, first_z, stop_z = _window(shape, origin, soft_u, size, TEXEL_U)
    for ix in range(first_x, stop_x):
        x = origin[0] + (ix + 0.5) * TEXEL_U
        low, high = float(first_z), float(stop_z)
        for side in sides:
            rest = side[0] * x + side[2] + 0.5 * soft_u
            end = (-rest / side[1] - origin[1]) / TEXEL_U - 0.5
            if side[1] > 1e-9:
                low = max(low, end)
            elif side[1] < -1e-9:
                high = min(high, end + 1.0)
        for iz in range(int(low), int(high)):
            z = origin[1] + (iz + 0.5) * TEXEL_U
            inside_u = 1e9
            for side in sides:
                inside_u = min(inside_u, side[0] * x + side[1] * z + side[2])
            cover = min(inside_u / soft_u + 0.5, 1.0)
            _darken(texels, blocks, ix, iz, cover * shape[OPACITY])


@part
def _lay_ellipse(
    texels: Image, blocks: Any, shape: Array, origin: Array, soft_u: float, leaves: Floats
) -> None:  # pragma: no cover - compiled
    """Lay an ellipse on the blocks, whole or dappled."""
    size = (blocks.shape[0] * BLOCK_SIDE, blocks.shape[1] * BLOCK_SIDE)
    first_x, stop_x, first_z, stop_z = _window(shape, origin, soft_u, size, TEXEL_U)
    along_u, across_u = shape[FIRST + 4], shape[FIRST + 5]
    sharp = min(along_u, across_u) / soft_u
    most = (1.0 + 0.5 / sharp) ** 2
    for ix in range(first_x, stop_x):
        dx = origin[0] + (ix + 0.5) * TEXEL_U - shape[FIRST]
        for iz in range(first_z, stop_z):
            dz = origin[1] + (iz + 0.5) * TEXEL_U - shape[FIRST + 1]
            along = (dx * shape[FIRST + 2] + dz * shape[FIRST + 3]) / along_u
            across = (dz * shape[FIRST + 2] - dx * shape[FIRST + 3]) / across_u
            away2 = along * along + across * across
            if away2 >= most:
                continue
            inside = 1.0 - math.sqrt(away2)
            cover = inside * sharp + 0.5
            if shape[DAPPLES] > 0.0:
                leaf = leaves[ix * GRAIN & MASK, iz * GRAIN & MASK]
                cover = (leaf + inside + 0.1) * LEAF_SHARPNESS
            _darken(texels, blocks, ix, iz, min(cover, 1.0) * shape[OPACITY])


@part
def _darken(
    texels: Image, blocks: Any, ix: int, iz: int, cover: float
) -> None:  # pragma: no cover - compiled
    """Take a share of the light that a texel still has."""
    block = blocks[ix >> BLOCK_BITS, iz >> BLOCK_BITS]
    if cover > 0.0 and block >= 0:
        at = ((ix & (BLOCK_SIDE - 1)) << BLOCK_BITS) + (iz & (BLOCK_SIDE - 1))
        dark = float(texels[block, at])
        texels[block, at] = int(dark + cover * (255.0 - dark) + 0.5)


@njit(cache=True)
def _finish_blocks(
    texels: Image, blocks: Any, darkness: float
) -> None:  # pragma: no cover - compiled
    """Make the blocks as dark as they should be, and their smaller levels; forget light ones."""
    columns, rows = blocks.shape
    for x in range(columns):
        for z in range(rows):
            block = blocks[x, z]
            if block < 0:
                continue
            darkest = 0
            for at in range(BLOCK_SIDE * BLOCK_SIDE):
                dark = int(texels[block, at] * darkness + 0.5)
                texels[block, at] = dark
                darkest = max(darkest, dark)
            if darkest == 0:
                blocks[x, z] = NO_SPAN
            else:
                _halve(texels[block])
    count_cells(blocks)
    count_cells(blocks[::-1, ::-1])


@part
def _halve(texels: Any) -> None:  # pragma: no cover - compiled
    """Make a block's smaller levels, each the mean of four texels."""
    start = 0
    side = BLOCK_SIDE
    while side > 1:
        into = start + side * side
        half = side // 2
        for x in range(half):
            for z in range(half):
                at = start + 2 * x * side + 2 * z
                near = int(texels[at]) + int(texels[at + 1])
                far = int(texels[at + side]) + int(texels[at + side + 1])
                texels[into + x * half + z] = (near + far + 2) // 4
        start = into
        side = half


@part
def _window(
    shape: Array, origin: Array, soft_u: float, size: Any, step_u: float
) -> Any:  # pragma: no cover - compiled
    """Returns the cells of ``step_u`` on which a shape may lie: first and stop along x, and z."""
    low_x, high_x = shape[FIRST], shape[FIRST]
    low_z, high_z = shape[FIRST + 1], shape[FIRST + 1]
    if shape[CORNERS] > 0.0:
        for k in range(1, MOST_CORNERS):
            low_x = min(low_x, shape[FIRST + 2 * k])
            high_x = max(high_x, shape[FIRST + 2 * k])
            low_z = min(low_z, shape[FIRST + 2 * k + 1])
            high_z = max(high_z, shape[FIRST + 2 * k + 1])
    reach = 0.5 * soft_u
    if shape[CORNERS] == 0.0:
        reach += max(shape[FIRST + 4], shape[FIRST + 5])
    return (
        _cell(low_x - reach - origin[0], step_u, size[0]),
        _cell(high_x + reach - origin[0] + step_u, step_u, size[0]),
        _cell(low_z - reach - origin[1], step_u, size[1]),
        _cell(high_z + reach - origin[1] + step_u, step_u, size[1]),
    )


@snippet
def _cell(place: float, step_u: float, count: int) -> Any:  # pragma: no cover - compiled
    """Returns the cell of a place, within 0 and ``count``."""
    return int(min(max(place / step_u, 0.0), float(count)))
