"""Textures of the ground: noise at several scales, stripes, tiles with gaps and cracks.

A texture is a square of offsets from the colour of what it lies on, laid out in world coordinates
and repeated without a seam. Their mean is nothing, so far ground has the strip's own colour.
"""

from __future__ import annotations

import json
import math
import zlib
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.kernels import snippet
from agent.simulator.pixels import LUMA
from agent.simulator.typing import Array, Floats, Image

TEXELS_PER_U = 16
SIDE_BITS = 8
SIDE = 1 << SIDE_BITS  # texels; a power of two, for masks
SIDE_U = SIDE / TEXELS_PER_U
LEVELS = 6  # each has half as many texels a side as the one before
TEXELS = sum((SIDE >> level) ** 2 for level in range(LEVELS))
# Places of grain and textures in 16.16 fixed point: eight grains to the unit.
GRAINS_PER_U = 8 * 65536.0
TEXEL_SHIFT = 15  # of such a place: sixteen texels to the unit
PLAIN = 0  # of a strip that has no texture
CRACK_U = 6.0  # chosen: length of a crack, and how much it turns at a step
CRACK_TURN = 0.25

Numbers = tuple[float, ...]


class Textures(NamedTuple):
    """Textures as the kernels read them.

    ``texels`` (t, n) are packed colours, all levels one after the other, row 0 empty. ``of_strip``
    (k,) is each strip's row, ``PLAIN`` for none. ``base`` (t,) is a row's packed mean twice, for
    two pixels. ``shift_x`` and ``shift_z`` lead from the grid's frame to the world's, in fixed
    point.
    """

    used: bool
    texels: NDArray[np.uint32]
    of_strip: NDArray[np.uint8]
    base: NDArray[np.uint64]
    shift_x: int
    shift_z: int


class Coat(NamedTuple):
    """A texture on one colour, hashable: its key, the colour, and bounds of what may be seen."""

    key: str
    rgb: Numbers
    low: Numbers
    high: Numbers


def texture_key(texture: dict[str, Any]) -> str:
    """Returns a texture's description as text; equal ones look alike."""
    return json.dumps(texture, sort_keys=True)


@lru_cache(maxsize=64)
def texture_offsets(key: str) -> NDArray[np.int16]:
    """Returns a texture's offsets, (3, ``SIDE``, ``SIDE``) by x and z, grey levels, their mean 0.

    :param key: see ``texture_key``
    """
    texture = json.loads(key)
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    offsets = np.zeros((3, SIDE, SIDE), dtype=np.float32)
    for size_u, levels in texture.get("noise", []):
        offsets += _channels(levels) * seamless_noise(size_u, rng)
    for name, draw in (("stripes", _stripes), ("tiles", _tiles), ("cracks", _cracks)):
        if name in texture:
            draw(offsets, texture[name], rng)
    return np.rint(offsets - offsets.mean(axis=(1, 2), keepdims=True)).astype(np.int16)


@lru_cache(maxsize=16)  # a third of a megabyte for each coat
def coats_of(coats: tuple[Coat, ...], *, grey: bool) -> NDArray[np.uint32]:
    """Returns packed texels of coats, (1 + coats, ``TEXELS``), the first row empty.

    :param grey: one grey level a texel
    """
    packed = np.zeros((1 + len(coats), TEXELS), dtype=np.uint32)
    for k, coat in enumerate(coats):
        texels = coat_texels(coat)
        if grey:
            packed[k + 1] = texels[:, 3]
        else:
            packed[k + 1] = texels.view(np.uint32)[:, 0] & 0xFFFFFF
    return packed


@lru_cache(maxsize=32)
def coat_texels(coat: Coat) -> Image:
    """Returns a coat's colours and grey, all levels one after the other, (``TEXELS``, 4)."""
    texels = np.empty((TEXELS, 4), dtype=np.uint8)
    offsets = texture_offsets(coat.key).reshape(3, -1)
    _paint_texels(texels, offsets, np.array(coat.rgb), np.array(coat.low), np.array(coat.high))
    return texels


def coat_mean(coat: Coat) -> Array:
    """Returns a coat's mean colour, (3,)."""
    last = (SIDE >> (LEVELS - 1)) ** 2
    return np.asarray(coat_texels(coat)[-last:, :3].mean(axis=0))


@njit(cache=True)
def _paint_texels(
    texels: Image, offsets: Any, rgb: Array, low: Array, high: Array
) -> None:  # pragma: no cover - compiled
    """Fill all levels: the first with offset colours within bounds, the others with means.

    The fourth byte is grey.
    """
    for k in range(offsets.shape[1]):
        for c in range(3):
            level = min(max(rgb[c] + offsets[c, k], low[c]), high[c])
            texels[k, c] = int(level)
    start, side = 0, SIDE
    for _ in range(LEVELS - 1):
        into = start + side * side
        half = side // 2
        for x in range(half):
            for z in range(half):
                at = start + 2 * x * side + 2 * z
                for c in range(3):
                    near = int(texels[at, c]) + int(texels[at + 1, c])
                    far = int(texels[at + side, c]) + int(texels[at + side + 1, c])
                    texels[into + x * half + z, c] = (near + far + 2) // 4
        start, side = into, half
    for k in range(len(texels)):
        grey = LUMA[0] * texels[k, 0] + LUMA[1] * texels[k, 1] + LUMA[2] * texels[k, 2]
        texels[k, 3] = int(grey)


