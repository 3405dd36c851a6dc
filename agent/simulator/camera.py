"""The camera: RGB frames of road, lines, ground, sky and start line; obstacles are drawn over them by ``solids``.

A row of pixels is a straight line over the ground. ``Ground`` names the span of the centre line nearest to its
first point; as long as the row stays beside that span, the place on the road's cross-section is linear in the
column, so the row is drawn in runs of one colour. A pixel whose shadow lies on two colours gets their mean, two
look-ups in the cross-section's running integral. That filter is exact at any distance, so far lines fade instead
of flickering.

Hills: the ground ahead is taken to rise and fall with the track, height depending on the distance ahead alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from agent.simulator.solids import Solids, draw
from agent.simulator.tracks import Scene, Track

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

WIDTH, HEIGHT = 160, 120
CAR_ORIGIN_ABOVE_GROUND_U = 0.53
SKY_FOCAL_PX, SKY_PITCH = 60.0, math.radians(15.0)  # the view whose rows a scene's sky is given in
FAR_U = 300.0

CELL_U = 1.0
SPAN_LIMIT_U, SPAN_ERROR_U = 8.0, 0.01  # the line is drawn through as few of its nodes as these allow
ROAD_REACH_U = 14.0  # cells farther than this from the centre line are plain ground
STRIP_STEP_U = 0.01  # resolution of the cross-section
STRIP_HALF_U = 32.0  # the reach and the widest footprint fit inside, so no look-up needs a check
GRAIN_MASK = np.uint64(63)
GRAIN_MEAN = 5
ONE, TWO = np.uint64(1), np.uint64(2)
BOTH = np.uint64(0x0000010101010101)  # a shade in every byte of two pixels
GRAIN_SHIFT = 4096.0  # keeps places off the grid positive
HILL_SAMPLES = 48
HILL_NEAR_U, HILL_FAR_U = 80.0, 160.0  # between these the land beside the road levels out to the car's own height


@dataclass(frozen=True)
class View:
    """Where the camera sits on the car and how it looks; upstream's ``cam_config`` in its units.

    ``offset_u`` is right, up, forward of the car's origin, ``rotation_deg`` pitch (down), yaw (right), roll (right
    side up), ``fov_deg`` the vertical field of view, ``fish_eye`` the strengths of Unity's lens effect.
    """

    width: int = WIDTH
    height: int = HEIGHT
    fov_deg: float = 90.0
    offset_u: tuple[float, float, float] = (0.0, 1.12, 0.553)
    rotation_deg: tuple[float, float, float] = (15.0, 0.0, 0.0)
    fish_eye: tuple[float, float] = (0.0, 0.0)


class Lens:
    """A ``View`` made ready for drawing.

    ``values`` is what the kernels read: focal length and middle row and column in pixels, cosine and sine of the
    pitch, height above the ground, place ahead and to the right of the car in u, yaw in radians. A rolled or
    fish-eyed picture is drawn straight first, large enough, and then looked up through ``remap``.
    """

    def __init__(self, view: View) -> None:
        pitch_deg, yaw_deg, roll_deg = view.rotation_deg
        focal_px = 0.5 * view.height / math.tan(math.radians(min(max(view.fov_deg, 1.0), 170.0)) / 2)
        self.width, self.height = view.width, view.height
        self.remap: tuple[Floats, Floats] | None = None
        if roll_deg != 0.0 or view.fish_eye != (0.0, 0.0):
            columns, rows = _straight_places(view)
            self.width, self.height = 2 * math.ceil(np.abs(columns).max()) + 1, 2 * math.ceil(np.abs(rows).max()) + 1
            self.remap = (columns + 0.5 * (self.width - 1), rows + 0.5 * (self.height - 1))
        pitch = math.radians(pitch_deg)
        right_u, up_u, ahead_u = view.offset_u
        self.values: Array = np.array(
            [
                focal_px, 0.5 * (self.height - 1), 0.5 * (self.width - 1), math.cos(pitch), math.sin(pitch),
                max(CAR_ORIGIN_ABOVE_GROUND_U + up_u, 0.05), ahead_u, right_u, math.radians(yaw_deg),
            ]
        )  # fmt: skip

    def pose(self, x: float, z: float, yaw: float) -> tuple[float, float, float]:
        """Place and heading of the lens on a car at ``x, z`` (u), heading ``yaw`` (rad)."""
        ahead_u, right_u, turned = self.values[6:].tolist()
        sin, cos = math.sin(yaw), math.cos(yaw)
        return x + ahead_u * sin + right_u * cos, z + ahead_u * cos - right_u * sin, yaw + turned


def _straight_places(view: View) -> tuple[Floats, Floats]:
    """Where in a straight picture each pixel of the view looks, columns and rows from the middle, (height, width).

    The fish-eye is Unity's image effect: with u, v in [-1, 1] a pixel looks up u - (1 - v^2) y u and v - (1 - u^2) x v,
    the strengths x and y of ``fish_eye`` times 80/512, x also times the picture's aspect ratio.
    """
    u, v = np.meshgrid(np.linspace(-1, 1, view.width), np.linspace(-1, 1, view.height))
    strength_x, strength_y = view.fish_eye[0] * (80 / 512) * view.width / view.height, view.fish_eye[1] * (80 / 512)
    columns = (u - (1 - v**2) * strength_y * u) * 0.5 * (view.width - 1)
    rows = (v - (1 - u**2) * strength_x * v) * 0.5 * (view.height - 1)
    roll = -math.radians(view.rotation_deg[2])
    turned = columns * math.cos(roll) - rows * math.sin(roll), columns * math.sin(roll) + rows * math.cos(roll)
    return turned[0].astype(np.float32), turned[1].astype(np.float32)


@lru_cache(maxsize=64)
def lens_for(view: View) -> Lens:
    """The lens of a view."""
    return Lens(view)


class Ground:
    """What the camera looks up for one track: nearest spans by cell, the cross-section's integral, colours."""

    def __init__(self, scene: Scene, track: Track) -> None:
        track = Track(track.nodes[_needed_nodes(track.nodes)], closed=track.closed)
        low = track.nodes[:, :2].min(axis=0) - ROAD_REACH_U
        high = track.nodes[:, :2].max(axis=0) + ROAD_REACH_U
        shape = np.ceil((high - low) / CELL_U).astype(int) + 1
        self.origin: Array = low
        self.cells: NDArray[np.int16] = _nearest_spans(
            track.nodes, track.direction, track.span_u, low, int(shape[0]), int(shape[1])
        )
        self.spans: Array = _span_forms(track, low)
        _measure_clearance(self.spans, self.cells, track.nodes[:, :2] - low, track.closed)
        self.strips, self.edges, self.palette = _paint(scene)
        colours = self.palette[self.strips].astype(np.float64)
        self.integral: Floats = (np.vstack([np.zeros(3), np.cumsum(colours, axis=0)]) * STRIP_STEP_U).astype(np.float32)
        self._scene = scene
        self._skies: dict[Lens, Image] = {}
        self.haze: Floats = np.array(scene.sky[-1][1], dtype=np.float32)
        specks = np.random.default_rng(0).integers(0, 2 * GRAIN_MEAN + 1, (64, 64))
        self.grain: NDArray[np.uint64] = specks.astype(np.uint64) * BOTH
        self.start_line: Array = _start_line(scene, low)

    def sky_for(self, lens: Lens) -> Image:
        """The sky from a picture's height above a lens's first row to as much below its last, (3 height, width * 3)."""
        if lens not in self._skies:
            self._skies[lens] = _sky_rows(self._scene, lens)
        return self._skies[lens]


