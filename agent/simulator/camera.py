"""The camera: 160x120 RGB frames of road, lines, ground, sky, start line and obstacles.

Every ground pixel's ray meets the ground at a point known before the car moves; turned and shifted with the
car it falls into a cell of ``Ground``, which names the nearest span of the centre line. The pixel's colour is
the mean of the road's cross-section over the pixel's footprint, two look-ups in the cross-section's running
integral. That filter is exact at any distance, so far lines fade instead of flickering.

Hills: the ground ahead is taken to rise and fall with the track, height depending on the distance ahead alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.tracks import Scene, Track

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

WIDTH, HEIGHT = 160, 120
FOCAL_PX = 60.0  # 90 degrees vertically over 120 rows
PITCH = math.radians(15.0)  # down
LENS_HEIGHT_U = 1.65
LENS_AHEAD_U = 0.553
FAR_U = 300.0

CELL_U = 1.0
ROAD_REACH_U = 14.0  # cells farther than this from the centre line are plain ground
STRIP_STEP_U = 0.01  # resolution of the cross-section
STRIP_HALF_U = 32.0  # the reach and the widest footprint fit inside, so no look-up needs a check
GRAIN_MASK = np.uint64(63)
ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)  # unsigned: no check for negative places
GRAIN_SHIFT = 4096.0  # keeps places off the grid positive
RUN_LIMIT_U = 0.3  # pixels narrower than this are drawn in runs of one colour
HILL_SAMPLES = 48
HILL_NEAR_U, HILL_FAR_U = 80.0, 160.0  # between these the land beside the road levels out to the car's own height


class Ground:
    """What the camera looks up for one track: nearest spans by cell, the cross-section's integral, colours."""

    def __init__(self, scene: Scene, track: Track) -> None:
        low = track.nodes[:, :2].min(axis=0) - ROAD_REACH_U
        high = track.nodes[:, :2].max(axis=0) + ROAD_REACH_U
        shape = np.ceil((high - low) / CELL_U).astype(int) + 1
        self.origin: Array = low
        self.cells: NDArray[np.int16] = _nearest_spans(
            track.nodes, track.direction, track.span_u, low, int(shape[0]), int(shape[1])
        )
        # Node x and z in the grid's own frame, the span's direction and length.
        self.spans: Array = np.column_stack([track.nodes[:, :2] - low, track.direction, track.span_u])
        self.closed = track.closed
        self.strips, self.edges, self.palette = _paint(scene)
        colours = self.palette[self.strips].astype(np.float64)
        self.integral: Floats = (np.vstack([np.zeros(3), np.cumsum(colours, axis=0)]) * STRIP_STEP_U).astype(np.float32)
        self.sky: Image = _sky_rows(scene)
        self.haze: Floats = self.sky[43, :3].astype(np.float32)
        self.grain = np.random.default_rng(0).integers(-5, 6, (64, 64)).astype(np.int8)
        self.obstacles: Array = np.array(
            [[o["x"], o["z"], o["radius_u"], o["height_u"], *o["rgb"]] for o in scene.obstacles], dtype=np.float64
        ).reshape(-1, 7)
        self.start_line: Array = _start_line(scene, low)


def _start_line(scene: Scene, origin: Array) -> Array:
    """The line's middle x and z in the grid's frame, its heading's sine and cosine, half width; all zero for none."""
    line = scene.start_line
    if line is None:
        return np.zeros(5)
    heading = math.radians(line["yaw_deg"])
    return np.array(
        [line["x"] - origin[0], line["z"] - origin[1], math.sin(heading), math.cos(heading), line["half_width_u"]]
    )


