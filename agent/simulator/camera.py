"""The camera: frames of road, lines, ground, sky and start line, in colour or grey; ``obstacles`` draws over them.

A row of pixels is a straight line over the ground. ``Ground`` names the span of the centre line nearest to its
first point, or two where roads meet; as long as the row stays beside the span of the nearer middle, the place on the
road's cross-section is linear in the column, so the row is drawn in runs of one colour. A pixel whose shadow lies on
two colours gets their mean, two look-ups in the cross-section's running integral. That filter is exact at any distance,
so far lines fade instead of flickering.

Hills: the ground ahead is taken to rise and fall with the track, height depending on the distance ahead alone.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator import vehicle
from agent.simulator.ground import (
    CELL_U,
    ROAD_REACH_U,
    STRIP_HALF_U,
    STRIP_STEP_U,
    Ground,
    Paint,
    form,
)
from agent.simulator.lens import Lens
from agent.simulator.obstacles import Obstacles, draw
from agent.simulator.pixels import pack, store_8_bytes
from agent.simulator.tracks import Track

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

FAR_U = 300.0
WIDEST_SHADOW_U = (
    STRIP_HALF_U - ROAD_REACH_U - 2.0
)  # of a pixel, to either side: its look-ups stay in the table
NEAREST_PLACE_U = (
    WIDEST_SHADOW_U + 1.5
)  # to the table's ends; a run in a cell goes no farther than its diagonal
SAME_SHADOW = 8  # columns over which a pixel's shadow is taken to be as wide
GRAIN_MASK = np.uint64(63)
ONE, TWO = np.uint64(1), np.uint64(2)
GRAIN_SHIFT = 4096.0  # keeps places off the grid positive
HILL_SAMPLES = 48
HILLY_U = 0.2  # a track that rises less is level
HILL_NEAR_U, HILL_FAR_U = (
    80.0,
    160.0,
)  # between these the land beside the road levels out to the car's own height


class RenderInputs(NamedTuple):
    """All that ``render`` reads: one place in one look through one lens. Colours are (n, 3), or (n, 1) for grey."""

    lens: Array
    hilly: bool
    arc_u: Array
    height_u: Array
    length_u: float
    origin: Array
    cells: NDArray[np.int16]
    pairs: NDArray[np.int16]
    middle_u: float
    spans: Array
    integral: Floats
    strips: NDArray[np.uint8]
    edges: Array
    palette: Floats
    haze: Floats
    sky: Image
    grain: NDArray[np.uint64]
    grain_mean: np.uint64
    start_line: Array
    pillars: Array
    boxes: Array
    obstacle_colours: Array


def render_inputs(
    track: Track, ground: Ground, paint: Paint, obstacles: Obstacles, lens: Lens, grey: bool
) -> RenderInputs:
    """What ``render`` reads of these."""
    colours = paint.grey if grey else paint.rgb
    return RenderInputs(
        lens.values, bool(np.ptp(track.height_u) > HILLY_U), track.arc_u, track.height_u, track.length_u,
        ground.origin, ground.cells, ground.pairs, ground.middle_u, ground.spans, colours.integral, paint.strips,
        paint.edges, colours.palette, colours.haze, colours.sky_for(lens), paint.grey_grain if grey else paint.grain,
        paint.grain_mean, paint.start_line, obstacles.pillars, obstacles.boxes, obstacles.grey if grey else obstacles.rgba,
    )  # fmt: skip


@njit(cache=True)
def render(
    out: Image, seen: RenderInputs, car: Array, height_u: float, uphill: float, arc: float
) -> None:  # pragma: no cover - compiled
    """Draw what a car sees into ``out``: (rows, columns, 3), or (rows, columns) where ``seen`` is grey.

    :param car: its state, see ``vehicle``
    :param height_u: of the ground under it; ``uphill`` its slope along the heading, ``arc`` its place on the track
    """
    lens = seen.lens
    x, z, yaw = car[vehicle.X], car[vehicle.Z], car[vehicle.YAW]
    sin, cos = math.sin(yaw), math.cos(yaw)
    x, z, yaw = x + lens[6] * sin + lens[7] * cos, z + lens[6] * cos - lens[7] * sin, yaw + lens[8]
    if seen.hilly:
        hills = hills_ahead(arc, height_u, uphill, seen.arc_u, seen.height_u, seen.length_u)
    else:
        hills, uphill = np.empty((0, 2)), 0.0
    _draw_ground(
        out, lens, x, z, yaw, hills, seen.origin, seen.cells, seen.pairs, seen.middle_u, seen.spans, seen.integral,
        seen.strips, seen.edges, seen.palette, seen.haze, seen.sky, seen.grain, seen.grain_mean, seen.start_line,
    )  # fmt: skip
    if len(seen.pillars) + len(seen.boxes) > 0:
        draw(
            out,
            lens,
            x,
            z,
            yaw,
            height_u,
            uphill,
            seen.pillars,
            seen.boxes,
            seen.obstacle_colours,
            seen.haze,
        )


@njit(cache=True)
def hills_ahead(
    arc: float, height_u: float, uphill: float, arc_u: Array, heights: Array, length_u: float
) -> Array:  # pragma: no cover - compiled
    """Ground profile ahead on the track in the car's tilted frame, (HILL_SAMPLES, 2): distance ahead, height; u."""
    profile = np.empty((HILL_SAMPLES, 2))
    tilt = math.atan(uphill)
    cos, sin = math.cos(tilt), math.sin(tilt)
    n = len(arc_u)
    ahead = 0.5
    ratio = (FAR_U / 0.5) ** (1.0 / (HILL_SAMPLES - 1))
    for k in range(HILL_SAMPLES):
        place = (arc + ahead) % length_u
        i = np.searchsorted(arc_u, place, side="right") - 1
        end = arc_u[i + 1] if i + 1 < n else length_u
        share = (place - arc_u[i]) / max(end - arc_u[i], 1e-9)
        height = heights[i] + share * (heights[(i + 1) % n] - heights[i]) - height_u
        height *= min(max((HILL_FAR_U - ahead) / (HILL_FAR_U - HILL_NEAR_U), 0.0), 1.0)
        profile[k, 0] = ahead * cos + height * sin
        profile[k, 1] = height * cos - ahead * sin
        ahead *= ratio
    return profile