def _span_forms(track: Track, origin: Array) -> Array:
    """What places a point (x, z) of the grid's frame on each span, (n, 11).

    Three linear forms a x + b z + c as triples: the place on the cross-section (u from its first), the distance
    past the span's start and the distance past its end. Both ends are mitred: spans share the bisector of their
    bend, so every point beside the road belongs to one of them and the place is continuous. Two columns more are
    for ``_measure_clearance``.
    """
    places, ahead = track.nodes[:, :2] - origin, track.direction
    behind = np.roll(ahead, 1, axis=0)
    mitre = (ahead + behind) / np.linalg.norm(ahead + behind, axis=1)[:, None]
    starts = np.column_stack([mitre, -np.sum(mitre * places, axis=1)])
    ends = np.roll(starts, -1, axis=0)
    if not track.closed:  # the road goes on beyond its ends as far as the cells say
        starts[0], ends[-1] = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
    across = np.column_stack([ahead[:, 1], -ahead[:, 0]])
    lateral = np.column_stack([across, STRIP_HALF_U - np.sum(across * places, axis=1)])
    return np.column_stack([lateral, starts, ends, np.zeros((len(places), 2))])


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
    return strips, edges, np.clip(colours[firsts], GRAIN_MEAN + 1.0, 254.0 - GRAIN_MEAN)


