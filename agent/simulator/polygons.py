"""Flat polygons of four corners in a picture."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from agent.simulator.kernels import part, routine
from agent.simulator.lens import Optics
from agent.simulator.pixels import fill, pack
from agent.simulator.render_inputs import LensPose
from agent.simulator.typing import Array, Image

NEAR_U = 0.3  # the near plane of the prefab's camera


class Canvas(NamedTuple):
    """A picture and its lens, with room for one polygon."""

    out: Image
    pixels: Any  # its bytes, flat
    lens: Optics
    pose: LensPose
    tilt_sin: float  # of the slope along the view
    tilt_cos: float
    haze: Any  # colour that far things fade into
    corners: Array  # x, z and height in the world, (4, 3)
    projected: Array  # columns and rows in the picture, clipped at the near plane, (8, 2)
    ends: Array  # the polygon's left and right end in every row, (rows, 2)
    limit: Any  # last row that shows what is so far away, (1,); nearer ground hides the others
    words: Any  # room for the colours of one thing, packed, (64,)
    runs: Any  # room for what the rows of one thing draw, (rows, 4)


@part
def fill_face(
    canvas: Canvas, colour: Any, light: float, clear: float
) -> None:  # pragma: no cover - compiled
    """Fill the canvas's polygon as a face of a box.

    Every pixel that an opaque face touches is its own, so that the pieces of a wall leave no seam.

    :param canvas: with the face's corners
    :param colour: levels and opacity, (channels + 1,)
    :param light: brightness of the colour
    :param clear: share of the colour that haze leaves
    """
    if colour[len(canvas.haze)] == 1.0:
        _fill_whole(canvas, colour, light, clear)
    else:
        fill_in_part(canvas, colour, light, clear)


@routine
def _fill_whole(
    canvas: Canvas, colour: Any, light: float, clear: float
) -> None:  # pragma: no cover - compiled
    """Colour every pixel that the canvas's polygon touches."""
    first, last = find_ends(canvas)
    columns = canvas.out.shape[1]
    channels = len(canvas.haze)
    word = pack(colour, clear * light, canvas.haze, 1.0 - clear)
    pixels = canvas.pixels
    for row in range(first, last + 1):
        begin, end = columns_of(canvas, row)
        if begin <= end:
            fill(pixels, row * columns + begin, end - begin + 1, word, channels)


@routine
def fill_in_part(
    canvas: Canvas, colour: Any, light: float, clear: float
) -> None:  # pragma: no cover - compiled
    """Mix a colour into the canvas's polygon; pixels at its ends are covered in part.

    :param canvas: with the polygon's corners
    :param colour: levels and opacity, (channels + 1,)
    :param light: brightness of the colour
    :param clear: share of the colour that haze leaves
    """
    first, last = find_ends(canvas)
    columns = canvas.out.shape[1]
    channels = len(canvas.haze)
    haze = 1.0 - clear
    opacity = colour[channels]
    pixels = canvas.pixels
    for row in range(first, last + 1):
        left, right = canvas.ends[row, 0], canvas.ends[row, 1]
        begin, end = columns_of(canvas, row)
        for column in range(begin, end + 1):
            share = opacity * max(0.0, min(right, column + 0.5) - max(left, column - 0.5))
            for k in range(channels):
                at = (row * columns + column) * channels + k
                level = clear * light * colour[k] + haze * canvas.haze[k]
                pixels[at] = int(pixels[at] + share * (level - pixels[at]))


@part
def columns_of(canvas: Canvas, row: int) -> Any:  # pragma: no cover - compiled
    """Returns the polygon's first and last pixel of a row. A pixel is one column wide."""
    begin = max(math.floor(canvas.ends[row, 0] + 0.5), 0.0)
    end = min(math.floor(canvas.ends[row, 1] + 0.5), canvas.out.shape[1] - 1.0)
    return int(begin), int(end)