@njit(cache=True, error_model="numpy")
def _row_distances(hills: Array, lens: Array, rows: int) -> Array:  # pragma: no cover - compiled
    """Depth along each row's ray in focal units at which it meets the ground, (rows,); 0 for sky.

    On level ground a row v = (row - middle)/focal below the axis falls v cos(pitch) + sin(pitch) per unit of depth, so
    it meets the ground at the lens height over that. On hills the ground's profile is swept from near to far
    and every row keeps the first point that covers it.
    """
    depth = np.zeros(rows)
    focal, middle, cos, sin, lens_height = lens[0], lens[1], lens[3], lens[4], lens[5]
    if len(hills) == 0:
        for row in range(rows):
            fall = (row - middle) / focal * cos + sin
            if fall > lens_height / FAR_U:
                depth[row] = lens_height / fall
        return depth
    lowest = float(rows)
    previous_depth, previous_row = 0.0, float(rows) + 20.0
    for k in range(len(hills)):
        ahead, below = hills[k, 0], lens_height - hills[k, 1]
        z = ahead * cos + below * sin
        y = below * cos - ahead * sin
        if z <= 0.05:
            continue
        at = middle + focal * y / z
        if at < lowest:
            first = max(0, int(math.ceil(at)))
            for row in range(first, min(rows, int(math.ceil(lowest)))):
                # Between two samples the inverse depth is linear in the row.
                share = (previous_row - row) / max(previous_row - at, 1e-9)
                inverse = (1 - share) / max(previous_depth, 0.3) + share / z
                depth[row] = 1.0 / inverse
            lowest = at
        previous_depth, previous_row = z, at
    return depth


@njit(cache=True, inline="always")
def _columns_until(
    here: float, per_column: float, low: float, high: float
) -> Any:  # pragma: no cover - compiled
    """How many columns a value that grows by ``per_column`` stays between two bounds."""
    room = high - here if per_column > 0.0 else here - low
    return min(max(room / max(abs(per_column), 1e-9), 0.0), 1e6)


