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
    texels: NDArray[np.uint32] | Image
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
def coats_of(coats: tuple[Coat, ...], *, grey: bool) -> NDArray[np.uint32] | Image:
    """Returns packed texels of coats, (1 + coats, ``TEXELS``), the first row empty.

    :param grey: one grey level a texel, in a byte
    """
    packed: NDArray[np.uint32] | Image
    if grey:
        packed = np.zeros((1 + len(coats), TEXELS), dtype=np.uint8)
        for k, coat in enumerate(coats):
            packed[k + 1] = coat_texels(coat)[3]
        return packed
    packed = np.zeros((1 + len(coats), TEXELS), dtype=np.uint32)
    for k, coat in enumerate(coats):
        red, green, blue, _ = coat_texels(coat).astype(np.uint32)
        packed[k + 1] = red | green << 8 | blue << 16
    return packed


@lru_cache(maxsize=32)
def coat_texels(coat: Coat) -> Image:
    """Returns a coat's red, green, blue and grey, all levels one after the other, (4, ``TEXELS``).

    The first level are offset colours within bounds, the others means.
    """
    texels = np.empty((4, TEXELS), dtype=np.uint8)
    offsets = texture_offsets(coat.key).reshape(3, -1)
    for c in range(3):
        _paint_texels(texels[c], offsets[c], int(coat.rgb[c]), int(coat.low[c]), int(coat.high[c]))
    _grey_texels(texels)
    return texels


def coat_mean(coat: Coat) -> Array:
    """Returns a coat's mean colour, (3,)."""
    last = (SIDE >> (LEVELS - 1)) ** 2
    return np.asarray(coat_texels(coat)[:3, -last:].mean(axis=1))


@njit(cache=True)
def _paint_texels(
    texels: Image, offsets: Any, level: int, low: int, high: int
) -> None:  # pragma: no cover - compiled
    """Fill all levels of one channel.

    :param texels: of the channel
    :param offsets: of the first level
    :param level: on which they lie, grey levels
    :param low: least that may be seen, ``high`` most
    """
    base, least, most = np.int16(level), np.int16(low), np.int16(high)
    for k in range(len(offsets)):
        texels[k] = min(max(np.int16(base + offsets[k]), least), most)
    start, side = 0, SIDE
    for _ in range(LEVELS - 1):
        into = start + side * side
        half = side // 2
        for x in range(half):
            row = texels[start + 2 * x * side :]
            means = texels[into + x * half :]
            for z in range(half):
                near = np.int16(row[2 * z]) + np.int16(row[2 * z + 1])
                far = np.int16(row[side + 2 * z]) + np.int16(row[side + 2 * z + 1])
                means[z] = (near + far + 2) >> 2
        start, side = into, half


@njit(cache=True)
def _grey_texels(texels: Image) -> None:  # pragma: no cover - compiled
    """Fill in the fourth channel."""
    red, green, blue, grey = texels[0], texels[1], texels[2], texels[3]
    for k in range(TEXELS):
        grey[k] = int(LUMA[0] * red[k] + LUMA[1] * green[k] + LUMA[2] * blue[k])


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
        raised = odd.reshape(count, count)[tile[:, None], tile[None, :]]
        offsets += _channels(tiles.get("odd_levels", 0.0)) * raised
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
