"""Ceilings: a plane above with lamps and beams that repeat, in place of the sky."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.kernels import routine
from agent.simulator.pixels import (
    LUMA,
    blend_word,
    clear_share,
    pack,
    put_pixel,
    store_8_bytes,
)
from agent.simulator.tracks import Scene
from agent.simulator.typing import Array

SIDE = 64  # texels of the pattern, each way
SIZES = 7  # of the pattern, each half as large as the one before
TEXELS = 5461  # of all sizes
FAR_U = 300.0  # chosen: the ceiling is drawn as if no farther
FIXED = 65536.0
GRID = (1.0, 1.0)  # u of a pattern that has nothing in it
MOST_PERIODS = 4  # of the lamps, over which the beams may take to repeat


class Ceiling(NamedTuple):
    """A ceiling as the kernels read it.

    ``texels`` (n,) are words of two pixels, the largest size first, rows along x; none where there
    is no ceiling. ``height_u`` is over the ground, ``period_x`` and ``period_z`` are the pattern's.
    """

    texels: NDArray[np.uint64]
    height_u: float
    period_x: float
    period_z: float


def build_ceiling(scene: Scene, grey: bool) -> Ceiling:
    """Returns the ceiling of a scene."""
    ceiling = scene.ceiling
    if ceiling is None:
        return Ceiling(np.empty(0, dtype=np.uint64), 0.0, *GRID)
    lamps = ceiling.get("lamps")
    beams = ceiling.get("beams")
    period = _period(lamps, beams)
    x, z = [(np.arange(4 * SIDE) + 0.5) / (4 * SIDE) * each for each in period]
    pattern = np.tile(np.array(ceiling["rgb"], dtype=float), (4 * SIDE, 4 * SIDE, 1))
    if beams is not None:
        pattern[_beams(beams, period, x, z)] = beams["rgb"]
    if lamps is not None:
        size = _pair(lamps["size_u"])
        every = _pair(lamps["every_u"])
        lit = _near(x, every[0], size[0])[:, None] & _near(z, every[1], size[1])[None, :]
        pattern[lit] = lamps["rgb"]
    texels = []
    for k in range(SIZES):
        pattern = _shrunk(pattern, SIDE >> k)
        texels.append(_packed(pattern, grey))
    return Ceiling(np.concatenate(texels), float(ceiling["height_u"]), *period)


def _pair(value: Any) -> tuple[float, float]:
    if isinstance(value, list):
        return float(value[0]), float(value[1])
    return float(value), float(value)


def _period(lamps: Any, beams: Any) -> tuple[float, float]:
    """Returns the least lengths, along x and z, over which lamps and beams both repeat, nearly."""
    if lamps is None:
        return GRID if beams is None else _pair(beams["every_u"])
    period = _pair(lamps["every_u"])
    if beams is None:
        return period
    both = []
    for lamp_u, beam_u in zip(period, _pair(beams["every_u"]), strict=True):
        counts = np.arange(1, MOST_PERIODS + 1)
        beams_in = np.maximum(np.rint(counts * lamp_u / beam_u), 1.0)
        wrong = np.abs(counts * lamp_u / beams_in / beam_u - 1.0)
        both.append(lamp_u * int(counts[np.argmin(wrong)]))
    return both[0], both[1]


def _beams(beams: dict[str, Any], period: tuple[float, float], x: Array, z: Array) -> Any:
    """Returns where beams are.

    They run the way they are turned, along z or along x; where two distances are given, both ways.
    """
    width_u = float(beams.get("width_u", _pair(beams.get("size_u", 1.0))[0]))
    every = _pair(beams["every_u"])
    across_x = _near(x, _whole_share(period[0], every[0]), width_u)[:, None]
    across_z = _near(z, _whole_share(period[1], every[1]), width_u)[None, :]
    if isinstance(beams["every_u"], list):
        return across_x | across_z
    along_x = abs(math.sin(math.radians(beams.get("yaw_deg", 0.0)))) > 0.7
    shape = (len(x), len(z))
    return np.broadcast_to(across_z if along_x else across_x, shape)


def _whole_share(period_u: float, every_u: float) -> float:
    """Returns the distance nearest to one that fits a whole number of times."""
    return period_u / max(round(period_u / every_u), 1)


def _near(place: Array, every_u: float, size_u: float) -> Any:
    """Returns which places are within half a size of a multiple of a distance."""
    return np.abs((place + 0.5 * every_u) % every_u - 0.5 * every_u) <= 0.5 * size_u


def _shrunk(pattern: Array, side: int) -> Array:
    """Returns means of squares of a pattern, so that it has so many a side, a power of two."""
    while len(pattern) > side:
        rows = pattern[::2] + pattern[1::2]
        pattern = 0.25 * (rows[:, ::2] + rows[:, 1::2])
    return pattern


def _packed(texels: Array, grey: bool) -> NDArray[np.uint64]:
    """Returns texels (n, n, 3) as words of two pixels, in a row; grey ones of eight."""
    if grey:
        return np.asarray((texels @ LUMA).astype(np.uint64) * np.uint64(0x0101010101010101)).ravel()
    red, green, blue = np.moveaxis(texels.astype(np.uint64), -1, 0)
    one = red | green << np.uint64(8) | blue << np.uint64(16)
    return np.asarray(one | one << np.uint64(24)).ravel()


@routine
def draw_ceiling(
    flat: Any, inputs: Any, pose: Any, top: int, width: int
) -> None:  # pragma: no cover - compiled
    """Draw the ceiling over the sky, row by row.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param top: the first row of the land
    :param width: pixels in a row
    """
    ceiling = inputs.ceiling
    lens = inputs.lens
    channels = len(inputs.haze)
    mist = pack(inputs.haze, 1.0, inputs.haze, 0.0)
    texel_u = math.sqrt(ceiling.period_x * ceiling.period_z) / SIDE
    rise_u = max(ceiling.height_u - lens.height_u, 0.05)
    for row in range(top):
        v = (row - lens.middle_row) / lens.focal_px
        depth = min(rise_u / max(-v * lens.cos_pitch - lens.sin_pitch, 1e-6), FAR_U)
        forward = depth * (lens.cos_pitch - v * lens.sin_pitch)
        across = depth / lens.focal_px
        along = max(depth * depth / (rise_u * lens.focal_px), across)
        finer = math.log2(max(math.sqrt(across * along) / texel_u, 1.0))
        size = min(int(finer + 0.5), SIZES - 1)
        side = SIDE >> size
        mask = np.uint64(side - 1)
        first = np.uint64((4 * SIDE * SIDE - 4 * side * side) // 3)
        left_x = pose.x + forward * pose.sin - lens.middle_column * across * pose.cos
        left_z = pose.z + forward * pose.cos + lens.middle_column * across * pose.sin
        # Places in texels, in fixed point, kept positive.
        x = int((left_x / ceiling.period_x + 4096.0) * side * FIXED)
        z = int((left_z / ceiling.period_z + 4096.0) * side * FIXED)
        step_x = int(across * pose.cos / ceiling.period_x * side * FIXED)
        step_z = int(-across * pose.sin / ceiling.period_z * side * FIXED)
        misty = np.uint64(int(255.0 * (1.0 - clear_share(forward, inputs.fog)) + 0.5))
        at = np.uint64(row * width * channels)
        for column in range(0, width, 2):
            place = (np.uint64(x >> 16) & mask) * np.uint64(side) + (np.uint64(z >> 16) & mask)
            word = blend_word(ceiling.texels[first + place], mist, misty)
            if column + 8 <= width:
                store_8_bytes(flat, at, word)
            else:
                put_pixel(flat, at, channels, word)
                if column + 1 < width:
                    put_pixel(flat, at + np.uint64(channels), channels, word)
            at += np.uint64(2 * channels)
            x += 2 * step_x
            z += 2 * step_z
