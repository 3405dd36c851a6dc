"""Cut-outs and posts in a picture: row by row, near ones texel by texel, small ones as a run."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.cutouts import HALF_WIDTH, HEIGHT, MASK, TONE_ROW
from agent.simulator.kernels import part, routine
from agent.simulator.obstacles import BASE, X, Z
from agent.simulator.pixels import (
    blend_pixel,
    blend_run,
    load_8_bytes,
    mix_8_bytes,
    pack,
    store_8_bytes,
)
from agent.simulator.polygons import NEAR_U, Canvas
from agent.simulator.silhouettes import (
    ENDS_FIRST,
    FIRSTS,
    ROW_FIRSTS,
    SIDES,
    STRIP,
    STRIP_FIRST,
    TONES,
)
from agent.simulator.typing import Array

# Chosen: what is lower or narrower, in pixels, is drawn as a run with its mean opacity.
SMALL_ROWS = 7.0
SMALL_COLUMNS = 4.0
FIXED = 65536.0  # fixed point: texels in 48.16
WHOLE = np.uint64(16)  # bits of their fraction
# Of a row's run: its first column, the one after the last, its first texel and a column's step.
BEGIN, END, TEXEL, STEP = range(4)
SIX = np.uint64(6)
AHEAD = 20  # bytes before the picture's end, as far as the loop over pairs may read
ONE_PIXEL = np.uint64(0x0000000000FFFFFF)
OTHER_PIXEL = np.uint64(0x0000FFFFFF000000)
ONE_OPACITY = np.uint64(0x0000000000010101)  # times an opacity: of each byte of a pixel
OTHER_OPACITY = np.uint64(0x0000010101000000)


class Standing(NamedTuple):
    """A flat upright rectangle that faces the camera, as rows of the picture cut it.

    On the row that looks v below the lens's axis it is seen at ``scale_0 - scale_v v`` pixels per
    u, and at the height (``low_0 - low_v v``) / (``cos`` - ``sin`` v) over its foot.
    """

    middle: float  # column of the lens's axis
    right_u: float
    scale_0: float
    scale_v: float
    low_0: float
    low_v: float
    cos: float  # of the lens's pitch over the ground
    sin: float
    top: float  # rows of its ends
    foot: float
    wide: float  # columns at its foot


@routine
def draw_upright(
    canvas: Canvas, upright: Array, masks: Any, tones: Any, turned: int, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw a cut-out or a post.

    :param canvas: picture and lens
    :param upright: a row of ``Uprights.places``
    :param masks: silhouettes, see ``Uprights``
    :param tones: levels of each tone, (k, ``TONES``, channels)
    :param turned: lighting under which it is seen, see ``silhouettes``
    :param clear: share of a colour that haze leaves
    """
    stand = _stand(canvas, upright)
    first = int(math.ceil(max(stand.top - 0.5, 0.0)))
    last = int(math.floor(min(stand.foot + 0.5, float(canvas.limit[0]))))
    if stand.scale_0 == 0.0 or last < first:
        return
    shades = tones[int(upright[TONE_ROW])]
    mask = int(upright[MASK])
    tall = stand.foot - stand.top
    if mask < 0:
        word = pack(shades[0], clear, canvas.haze, 1.0 - clear)
        for row in range(first, last + 1):
            _mix_run(canvas, stand, upright, row, word, 1.0)
    elif tall < SMALL_ROWS or stand.wide < SMALL_COLUMNS:
        _draw_small(canvas, stand, upright, masks[mask + turned], shades, clear)
    else:
        _draw_texels(canvas, stand, upright, masks[mask + turned], shades, clear)