def _sky_rows(scene: Scene, lens: Lens) -> Image:
    focal_px, middle_row, _, cos_pitch, sin_pitch = lens.values[:5]
    down = np.arctan((np.arange(-lens.height, 2 * lens.height) - middle_row) / focal_px) + math.atan2(
        sin_pitch, cos_pitch
    )
    level = 59.5 + SKY_FOCAL_PX * np.tan(np.clip(down - SKY_PITCH, -1.5, 1.5))
    rows = [row for row, _ in scene.sky]
    colours = np.array([rgb for _, rgb in scene.sky], dtype=float)
    shades = [np.interp(level, rows, colours[:, k]) for k in range(3)]
    return np.tile(np.stack(shades, axis=1).astype(np.uint8), (1, lens.width))


@njit(cache=True)
def _needed_nodes(nodes: Array) -> Any:  # pragma: no cover - compiled
    """Indices of nodes between which the others lie on straight lines, (k,)."""
    kept = [0]
    for end in range(2, len(nodes)):
        x, z = nodes[kept[-1], 0], nodes[kept[-1], 1]
        dx, dz = nodes[end, 0] - x, nodes[end, 1] - z
        length = math.hypot(dx, dz)
        error = 0.0
        for i in range(kept[-1] + 1, end):
            error = max(error, abs((nodes[i, 0] - x) * dz - (nodes[i, 1] - z) * dx) / max(length, 1e-9))
        if length > SPAN_LIMIT_U or error > SPAN_ERROR_U:
            kept.append(end - 1)
    kept.append(len(nodes) - 1)
    return np.array(kept)


@njit(cache=True)
def _nearest_spans(
    nodes: Array, direction: Array, span_u: Array, origin: Array, columns: int, rows: int
) -> Any:  # pragma: no cover - compiled
    """Grid (columns, rows) of the span nearest to each cell's centre; beyond ``ROAD_REACH_U`` minus the number of
    cells, counted as a king moves, to the nearest that has one."""
    best = np.full((columns, rows), np.float32(ROAD_REACH_U**2))
    cells = np.full((columns, rows), np.int16(-9999))
    reach = int((ROAD_REACH_U + 0.5 * SPAN_LIMIT_U) / CELL_U) + 2
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
    for sweep in (1, -1):
        for k in range(columns * rows):
            c, r = divmod(k if sweep > 0 else columns * rows - 1 - k, rows)
            if cells[c, r] < 0:
                for dc, dr in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
                    u, v = c + sweep * dc, r + sweep * dr
                    if 0 <= u < columns and 0 <= v < rows:
                        cells[c, r] = max(cells[c, r], min(cells[u, v], 0) - 1)
    return cells


@njit(cache=True)
def _measure_clearance(spans: Array, cells: Any, places: Array, closed: bool) -> None:  # pragma: no cover - compiled
    """Between which places on the cross-section no other part of the road is nearer than a span and its neighbours."""
    n, reach = len(spans), int((ROAD_REACH_U + SPAN_LIMIT_U) / CELL_U) + 2
    for i in range(n):
        spans[i, 9], spans[i, 10] = STRIP_HALF_U - ROAD_REACH_U + CELL_U, STRIP_HALF_U + ROAD_REACH_U - CELL_U
        c0, r0 = int(places[i, 0] / CELL_U), int(places[i, 1] / CELL_U)
        for c in range(max(0, c0 - reach), min(len(cells), c0 + reach + 1)):
            for r in range(max(0, r0 - reach), min(cells.shape[1], r0 + reach + 1)):
                x, z = (c + 0.5) * CELL_U, (r + 0.5) * CELL_U
                if _form(spans, i, 3, x, z) < -CELL_U or _form(spans, i, 6, x, z) > CELL_U or cells[c, r] < 0:
                    continue
                apart = abs(cells[c, r] - i)
                if min(apart, n - apart if closed else apart) > 1:
                    place = _form(spans, i, 0, x, z)
                    if place < STRIP_HALF_U:
                        spans[i, 9] = max(spans[i, 9], place + CELL_U)
                    else:
                        spans[i, 10] = min(spans[i, 10], place - CELL_U)