@routine
def find_ends(canvas: Canvas) -> Any:  # pragma: no cover - compiled
    """Write the left and right end of the polygon in every row that it touches.

    :return: the first and the last of these rows; the last is before the first where there is none
    """
    flat = canvas.projected
    ends = canvas.ends
    n = _project(canvas)
    rows = canvas.out.shape[0]
    columns = canvas.out.shape[1]
    left = 1e9
    right = -1e9
    above = 1e9
    below = -1e9
    for i in range(n):
        left, right = min(left, flat[i, 0]), max(right, flat[i, 0])
        above, below = min(above, flat[i, 1]), max(below, flat[i, 1])
    if n < 3 or right < -0.5 or left > columns - 0.5 or below < 0.0 or above > rows - 1.0:
        return 0, -1
    first = max(0, int(math.ceil(above)))
    last = min(canvas.limit[0], int(math.floor(below)))
    for row in range(first, last + 1):
        ends[row, 0] = 1e9
        ends[row, 1] = -1e9
    for i in range(n):
        _widen_rows(canvas, i, (i + 1) % n, first, last)
    return first, last


@part
def _widen_rows(
    canvas: Canvas, i: int, k: int, first: int, last: int
) -> None:  # pragma: no cover - compiled
    """Widen the rows from ``first`` to ``last`` to the polygon's side between corners i and k."""
    flat = canvas.projected
    ends = canvas.ends
    if flat[i, 1] > flat[k, 1]:
        i, k = k, i
    column, above, below = flat[i, 0], flat[i, 1], flat[k, 1]
    slope = (flat[k, 0] - column) / max(below - above, 1e-9)
    begin = max(int(math.ceil(max(above, 0.0))), first)
    end = min(int(math.ceil(min(below, len(ends) + 0.0))), last + 1)
    for row in range(begin, end):
        at = column + (row - above) * slope
        ends[row, 0] = min(ends[row, 0], at)
        ends[row, 1] = max(ends[row, 1], at)


@part
def _project(canvas: Canvas) -> int:  # pragma: no cover - compiled
    """Write the polygon's columns and rows, clipped at the near plane; returns how many corners."""
    n = 0
    right_before = down_before = depth_before = 0.0
    for i in range(5):
        right, down, depth = seen_from_lens(canvas, i % 4)
        if i > 0 and (depth_before >= NEAR_U) != (depth >= NEAR_U):
            share = (NEAR_U - depth_before) / (depth - depth_before)
            across = right_before + share * (right - right_before)
            drop = down_before + share * (down - down_before)
            _put_corner(canvas, n, across, drop, NEAR_U)
            n += 1
        if i < 4 and depth >= NEAR_U:
            _put_corner(canvas, n, right, down, depth)
            n += 1
        right_before, down_before, depth_before = right, down, depth
    return n


@part
def _put_corner(
    canvas: Canvas, n: int, right: float, down: float, depth: float
) -> None:  # pragma: no cover - compiled
    lens = canvas.lens
    canvas.projected[n, 0] = lens.middle_column + lens.focal_px * right / depth
    canvas.projected[n, 1] = lens.middle_row + lens.focal_px * down / depth


@part
def seen_from_lens(canvas: Canvas, i: int) -> Any:  # pragma: no cover - compiled
    """Returns how far a corner is right of, below and along the lens's axis, u."""
    lens = canvas.lens
    pose = canvas.pose
    corners = canvas.corners
    dx, dz = corners[i, 0] - pose.x, corners[i, 1] - pose.z
    up = corners[i, 2] - pose.height_u
    level = dx * pose.sin + dz * pose.cos
    right = dx * pose.cos - dz * pose.sin
    ahead = level * canvas.tilt_cos + up * canvas.tilt_sin
    up = up * canvas.tilt_cos - level * canvas.tilt_sin
    drop = lens.height_u - up * pose.roll_cos + right * pose.roll_sin
    right = right * pose.roll_cos + up * pose.roll_sin
    down = drop * lens.cos_pitch - ahead * lens.sin_pitch
    return right, down, ahead * lens.cos_pitch + drop * lens.sin_pitch