@part
def _stand(canvas: Canvas, upright: Array) -> Standing:  # pragma: no cover - compiled
    """Returns how rows cut an upright; ``scale_0`` is 0 where it is not before the lens."""
    lens = canvas.lens
    pose = canvas.pose
    dx = upright[X] - pose.x
    dz = upright[Z] - pose.z
    up = upright[BASE] - pose.height_u
    level = dx * pose.sin + dz * pose.cos
    right = dx * pose.cos - dz * pose.sin
    ahead = level * canvas.tilt_cos + up * canvas.tilt_sin
    up = up * canvas.tilt_cos - level * canvas.tilt_sin
    drop = lens.height_u - up * pose.roll_cos + right * pose.roll_sin
    down = drop * lens.cos_pitch - ahead * lens.sin_pitch
    depth = ahead * lens.cos_pitch + drop * lens.sin_pitch
    cos = lens.cos_pitch * canvas.tilt_cos + lens.sin_pitch * canvas.tilt_sin
    sin = lens.sin_pitch * canvas.tilt_cos - lens.cos_pitch * canvas.tilt_sin
    away = depth * cos - down * sin
    scale = 0.0
    if depth > NEAR_U and away > NEAR_U:
        scale = lens.focal_px / away
    top_depth = depth - upright[HEIGHT] * sin
    top = -1e9
    if top_depth > 0.05:
        top = lens.middle_row + lens.focal_px * (down - upright[HEIGHT] * cos) / top_depth
    return Standing(
        lens.middle_column,
        right * pose.roll_cos + up * pose.roll_sin,
        scale * cos,
        scale * sin,
        down,
        depth,
        cos,
        sin,
        top,
        lens.middle_row + lens.focal_px * down / max(depth, NEAR_U),
        2.0 * upright[HALF_WIDTH] * lens.focal_px / max(depth, NEAR_U),
    )