def _paint(scene: Scene) -> tuple[NDArray[np.uint8], Array, Floats]:
    """The cross-section as strips side by side, strip 0 plain ground.

    :return: the strip at each lateral place (n,), the strips' edges (k, 2) in u from the first place, and their
        colours (k, 3)
    """
    n = round(2 * STRIP_HALF_U / STRIP_STEP_U)
    lateral = (np.arange(n) + 0.5) * STRIP_STEP_U - STRIP_HALF_U
    colours = np.tile(np.array(scene.ground_rgb, dtype=np.float32), (n, 1))
    for strip in scene.cross_section:
        colours[(lateral >= strip["from_u"]) & (lateral < strip["to_u"])] = strip["rgb"]
    bounds = np.flatnonzero(np.any(colours[1:] != colours[:-1], axis=1)) + 1
    firsts = np.concatenate([[0], bounds])
    strips = np.searchsorted(bounds, np.arange(n), side="right").astype(np.uint8)
    edges = np.stack([firsts, np.concatenate([bounds, [n]])], axis=1) * STRIP_STEP_U
    # Grain must not carry a byte past its ends.
    return strips, edges, np.clip(colours[firsts], 6.0, 249.0)


def _sky_rows(scene: Scene) -> Image:
    """Sky colour of every row above the horizon of a level camera, (HEIGHT, WIDTH * 3) uint8."""
    rows = [row for row, _ in scene.sky]
    colours = np.array([rgb for _, rgb in scene.sky], dtype=float)
    shades = [np.interp(np.arange(HEIGHT), rows, colours[:, k]) for k in range(3)]
    return np.tile(np.stack(shades, axis=1).astype(np.uint8), (1, WIDTH))


@njit(cache=True)
def _nearest_spans(
    nodes: Array, direction: Array, span_u: Array, origin: Array, columns: int, rows: int
) -> Any:  # pragma: no cover - compiled
    """Grid (columns, rows) of the span nearest to each cell's centre, -1 beyond ``ROAD_REACH_U``."""
    best = np.full((columns, rows), np.float32(ROAD_REACH_U**2))
    cells = np.full((columns, rows), np.int16(-1))
    reach = int(ROAD_REACH_U / CELL_U) + 2
    for i in range(len(nodes)):
        middle_x = nodes[i, 0] + 0.5 * direction[i, 0] * span_u[i] - origin[0]
        middle_z = nodes[i, 1] + 0.5 * direction[i, 1] * span_u[i] - origin[1]
        for c in range(max(0, int(middle_x / CELL_U) - reach), min(columns, int(middle_x / CELL_U) + reach + 1)):
            for r in range(max(0, int(middle_z / CELL_U) - reach), min(rows, int(middle_z / CELL_U) + reach + 1)):
                dx = origin[0] + (c + 0.5) * CELL_U - nodes[i, 0]
                dz = origin[1] + (r + 0.5) * CELL_U - nodes[i, 1]
                t = min(max(dx * direction[i, 0] + dz * direction[i, 1], 0.0), span_u[i])
                d2 = (dx - t * direction[i, 0]) ** 2 + (dz - t * direction[i, 1]) ** 2
                if d2 < best[c, r]:
                    best[c, r] = d2
                    cells[c, r] = i
    return cells


def render(ground: Ground, out: Image, x: float, z: float, yaw: float, hills: Array) -> None:
    """Draw the view of a car at ``x, z`` (u), heading ``yaw`` (rad), into ``out`` (120, 160, 3) uint8.

    :param hills: (HILL_SAMPLES, 2) distance ahead and height above the car's ground in the car's own tilted
        frame, or an empty (0, 2) on level ground
    """
    _render(
        out, x, z, yaw, hills, ground.origin, ground.cells, ground.spans, ground.closed, ground.integral,
        ground.strips, ground.edges, ground.palette, ground.haze, ground.sky, ground.grain, ground.start_line,
        ground.obstacles,
    )  # fmt: skip


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