@njit(cache=True, inline="always")
def _columns_within(
    first: float, per_column: float, low: float, high: float, begin: int, end: int
) -> Any:  # pragma: no cover - compiled
    """The columns from ``begin`` to before ``end`` in which a value lies between two bounds."""
    step = per_column if abs(per_column) > 1e-9 else 1e-9
    one, other = (low - first) / step, (high - first) / step
    near, far = min(max(min(one, other), -1.0), 1e6), min(max(max(one, other), -1.0), 1e6)
    return max(begin, int(math.ceil(near))), min(end, int(math.floor(far)) + 1)


@njit(cache=True, inline="always")
def _beside(spans: Array, i: Any, px: float, pz: float) -> Any:  # pragma: no cover - compiled
    """The span that a point is beside: a cell's is its centre's, past an end the neighbour's or the one's after."""
    n = len(spans)
    for _ in range(3):
        if form(spans, np.uint64(i), 3, px, pz) < 0.0:
            i = i - 1 if i > 0 else n - 1
        elif form(spans, np.uint64(i), 6, px, pz) >= 0.0:
            i = i + 1 if i < n - 1 else 0
        else:
            break
    return np.uint64(i)


@njit(cache=True, error_model="numpy")
def _nearer(
    spans: Array,
    one: Any,
    other: Any,
    middle_u: float,
    px: float,
    pz: float,
    step_x: float,
    step_z: float,
) -> Any:  # pragma: no cover - compiled
    """Which of two spans' middle is nearer to a point, and how many columns it stays so."""
    here, there = form(spans, one, 0, px, pz) - middle_u, form(spans, other, 0, px, pz) - middle_u
    here_grows = spans[one, 0] * step_x + spans[one, 1] * step_z
    there_grows = spans[other, 0] * step_x + spans[other, 1] * step_z
    stay = 1e6
    for columns in (
        (there - here) / (here_grows - there_grows),
        -(here + there) / (here_grows + there_grows),
    ):
        if 0.0 < columns < stay:
            stay = columns
    return (one if abs(here) <= abs(there) else other), stay