def _channels(levels: float | list[float]) -> Floats:
    """Returns levels of red, green and blue, given one for all or one for each, (3, 1, 1)."""
    return np.broadcast_to(np.array(levels, dtype=np.float32), 3)[:, None, None]


def seamless_noise(size_u: float | list[float], rng: np.random.Generator) -> Any:
    """Returns seamless noise whose peak is 1, (``SIDE``, ``SIDE``).

    :param size_u: of its grains, or their sizes along x and z
    """
    sizes = np.broadcast_to(np.array(size_u, dtype=float), 2)
    counts = [int(min(max(round(SIDE_U / size), 1), SIDE)) for size in sizes]
    grains = rng.uniform(-1.0, 1.0, counts).astype(np.float32)
    noise = _blended(grains)
    return noise * np.float32(1.0 / max(float(np.abs(noise).max()), 1e-6))


@njit(cache=True)
def _blended(grains: Any) -> Any:  # pragma: no cover - compiled
    """Returns grains of noise spread over a texture, (``SIDE``, ``SIDE``), without a seam."""
    columns, rows = grains.shape
    noise = np.empty((SIDE, SIDE), dtype=np.float32)
    for i in range(SIDE):
        x, x_share = _between(i, columns)
        for k in range(SIDE):
            z, z_share = _between(k, rows)
            left = grains[x, z] + z_share * (grains[x, (z + 1) % rows] - grains[x, z])
            x1 = (x + 1) % columns
            right = grains[x1, z] + z_share * (grains[x1, (z + 1) % rows] - grains[x1, z])
            noise[i, k] = left + x_share * (right - left)
    return noise


@snippet
def _between(texel: int, count: int) -> Any:  # pragma: no cover - compiled
    """Returns the grain before a texel, of ``count`` in a line, and the next one's share."""
    place = (texel + 0.5) * count / SIDE - 0.5
    first = math.floor(place)
    share = place - first
    return int(first) % count, share * share * (3.0 - 2.0 * share)


def _stripes(offsets: Floats, stripes: dict[str, Any], rng: np.random.Generator) -> None:
    """Add stripes; their direction and distance are the nearest that repeat without a seam."""
    every_u, width_u = stripes["every_u"], stripes["width_u"]
    yaw = math.radians(stripes.get("yaw_deg", 0.0))
    waves_x = round(SIDE_U / every_u * math.cos(yaw))
    waves_z = round(-SIDE_U / every_u * math.sin(yaw))
    if waves_x == 0 and waves_z == 0:
        waves_x = 1
    texel = (np.arange(SIDE) + 0.5) / SIDE
    phase = (waves_x * texel[:, None] + waves_z * texel[None, :]) % 1.0
    inside_u = np.minimum(phase * every_u, width_u - phase * every_u)
    share = np.clip(inside_u * TEXELS_PER_U + 0.5, 0.0, 1.0)
    offsets += _channels(stripes["levels"]) * share


def _tiles(offsets: Floats, tiles: dict[str, Any], rng: np.random.Generator) -> None:
    """Add square tiles, each lighter or darker than the next, some odd ones, and the gaps."""
    count = int(min(max(round(SIDE_U / tiles["side_u"]), 1), SIDE))
    place = (np.arange(SIDE) + 0.5) * count / SIDE
    tile = place.astype(int)
    levels = rng.uniform(-1.0, 1.0, (count, count)).astype(np.float32)
    offsets += _channels(tiles.get("levels", 0.0)) * levels[tile[:, None], tile[None, :]]
    if "odd_share" in tiles:
        odd: Any = np.zeros(count * count, dtype=np.float32)
        odd[rng.permutation(len(odd))[: round(tiles["odd_share"] * len(odd))]] = 1.0
        odd = odd.reshape(count, count)
        offsets += _channels(tiles.get("odd_levels", 0.0)) * odd[tile[:, None], tile[None, :]]
    half_gap = 0.5 * tiles.get("gap_u", 0.0) * TEXELS_PER_U
    away = np.minimum(place % 1.0, 1.0 - place % 1.0) * SIDE / count  # texels from the gap's middle
    open_ = np.clip(half_gap - away + 0.5, 0.0, 1.0) * (half_gap > 0.0)
    share = np.maximum(open_[:, None], open_[None, :])
    offsets += _channels(tiles.get("gap_levels", 0.0)) * share


def _cracks(offsets: Floats, cracks: dict[str, Any], rng: np.random.Generator) -> None:
    """Add cracks, lines a texel wide that wander."""
    count = round(cracks["per_100_u2"] * SIDE_U**2 / 100.0)
    steps = int(CRACK_U * TEXELS_PER_U)
    yaw = rng.uniform(0.0, 2.0 * math.pi, (count, 1))
    yaw = yaw + np.cumsum(rng.normal(0.0, CRACK_TURN, (count, steps)), axis=1)
    x = rng.uniform(0.0, SIDE, (count, 1)) + np.cumsum(np.sin(yaw), axis=1)
    z = rng.uniform(0.0, SIDE, (count, 1)) + np.cumsum(np.cos(yaw), axis=1)
    cracked = np.zeros((SIDE, SIDE), dtype=np.float32)
    cracked[x.astype(int) % SIDE, z.astype(int) % SIDE] = 1.0
    offsets += _channels(cracks["levels"]) * cracked