@njit(cache=True)
def _row_distances(hills: Array) -> Array:  # pragma: no cover - compiled
    """Depth along each row's ray in focal units at which it meets the ground, (HEIGHT,); 0 for sky.

    On level ground a row v = (row - 59.5)/60 below the axis falls v cos(pitch) + sin(pitch) per unit of depth, so
    it meets the ground at the lens height over that. On hills the ground's profile is swept from near to far
    and every row keeps the first point that covers it.
    """
    depth = np.zeros(HEIGHT)
    cos, sin = math.cos(PITCH), math.sin(PITCH)
    if len(hills) == 0:
        for row in range(HEIGHT):
            fall = (row - 59.5) / FOCAL_PX * cos + sin
            if fall > LENS_HEIGHT_U / FAR_U:
                depth[row] = LENS_HEIGHT_U / fall
        return depth
    lowest = float(HEIGHT)
    previous_depth, previous_row = 0.0, float(HEIGHT) + 20.0
    for k in range(len(hills)):
        ahead, below = hills[k, 0], LENS_HEIGHT_U - hills[k, 1]
        z = ahead * cos + below * sin
        y = below * cos - ahead * sin
        if z <= 0.05:
            continue
        at = 59.5 + FOCAL_PX * y / z
        if at < lowest:
            first = max(0, int(math.ceil(at)))
            for row in range(first, min(HEIGHT, int(math.ceil(lowest)))):
                # Between two samples the inverse depth is linear in the row.
                share = (previous_row - row) / max(previous_row - at, 1e-9)
                inverse = (1 - share) / max(previous_depth, 0.3) + share / z
                depth[row] = 1.0 / inverse
            lowest = at
        previous_depth, previous_row = z, at
    return depth


@njit(cache=True, inline="always")
def _half_footprint(
    dx: float, dz: float, ahead_x: float, ahead_z: float, across: float, along: float
) -> float:  # pragma: no cover - compiled
    """Half of a pixel's shadow on the cross-section of a span with direction (dx, dz), u."""
    # The span's normal is (dz, -dx), the picture's right (ahead_z, -ahead_x).
    facing, slanted = abs(dz * ahead_z + dx * ahead_x), abs(dz * ahead_x - dx * ahead_z)
    return max(0.5 * (facing * across + slanted * along), STRIP_STEP_U)


@njit(cache=True, inline="always")
def _nonzero(step: float) -> float:  # pragma: no cover - compiled
    return step if abs(step) > 1e-9 else 1e-9


@njit(cache=True)
def _row_meets_line(
    line: Array, left_x: float, left_z: float, step_x: float, step_z: float, along: float
) -> bool:  # pragma: no cover - compiled
    """Whether a row of pixels comes within a pixel's length of the start line's 1 u."""
    first = (left_x - line[0]) * line[2] + (left_z - line[1]) * line[3]
    end = first + 159.0 * (step_x * line[2] + step_z * line[3])
    return min(first, end) < 1.0 + along and max(first, end) > -along