@njit(cache=True, inline="always")
def _fill(
    flat: Any, pixel: int, run: int, word: Any, channels: int, grainy: bool, grain: Any, grain_mean: Any,
    grain_x: int, grain_z: int, grain_step_x: int, grain_step_z: int,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Write ``run`` pixels of one colour from ``pixel`` on, with grain where it is asked for.

    Two pixels go in one store of eight bytes, or eight grey ones. What it spills to the right is written over by what
    comes there next; the picture's last pixels go byte by byte.
    """
    at, stop = np.uint64(pixel * channels), np.uint64((pixel + run) * channels)
    safe = np.uint64(min(stop, max(flat.size - 8, 0)))
    pixels = 2 if channels == 3 else 8
    stride = np.uint64(pixels * channels)
    if grainy:
        word -= grain_mean
        while at < safe:
            grown = grain[
                np.uint64(grain_x >> 16) & GRAIN_MASK, np.uint64(grain_z >> 16) & GRAIN_MASK
            ]
            store_8_bytes(flat, at, word + grown)
            grain_x += pixels * grain_step_x
            grain_z += pixels * grain_step_z
            at += stride
    else:
        while at < safe:
            store_8_bytes(flat, at, word)
            at += stride
    for byte in range(at, stop):
        flat[byte] = np.uint8(word >> np.uint64(8 * (byte - at) % 24))


@njit(cache=True, fastmath=True, error_model="numpy")
def _draw_ground(
    out: Image, lens: Array, lens_x: float, lens_z: float, yaw: float, hills: Array, origin: Array, cells: Any,
    pairs: Any, middle_u: float, spans: Array, integral: Floats, strips: Any, edges: Array, palette: Floats,
    haze_colour: Floats, sky: Image, grain: Any, grain_mean: Any, start_line: Array,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    height, width, channels = out.shape[0], out.shape[1], palette.shape[1]
    focal, middle, cos_pitch, sin_pitch = lens[0], lens[1], lens[3], lens[4]
    ahead_x, ahead_z = math.sin(yaw), math.cos(yaw)
    right_x, right_z = ahead_z, -ahead_x
    fan = 1.0 / (focal * cos_pitch)
    flat = out.reshape(out.size)
    depths = _row_distances(hills, lens, height)
    top = 0
    while top < height and depths[top] == 0.0:
        top += 1
    # The sky ends where the land begins.
    above = min(
        max(height + int(middle - focal * sin_pitch / cos_pitch + 0.5) - top, 0), 3 * height - top
    )
    sky_bytes = sky.reshape(sky.size)[above * width * channels :]
    for k in range(np.uint64(top * width * channels)):
        flat[k] = sky_bytes[k]
    shades = np.empty(len(palette), np.uint64)
    for row in range(top, height):
        depth = depths[row]
        forward = depth * (cos_pitch - (row - middle) / focal * sin_pitch)
        across = depth / focal  # one pixel's width on the ground
        beyond = depths[row - 1] if row > top else depth * 1.3
        along = min(
            abs(beyond - depth) * cos_pitch + 1e-3, 12.0
        )  # one pixel's length on the ground
        clear = np.float32(1.0 - min(max((forward - 60.0) / 260.0, 0.0), 0.6))
        haze = np.float32(1.0) - clear
        for k in range(len(palette)):
            shades[k] = pack(palette[k], clear, haze_colour, haze)
        # Grain finer than the pixel would flicker.
        grainy = along < 0.8
        left_x = (lens_x + forward * ahead_x - lens[2] * across * right_x - origin[0]) / CELL_U
        left_z = (lens_z + forward * ahead_z - lens[2] * across * right_z - origin[1]) / CELL_U
        step_x, step_z = across * right_x / CELL_U, across * right_z / CELL_U
        widest = max(abs(step_x), abs(step_z))
        # Grain places in 16.16 fixed point, eight grains to the unit.
        grain_left_x, grain_left_z = (
            int((left_x + GRAIN_SHIFT) * 524288.0),
            int((left_z + GRAIN_SHIFT) * 524288.0),
        )
        grain_step_x, grain_step_z = int(step_x * 524288.0), int(step_z * 524288.0)
        first, stop = _columns_within(left_x, step_x, 0.01, cells.shape[0] - 0.01, 0, width)
        first, stop = _columns_within(left_z, step_z, 0.01, cells.shape[1] - 0.01, first, stop)
        column = 0
        while column < width:
            run = (
                first if column < first < stop else width
            ) - column  # plain ground outside the grid
            i = -1
            px, pz = left_x + column * step_x, left_z + column * step_z
            if first <= column < stop:
                cell_x, cell_z = np.uint32(px), np.uint32(pz)
                i = cells[cell_x, cell_z]
                if i < 0:
                    run = min(int((-1 - i) / widest) + 1, stop - column)
            if i < 0:
                _fill(
                    flat, row * width + column, run, shades[0], channels, grainy, grain, grain_mean,
                    grain_left_x + column * grain_step_x, grain_left_z + column * grain_step_z, grain_step_x,
                    grain_step_z,
                )  # fmt: skip
                column += run
                continue
            changes = 1e6
            if i < len(spans):
                s = _beside(spans, i, px, pz)
            else:
                one, other = pairs[i - len(spans)]
                s, changes = _nearer(
                    spans,
                    _beside(spans, one, px, pz),
                    _beside(spans, other, px, pz),
                    middle_u,
                    px,
                    pz,
                    step_x,
                    step_z,
                )
            # How many columns it stays beside this span: divisions are dear, so only for ends it comes nearer to.
            stay = 1e6
            from_start = spans[s, 3] * step_x + spans[s, 4] * step_z
            from_end = spans[s, 6] * step_x + spans[s, 7] * step_z
            if from_start < 0.0:
                stay = form(spans, s, 3, px, pz) / -from_start
            if from_end > 0.0:
                stay = min(stay, -form(spans, s, 6, px, pz) / from_end)
            place, aside = form(spans, s, 0, px, pz), spans[s, 0] * step_x + spans[s, 1] * step_z
            stay = min(max(stay, 0.0), 1e6)
            if spans[s, 9] < place < spans[s, 10]:
                if not spans[s, 9] < place + stay * aside < spans[s, 10]:
                    stay = ((spans[s, 10] if aside > 0.0 else spans[s, 9]) - place) / aside
            else:  # another part of the road may be nearer later in the cell, or in the next
                stay = min(stay, changes)
                stay = min(stay, _columns_until(px - cell_x, step_x, 0.0, 1.0))
                stay = min(stay, _columns_until(pz - cell_z, step_z, 0.0, 1.0))
            until = min(column + int(stay) + 1, stop)
            # The cross-section's normal against the picture's right and ahead.
            facing = spans[s, 0] * right_x + spans[s, 1] * right_z
            slanted = spans[s, 0] * ahead_x + spans[s, 1] * ahead_z
            pace = 1.0 / max(abs(aside), 1e-9)
            place = min(
                max(place, NEAREST_PLACE_U), 2.0 * STRIP_HALF_U - NEAREST_PLACE_U
            )  # inside a tight bend
            half, steps, scale, known = 0.0, np.uint32(1), np.float32(1.0), column
            while column < until:
                if column >= known:
                    # Half of the pixel's shadow on the cross-section. A row farther up is farther ahead along the ray.
                    known = column + SAME_SHADOW
                    lean = slanted + facing * (column - lens[2]) * fan
                    half = min(
                        max(0.5 * (abs(facing) * across + abs(lean) * along), STRIP_STEP_U),
                        WIDEST_SHADOW_U,
                    )
                    steps = np.uint32(half * (2.0 / STRIP_STEP_U))
                    scale = clear / np.float32(steps * STRIP_STEP_U)
                a = np.uint32((place - half) * (1.0 / STRIP_STEP_U))
                c = np.uint32(a + steps)
                strip = np.uint64(strips[a])
                run = 1
                if strip == strips[c]:
                    room = (
                        edges[strip, 1] - half - place
                        if aside > 0.0
                        else place - edges[strip, 0] - half
                    )
                    run = min(int(min(max(room * pace, 0.0), 1e6)) + 1, until - column)
                    _fill(
                        flat, row * width + column, run, shades[strip], channels, grainy, grain, grain_mean,
                        grain_left_x + column * grain_step_x, grain_left_z + column * grain_step_z, grain_step_x,
                        grain_step_z,
                    )  # fmt: skip
                else:  # on the edge of a line
                    at = np.uint64((row * width + column) * channels)
                    flat[at] = int(
                        scale * (integral[c, 0] - integral[a, 0]) + haze * haze_colour[0]
                    )
                    if channels == 3:
                        flat[at + ONE] = int(
                            scale * (integral[c, 1] - integral[a, 1]) + haze * haze_colour[1]
                        )
                        flat[at + TWO] = int(
                            scale * (integral[c, 2] - integral[a, 2]) + haze * haze_colour[2]
                        )
                column += run
                place += run * aside
        if start_line[4] > 0.0:
            line = flat[row * width * channels : (row + 1) * width * channels]
            left_x, left_z = left_x * CELL_U + origin[0], left_z * CELL_U + origin[1]
            _draw_start_line(
                line, channels, start_line, left_x, left_z, step_x, step_z, across, along
            )


@njit(cache=True)
def _draw_start_line(
    pixels: Image, channels: int, line: Array, left_x: float, left_z: float, step_x: float, step_z: float,
    across: float, along: float,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Checks of 1 u over the road, 1 u long, in one row of pixels (width * channels,)."""
    past = (left_x - line[0]) * line[2] + (left_z - line[1]) * line[3]
    beside = (left_x - line[0]) * line[3] - (left_z - line[1]) * line[2]
    past_step, beside_step = (
        step_x * line[2] + step_z * line[3],
        step_x * line[3] - step_z * line[2],
    )
    first, stop = _columns_within(
        past, past_step, -0.5 * along, 1.0 + 0.5 * along, 0, len(pixels) // channels
    )
    first, stop = _columns_within(beside, beside_step, -line[4], line[4], first, stop)
    half = 0.5 * (abs(beside_step) + abs(past_step) / across * along)
    contrast = max(0.0, 1.0 - 1.5 * half)
    for column in range(first, stop):
        here, side = past + column * past_step, beside + column * beside_step
        share = min((min(here + 0.5 * along, 1.0) - max(here - 0.5 * along, 0.0)) / along, 1.0)
        bright = 235 if int(math.floor(side)) % 2 == 0 else 30
        shade = 132 + (bright - 132) * contrast
        for at in range(column * channels, (column + 1) * channels):
            colour = float(pixels[at])
            pixels[at] = int(colour + share * (shade - colour))