@part
def _draw_small(
    canvas: Canvas, stand: Standing, upright: Array, mask: Any, shades: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw each row of a small silhouette as a run, with the mean opacity of that height."""
    tall = max(stand.foot - stand.top, 1e-6)
    first = max(int(math.ceil(stand.top - 0.5)), 0)
    last = min(int(math.floor(stand.foot + 0.5)), canvas.limit[0])
    for row in range(first, last + 1):
        # The mean of the texels that the row covers.
        begin = STRIP * max(row - 0.5 - stand.top, 0.0) / tall
        end = STRIP * min(row + 0.5 - stand.top, tall) / tall
        opacity = 0.0
        heaviest = 0.0
        tone = 0
        for k in range(min(int(begin), STRIP - 1), min(int(math.ceil(end)), STRIP)):
            texel = mask[STRIP_FIRST + k]
            weight = max(min(end, k + 1.0) - max(begin, float(k)), 0.0) * (texel >> 8)
            opacity += weight
            if weight > heaviest:
                heaviest = weight
                tone = texel & 255
        opacity /= 255.0 * max(end - begin, 1e-6)
        if opacity > 0.0:
            word = pack(shades[tone], clear, canvas.haze, 1.0 - clear)
            _mix_run(canvas, stand, upright, row, word, opacity)


@part
def _mix_run(
    canvas: Canvas,
    stand: Standing,
    upright: Array,
    row: int,
    word: Any,
    opacity: float,
) -> None:  # pragma: no cover - compiled
    """Mix a colour into one row of an upright; pixels at its ends are covered in part."""
    v = (row - canvas.lens.middle_row) / canvas.lens.focal_px
    scale = stand.scale_0 - stand.scale_v * v
    left = stand.middle + (stand.right_u - upright[HALF_WIDTH]) * scale
    right = stand.middle + (stand.right_u + upright[HALF_WIDTH]) * scale
    columns = canvas.out.shape[1]
    pixels = canvas.pixels
    opacity *= min(row + 0.5, stand.foot) - max(row - 0.5, stand.top)
    blend_run(pixels, row * columns, columns, left, right, len(canvas.haze), word, opacity)


@part
def _draw_texels(
    canvas: Canvas, stand: Standing, upright: Array, mask: Any, shades: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw a silhouette from the size that has about a texel for each pixel."""
    tall = stand.foot - stand.top
    finer = math.log2(SIDES[0] / math.sqrt(tall * stand.wide))
    size = int(min(max(finer + 0.5, 0.0), 3.0))
    for k in range(TONES):
        canvas.words[k] = pack(shades[k], clear, canvas.haze, 1.0 - clear)
    first = max(int(math.ceil(stand.top)), 0)
    last = min(int(math.floor(stand.foot)), canvas.limit[0])
    # All runs first: each takes a chain of divisions, and many chains go on side by side.
    _find_runs(canvas, stand, upright, mask, size, first, last)
    for row in range(first, last + 1):
        _draw_run(canvas, row, mask)


@part
def _find_runs(
    canvas: Canvas, stand: Standing, upright: Array, mask: Any, size: int, first: int, last: int
) -> None:  # pragma: no cover - compiled
    """Write which columns a silhouette covers in each row, and the texels that they look at.

    :param size: of the silhouette
    :param first: row, ``last`` of them
    """
    side = SIDES[size]
    runs = canvas.runs
    width = float(canvas.out.shape[1])
    per_px = 1.0 / canvas.lens.focal_px
    per_u = 1.0 / upright[HEIGHT]
    per_side = 1.0 / side
    for row in range(first, last + 1):
        v = (row - canvas.lens.middle_row) * per_px
        scale = stand.scale_0 - stand.scale_v * v
        low_u = (stand.low_0 - stand.low_v * v) / (stand.cos - stand.sin * v)
        texel_row = min(max(int(side * (1.0 - low_u * per_u)), 0), side - 1)
        half = upright[HALF_WIDTH] * scale
        left = stand.middle + stand.right_u * scale - half
        per_column = side / (2.0 * half)
        texel_px = 2.0 * half * per_side
        # Columns before and after those that the silhouette covers anywhere on this row.
        ends = ENDS_FIRST + 2 * (ROW_FIRSTS[size] + texel_row)
        begin = int(math.ceil(max(left + mask[ends] * texel_px, 0.0)))
        runs[row, BEGIN] = begin
        runs[row, END] = int(math.ceil(min(left + mask[ends + 1] * texel_px, width)))
        within = int(max((begin - left) * per_column, 0.0) * FIXED)
        runs[row, TEXEL] = within + ((FIRSTS[size] + texel_row * side) << 16)
        runs[row, STEP] = int(per_column * FIXED)


@part
def _draw_run(canvas: Canvas, row: int, mask: Any) -> None:  # pragma: no cover - compiled
    """Draw one row of a silhouette from texels, two pixels at a time."""
    runs = canvas.runs
    words = canvas.words
    column = runs[row, BEGIN]
    end = runs[row, END]
    texel = np.uint64(runs[row, TEXEL])
    step = np.uint64(runs[row, STEP])
    channels = len(canvas.haze)
    pixels = canvas.pixels
    columns = canvas.out.shape[1]
    at = np.uint64((row * columns + column) * channels)
    if channels == 3:
        last = min(end, (pixels.size - AHEAD) // 3 - row * columns)
        under = load_8_bytes(pixels, at) if column < last else np.uint64(0)
        while column < last:
            left = mask[texel >> WHOLE]
            texel += step
            right = mask[texel >> WHOLE]
            texel += step
            # Read before the store, whose last bytes it would have to wait for.
            ahead = load_8_bytes(pixels, at + SIX)
            over = words[np.uint64(left & 15)] & ONE_PIXEL
            over |= words[np.uint64(right & 15)] & OTHER_PIXEL
            opacity = np.uint64(left >> 8) * ONE_OPACITY
            if column + 1 < end:
                opacity |= np.uint64(right >> 8) * OTHER_OPACITY
            store_8_bytes(pixels, at, mix_8_bytes(under, over, opacity))
            under = ahead
            at += SIX
            column += 2
    while column < end:
        word = words[np.uint64(mask[texel >> WHOLE] & 15)]
        blend_pixel(pixels, at, channels, word, np.uint64(mask[texel >> WHOLE] >> 8))
        texel += step
        at += np.uint64(channels)
        column += 1