@njit(cache=True, fastmath=True)
def _render(
    out: Image, car_x: float, car_z: float, yaw: float, hills: Array, origin: Array, cells: Any, spans: Array,
    closed: bool, integral: Floats, strips: Any, edges: Array, palette: Floats, haze_rgb: Floats, sky: Image,
    grain: Any, start_line: Array, obstacles: Array,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    cos_pitch, sin_pitch = math.cos(PITCH), math.sin(PITCH)
    ahead_x, ahead_z = math.sin(yaw), math.cos(yaw)
    right_x, right_z = ahead_z, -ahead_x
    lens_x, lens_z = car_x + LENS_AHEAD_U * ahead_x, car_z + LENS_AHEAD_U * ahead_z
    columns, rows, n = cells.shape[0], cells.shape[1], len(spans)
    flat, lines = out.reshape(out.size), out.reshape((HEIGHT, WIDTH * 3))
    depths = _row_distances(hills)
    top = 0
    while top < HEIGHT and depths[top] == 0.0:
        top += 1
    horizon = 59.5 - FOCAL_PX * sin_pitch / cos_pitch
    shades = np.empty((len(palette), 3), np.int32)
    for row in range(HEIGHT):
        depth = depths[row]
        if depth == 0.0:
            level = min(max(int(row + horizon - top + 0.5), 0), HEIGHT - 1)
            lines[row] = sky[level]
            continue
        forward = depth * (cos_pitch - (row - 59.5) / FOCAL_PX * sin_pitch)
        across = depth / FOCAL_PX  # one pixel's width on the ground
        beyond = depths[row - 1] if row > 0 and depths[row - 1] > 0.0 else depth * 1.3
        along = min(abs(beyond - depth) * cos_pitch + 1e-3, 12.0)  # one pixel's length on the ground
        clear = np.float32(1.0 - min(max((forward - 60.0) / 260.0, 0.0), 0.6))
        haze = np.float32(1.0) - clear
        for k in range(len(palette)):
            for channel in range(3):
                shades[k, channel] = int(clear * palette[k, channel] + haze * haze_rgb[channel])
        # Grain finer than the pixel would flicker.
        grainy = along < 0.8
        left_x = (lens_x + forward * ahead_x - 79.5 * across * right_x - origin[0]) / CELL_U
        left_z = (lens_z + forward * ahead_z - 79.5 * across * right_z - origin[1]) / CELL_U
        step_x, step_z = across * right_x / CELL_U, across * right_z / CELL_U
        per_x, per_z = 1.0 / _nonzero(step_x), 1.0 / _nonzero(step_z)
        near_line = start_line[4] > 0.0 and _row_meets_line(start_line, left_x, left_z, step_x, step_z, along)
        by_runs = across < RUN_LIMIT_U and not near_line
        # Grain places in 16.16 fixed point, eight grains to the unit.
        grain_left_x, grain_left_z = int((left_x + GRAIN_SHIFT) * 524288.0), int((left_z + GRAIN_SHIFT) * 524288.0)
        grain_step_x, grain_step_z = int(step_x * 524288.0), int(step_z * 524288.0)
        last = -1
        sx = sz = dx = dz = span_length = half = 0.0
        column = 0
        while column < WIDTH:
            px, pz = left_x + column * step_x, left_z + column * step_z
            i, run = -1, 1
            if 0.0 < px < columns and 0.0 < pz < rows:
                cell_x, cell_z = np.uint32(px), np.uint32(pz)
                i = cells[cell_x, cell_z]
                if by_runs:  # the pixels left in this cell
                    over_x = (cell_x + (1.0 if per_x > 0.0 else 0.0) - px) * per_x
                    over_z = (cell_z + (1.0 if per_z > 0.0 else 0.0) - pz) * per_z
                    run = int(max(min(over_x, over_z, 159.0 - column), 0.0)) + 1
            red, green, blue = shades[0, 0], shades[0, 1], shades[0, 2]
            if i >= 0:
                if i != last:
                    last = i
                    sx, sz, dx, dz, span_length = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3], spans[i, 4]
                    half = _half_footprint(dx, dz, ahead_x, ahead_z, across, along)
                t = (px - sx) * dx + (pz - sz) * dz
                # The cell's span is its centre's: a point past an end belongs to the neighbour.
                if t < 0.0 or t > span_length:
                    j = i - 1 if t < 0.0 else i + 1
                    if j < 0 or j >= n:
                        j = (n - 1 if j < 0 else 0) if closed else i
                    t_there = (px - spans[j, 0]) * spans[j, 2] + (pz - spans[j, 1]) * spans[j, 3]
                    if 0.0 <= t_there <= spans[j, 4]:
                        last, t = j, t_there
                        sx, sz, dx, dz, span_length = spans[j, 0], spans[j, 1], spans[j, 2], spans[j, 3], spans[j, 4]
                        half = _half_footprint(dx, dz, ahead_x, ahead_z, across, along)
                    else:
                        run = 1  # in the wedge outside a bend
                lateral = (px - sx) * dz - (pz - sz) * dx + STRIP_HALF_U
                a = np.uint32((lateral - half) * (1.0 / STRIP_STEP_U))
                c = np.uint32((lateral + half) * (1.0 / STRIP_STEP_U))
                k = strips[a]
                if k == strips[c]:
                    red, green, blue = shades[k, 0], shades[k, 1], shades[k, 2]
                    if run > 1:  # as long as the run stays beside this span and on this strip
                        forth = _nonzero(step_x * dx + step_z * dz)
                        aside = _nonzero(step_x * dz - step_z * dx)
                        stay = ((span_length if forth > 0.0 else 0.0) - t) / forth
                        edge = edges[k, 1] - half if aside > 0.0 else edges[k, 0] + half
                        on = (edge - lateral) / aside
                        run = min(run, int(max(min(stay, on, 160.0), 0.0)) + 1)
                else:
                    run = 1
                    scale = clear / np.float32((c - a) * STRIP_STEP_U)
                    red = int(scale * (integral[c, 0] - integral[a, 0]) + haze * haze_rgb[0])
                    green = int(scale * (integral[c, 1] - integral[a, 1]) + haze * haze_rgb[1])
                    blue = int(scale * (integral[c, 2] - integral[a, 2]) + haze * haze_rgb[2])
                if near_line:
                    past = (px - start_line[0]) * start_line[2] + (pz - start_line[1]) * start_line[3]
                    beside = (px - start_line[0]) * start_line[3] - (pz - start_line[1]) * start_line[2]
                    if -along < 2.0 * past < 2.0 + along and abs(beside) < start_line[4]:
                        share = min((min(past + 0.5 * along, 1.0) - max(past - 0.5 * along, 0.0)) / along, 1.0)
                        bright = 235 if int(math.floor(beside)) % 2 == 0 else 30
                        shade = 132 + (bright - 132) * max(0.0, 1.0 - 1.5 * half)
                        red = int(red + share * (shade - red))
                        green = int(green + share * (shade - green))
                        blue = int(blue + share * (shade - blue))
            at = np.uint64((row * WIDTH + column) * 3)
            if grainy:
                grain_x, grain_z = grain_left_x + column * grain_step_x, grain_left_z + column * grain_step_z
                for _ in range(run):
                    speck = grain[np.uint64(grain_x >> 16) & GRAIN_MASK, np.uint64(grain_z >> 16) & GRAIN_MASK]
                    flat[at], flat[at + ONE], flat[at + TWO] = red + speck, green + speck, blue + speck
                    at += THREE
                    grain_x += grain_step_x
                    grain_z += grain_step_z
            else:
                for _ in range(run):
                    flat[at], flat[at + ONE], flat[at + TWO] = red, green, blue
                    at += THREE
            column += run
    if len(obstacles):
        _draw_obstacles(out, obstacles, lens_x, lens_z, ahead_x, ahead_z)


