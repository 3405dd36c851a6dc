"""Patches of a wall in a picture, each pair of pixels looked up where it lies on the wall."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from agent.simulator.kernels import part, routine
from agent.simulator.patches import BANDS, COLUMNS, MOST_COLOURS, Patches
from agent.simulator.pixels import blend_word, pack, put_pixel
from agent.simulator.polygons import Canvas, columns_of, find_ends, seen_from_lens

# Chosen: patches narrower than this, in pixels, show their mean; from so much wider on, themselves.
BLURRED_PX = 0.7
CLEARER_PX = 1.5


class Wall(NamedTuple):
    """A face seen from the lens: places on it are quotients of linear functions of the pixel.

    The numbers are for the ray to the lens's axis, then per column and per row.
    """

    along: tuple[float, float, float]  # patches from the face's first end
    up: tuple[float, float, float]
    over: tuple[float, float, float]  # by which both are divided
    along_0: float  # then taken off
    up_0: float


@routine
def draw_patches(
    canvas: Canvas, patches: Patches, wall: int, light: float, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw the canvas's polygon, a face of a box, as patches.

    :param canvas: with the face's corners: the first two at its foot, the last over the first
    :param patches: of all walls
    :param wall: which
    :param light: brightness of the colours
    :param clear: share of the colours that haze leaves
    """
    size = patches.sizes[wall]
    face = _face(canvas, size[0], size[1])
    _mix_words(canvas, patches, wall, light, clear, size[0])
    first, last = find_ends(canvas)
    which = patches.which[wall]
    words = canvas.words
    columns = canvas.out.shape[1]
    channels = len(canvas.haze)
    pixels = canvas.pixels
    lens = canvas.lens
    per_px = 1.0 / lens.focal_px
    for row in range(first, last + 1):
        begin, end = columns_of(canvas, row)
        down = (row - lens.middle_row) * per_px
        right = (begin + 0.5 - lens.middle_column) * per_px
        along = face.along[0] + face.along[1] * right + face.along[2] * down
        up = face.up[0] + face.up[1] * right + face.up[2] * down
        over = face.over[0] + face.over[1] * right + face.over[2] * down
        at = np.uint64((row * columns + begin) * channels)
        for column in range(begin, end + 1, 2):
            # A ray along the wall meets it nowhere.
            share = 1.0 / (over if abs(over) > 1e-9 else 1e-9)
            i = int(math.floor(along * share - face.along_0)) & (COLUMNS - 1)
            k = int(math.floor(up * share - face.up_0)) & (BANDS - 1)
            word = words[which[k, i]]
            put_pixel(pixels, at, channels, word)
            if column < end:
                put_pixel(pixels, at + np.uint64(channels), channels, word)
            at += np.uint64(2 * channels)
            along += 2.0 * per_px * face.along[1]
            up += 2.0 * per_px * face.up[1]
            over += 2.0 * per_px * face.over[1]


@part
def _mix_words(
    canvas: Canvas, patches: Patches, wall: int, light: float, clear: float, wide_u: float
) -> None:  # pragma: no cover - compiled
    """Pack a wall's colours; where its patches are small they come near their mean."""
    _, _, depth_1 = seen_from_lens(canvas, 0)
    _, _, depth_2 = seen_from_lens(canvas, 1)
    wide_px = canvas.lens.focal_px * wide_u / max(min(depth_1, depth_2), 1.0)
    own = min(max((wide_px - BLURRED_PX) / CLEARER_PX, 0.0), 1.0)
    mean = pack(patches.means[wall], clear * light, canvas.haze, 1.0 - clear)
    for k in range(MOST_COLOURS + 1):
        word = pack(patches.colours[wall, k], clear * light, canvas.haze, 1.0 - clear)
        canvas.words[k] = blend_word(mean, word, np.uint64(int(255.0 * own)))


@part
def _face(canvas: Canvas, wide_u: float, high_u: float) -> Wall:  # pragma: no cover - compiled
    """Returns the canvas's face as seen from the lens, in patches.

    A ray r meets the plane through p, spanned by a and u, at (p.n / r.n) r with n = a x u.
    """
    px, py, pz = seen_from_lens(canvas, 0)
    ax, ay, az = seen_from_lens(canvas, 1)
    ux, uy, uz = seen_from_lens(canvas, 3)
    ax, ay, az = ax - px, ay - py, az - pz
    ux, uy, uz = ux - px, uy - py, uz - pz
    nx = ay * uz - az * uy
    ny = az * ux - ax * uz
    nz = ax * uy - ay * ux
    away = px * nx + py * ny + pz * nz
    # One over a patch's size, once more over the vector's length.
    a = 1.0 / (wide_u * max(math.sqrt(ax * ax + ay * ay + az * az), 1e-9))
    u = 1.0 / (high_u * max(math.sqrt(ux * ux + uy * uy + uz * uz), 1e-9))
    return Wall(
        (away * az * a, away * ax * a, away * ay * a),
        (away * uz * u, away * ux * u, away * uy * u),
        (nz, nx, ny),
        (px * ax + py * ay + pz * az) * a,
        (px * ux + py * uy + pz * uz) * u,
    )