@njit(cache=True, inline="always")
def _form(spans: Array, i: Any, k: int, x: float, z: float) -> Any:  # pragma: no cover - compiled
    return spans[i, k] * x + spans[i, k + 1] * z + spans[i, k + 2]


def render(
    ground: Ground, solids: Solids, out: Image, view: View, x: float, z: float, yaw: float, height_u: float,
    uphill: float, hills: Array,
) -> None:  # fmt: skip
    """Draw the view of a car at ``x, z`` (u), heading ``yaw`` (rad), into ``out`` (height, width, 3) uint8.

    :param height_u: of the ground under the car; ``uphill`` its slope along the car's heading
    :param hills: (HILL_SAMPLES, 2) distance ahead and height above the car's ground in the car's own tilted
        frame, or an empty (0, 2) on level ground
    """
    lens = lens_for(view)
    picture = out if lens.remap is None else np.empty((lens.height, lens.width, 3), dtype=np.uint8)
    x, z, yaw = lens.pose(x, z, yaw)
    _render(
        picture, lens.values, x, z, yaw, hills, ground.origin, ground.cells, ground.spans, ground.integral,
        ground.strips, ground.edges, ground.palette, ground.haze, ground.sky_for(lens), ground.grain,
        ground.start_line,
    )  # fmt: skip
    if len(solids):
        draw(picture, lens.values, x, z, yaw, height_u, uphill, solids.pillars, solids.boxes, solids.rgb, ground.haze)
    if lens.remap is not None:
        cv2.remap(picture, *lens.remap, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)


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
def _columns_until(here: float, per_column: float, low: float, high: float) -> Any:  # pragma: no cover - compiled
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


def _store_8_bytes_code(context: Any, data: Any, at: Any, word: Any) -> Any:
    """Write a 64-bit word over eight bytes of a flat uint8 array, wherever they begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(data, types.uint64, types.uint64), generate


_store_8_bytes: Any = intrinsic(_store_8_bytes_code)


@njit(cache=True, inline="always")
def _pack(red: float, green: float, blue: float) -> Any:  # pragma: no cover - compiled
    """Two pixels of one colour, red in the lowest byte of each three."""
    one = int(red) | int(green) << 8 | int(blue) << 16  # through signed integers, to which floats convert fastest
    return np.uint64(one | one << 24)


@njit(cache=True, inline="always")
def _fill(
    flat: Any, pixel: int, run: int, pair: Any, grainy: bool, grain: Any, grain_x: int, grain_z: int, grain_step_x: int,
    grain_step_z: int,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Write ``run`` pixels of one colour from ``pixel`` on, with grain where it is asked for.

    Two pixels go in one store of eight bytes. What it spills to the right is written over by what comes there
    next; the picture's last pixels go byte by byte.
    """
    at, stop = np.uint64(pixel * 3), np.uint64((pixel + run) * 3)
    safe = np.uint64(min(stop, flat.size - 8))
    if grainy:
        pair -= np.uint64(GRAIN_MEAN) * BOTH
    while at < safe:
        word = pair
        if grainy:
            word += grain[np.uint64(grain_x >> 16) & GRAIN_MASK, np.uint64(grain_z >> 16) & GRAIN_MASK]
            grain_x += 2 * grain_step_x
            grain_z += 2 * grain_step_z
        _store_8_bytes(flat, at, word)
        at += np.uint64(6)
    for byte in range(at, stop):
        flat[byte] = np.uint8(pair >> np.uint64(8 * (byte - at) % 24))