@njit(cache=True)
def _draw_obstacles(
    out: Image, obstacles: Array, lens_x: float, lens_z: float, ahead_x: float, ahead_z: float
) -> None:  # pragma: no cover - compiled
    """Cones as upright triangles, the far ones first."""
    cos_pitch, sin_pitch = math.cos(PITCH), math.sin(PITCH)
    ahead = np.empty(len(obstacles))
    for k in range(len(obstacles)):
        ahead[k] = (obstacles[k, 0] - lens_x) * ahead_x + (obstacles[k, 1] - lens_z) * ahead_z
    for k in np.argsort(-ahead):
        if ahead[k] < 1.0 or ahead[k] > 80.0:
            continue
        right = (obstacles[k, 0] - lens_x) * ahead_z - (obstacles[k, 1] - lens_z) * ahead_x
        foot_depth = ahead[k] * cos_pitch + LENS_HEIGHT_U * sin_pitch
        foot_row = 59.5 + FOCAL_PX * (LENS_HEIGHT_U * cos_pitch - ahead[k] * sin_pitch) / foot_depth
        drop = LENS_HEIGHT_U - obstacles[k, 3]
        tip_depth = ahead[k] * cos_pitch + drop * sin_pitch
        tip_row = 59.5 + FOCAL_PX * (drop * cos_pitch - ahead[k] * sin_pitch) / tip_depth
        middle = 79.5 + FOCAL_PX * right / foot_depth
        half_width = FOCAL_PX * obstacles[k, 2] / foot_depth
        for row in range(max(0, int(math.ceil(tip_row))), min(HEIGHT, int(foot_row) + 1)):
            half = half_width * (row - tip_row + 0.5) / (foot_row - tip_row + 0.5)
            for column in range(max(0, int(math.ceil(middle - half))), min(WIDTH, int(middle + half) + 1)):
                for channel in range(3):
                    out[row, column, channel] = np.uint8(obstacles[k, 4 + channel])