@njit(cache=True, fastmath=True)
def _render(
    out: Image, lens: Array, lens_x: float, lens_z: float, yaw: float, hills: Array, origin: Array, cells: Any,
    spans: Array, integral: Floats, strips: Any, edges: Array, palette: Floats, haze_rgb: Floats, sky: Image,
    grain: Any, start_line: Array,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    height, width = out.shape[0], out.shape[1]
    focal, middle, cos_pitch, sin_pitch = lens[0], lens[1], lens[3], lens[4]
    ahead_x, ahead_z = math.sin(yaw), math.cos(yaw)
    right_x, right_z = ahead_z, -ahead_x
    n = len(spans)
    flat = out.reshape(out.size)
    depths = _row_distances(hills, lens, height)
    top = 0
    while top < height and depths[top] == 0.0:
        top += 1
    # The sky ends where the land begins.
    above = min(max(height + int(middle - focal * sin_pitch / cos_pitch + 0.5) - top, 0), 3 * height - top)
    sky_bytes = sky.reshape(sky.size)[above * width * 3 :]
    for k in range(np.uint64(top * width * 3)):
        flat[k] = sky_bytes[k]
    shades = np.empty(len(palette), np.uint64)
    for row in range(top, height):
        depth = depths[row]
        forward = depth * (cos_pitch - (row - middle) / focal * sin_pitch)
        across = depth / focal  # one pixel's width on the ground
        beyond = depths[row - 1] if row > top else depth * 1.3
        along = min(abs(beyond - depth) * cos_pitch + 1e-3, 12.0)  # one pixel's length on the ground
        clear = np.float32(1.0 - min(max((forward - 60.0) / 260.0, 0.0), 0.6))
        haze = np.float32(1.0) - clear
        for k in range(len(palette)):
            shades[k] = _pack(
                clear * palette[k, 0] + haze * haze_rgb[0],
                clear * palette[k, 1] + haze * haze_rgb[1],
                clear * palette[k, 2] + haze * haze_rgb[2],
            )
        # Grain finer than the pixel would flicker.
        grainy = along < 0.8
        left_x = (lens_x + forward * ahead_x - lens[2] * across * right_x - origin[0]) / CELL_U
        left_z = (lens_z + forward * ahead_z - lens[2] * across * right_z - origin[1]) / CELL_U
        step_x, step_z = across * right_x / CELL_U, across * right_z / CELL_U
        widest = max(abs(step_x), abs(step_z))
        # Grain places in 16.16 fixed point, eight grains to the unit.
        grain_left_x, grain_left_z = int((left_x + GRAIN_SHIFT) * 524288.0), int((left_z + GRAIN_SHIFT) * 524288.0)
        grain_step_x, grain_step_z = int(step_x * 524288.0), int(step_z * 524288.0)
        first, stop = _columns_within(left_x, step_x, 0.01, cells.shape[0] - 0.01, 0, width)
        first, stop = _columns_within(left_z, step_z, 0.01, cells.shape[1] - 0.01, first, stop)
        column = 0
        while column < width:
            run = (first if column < first < stop else width) - column  # plain ground outside the grid
            i = -1
            px, pz = left_x + column * step_x, left_z + column * step_z
            if first <= column < stop:
                cell_x, cell_z = np.uint32(px), np.uint32(pz)
                i = cells[cell_x, cell_z]
                if i < 0:
                    run = min(int((-1 - i) / widest) + 1, stop - column)
            if i < 0:
                _fill(
                    flat, row * width + column, run, shades[0], grainy, grain,
                    grain_left_x + column * grain_step_x, grain_left_z + column * grain_step_z, grain_step_x,
                    grain_step_z,
                )  # fmt: skip
                column += run
                continue
            # The cell's span is its centre's: a point past an end belongs to the neighbour.
            if _form(spans, np.uint64(i), 3, px, pz) < 0.0:
                i = i - 1 if i > 0 else n - 1
            elif _form(spans, np.uint64(i), 6, px, pz) >= 0.0:
                i = i + 1 if i < n - 1 else 0
            s = np.uint64(i)
            # How many columns it stays beside this span: divisions are dear, so only for ends it comes nearer to.
            stay = 1e6
            from_start = spans[s, 3] * step_x + spans[s, 4] * step_z
            from_end = spans[s, 6] * step_x + spans[s, 7] * step_z
            if from_start < 0.0:
                stay = _form(spans, s, 3, px, pz) / -from_start
            if from_end > 0.0:
                stay = min(stay, -_form(spans, s, 6, px, pz) / from_end)
            place, aside = _form(spans, s, 0, px, pz), spans[s, 0] * step_x + spans[s, 1] * step_z
            stay = min(max(stay, 0.0), 1e6)
            if spans[s, 9] < place < spans[s, 10]:
                if not spans[s, 9] < place + stay * aside < spans[s, 10]:
                    stay = ((spans[s, 10] if aside > 0.0 else spans[s, 9]) - place) / aside
            else:  # another part of the road may be nearer in the next cell
                stay = min(stay, _columns_until(px - cell_x, step_x, 0.0, 1.0))
                stay = min(stay, _columns_until(pz - cell_z, step_z, 0.0, 1.0))
            until = min(column + int(stay) + 1, stop)
            # Half of a pixel's shadow on the cross-section: its normal against the picture's right and ahead.
            facing = spans[s, 0] * right_x + spans[s, 1] * right_z
            slanted = spans[s, 0] * ahead_x + spans[s, 1] * ahead_z
            half = max(0.5 * (abs(facing) * across + abs(slanted) * along), STRIP_STEP_U)
            pace = 1.0 / max(abs(aside), 1e-9)
            while column < until:
                a = np.uint32((place - half) * (1.0 / STRIP_STEP_U))
                c = np.uint32((place + half) * (1.0 / STRIP_STEP_U))
                strip = np.uint64(strips[a])
                run = 1
                if strip == strips[c]:
                    room = edges[strip, 1] - half - place if aside > 0.0 else place - edges[strip, 0] - half
                    run = min(int(min(max(room * pace, 0.0), 1e6)) + 1, until - column)
                    _fill(
                        flat, row * width + column, run, shades[strip], grainy, grain,
                        grain_left_x + column * grain_step_x, grain_left_z + column * grain_step_z, grain_step_x,
                        grain_step_z,
                    )  # fmt: skip
                else:  # on the edge of a line
                    scale = clear / np.float32((c - a) * STRIP_STEP_U)
                    at = np.uint64((row * width + column) * 3)
                    flat[at] = int(scale * (integral[c, 0] - integral[a, 0]) + haze * haze_rgb[0])
                    flat[at + ONE] = int(scale * (integral[c, 1] - integral[a, 1]) + haze * haze_rgb[1])
                    flat[at + TWO] = int(scale * (integral[c, 2] - integral[a, 2]) + haze * haze_rgb[2])
                column += run
                place += run * aside
        if start_line[4] > 0.0:
            _draw_start_line(out[row], start_line, left_x, left_z, step_x, step_z, across, along)


@njit(cache=True)
def _draw_start_line(
    pixels: Image, line: Array, left_x: float, left_z: float, step_x: float, step_z: float, across: float, along: float
) -> None:  # pragma: no cover - compiled
    """Checks of 1 u over the road, 1 u long, in one row of pixels (width, 3)."""
    past = (left_x - line[0]) * line[2] + (left_z - line[1]) * line[3]
    beside = (left_x - line[0]) * line[3] - (left_z - line[1]) * line[2]
    past_step, beside_step = step_x * line[2] + step_z * line[3], step_x * line[3] - step_z * line[2]
    first, stop = _columns_within(past, past_step, -0.5 * along, 1.0 + 0.5 * along, 0, len(pixels))
    first, stop = _columns_within(beside, beside_step, -line[4], line[4], first, stop)
    half = 0.5 * (abs(beside_step) + abs(past_step) / across * along)
    contrast = max(0.0, 1.0 - 1.5 * half)
    for column in range(first, stop):
        here, side = past + column * past_step, beside + column * beside_step
        share = min((min(here + 0.5 * along, 1.0) - max(here - 0.5 * along, 0.0)) / along, 1.0)
        bright = 235 if int(math.floor(side)) % 2 == 0 else 30
        shade = 132 + (bright - 132) * contrast
        for channel in range(3):
            colour = float(pixels[column, channel])
            pixels[column, channel] = int(colour + share * (shade - colour))
