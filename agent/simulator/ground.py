"""What the camera looks up: where the road lies (``Ground``) and what it is painted with (``Paint``)."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.lens import SKY_FOCAL_PX, SKY_PITCH, Lens
from agent.simulator.pixels import EVERY_BYTE, LUMA
from agent.simulator.tracks import Scene, Track

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

CELL_U = 1.0
SPAN_LIMIT_U, SPAN_ERROR_U = (
    8.0,
    0.01,
)  # the line is drawn through as few of its nodes as these allow
ROAD_REACH_U, ROADSIDE_U = 20.0, 3.0  # cells farther from the road than this are plain ground
WITHIN_CELL_U = (
    math.sqrt(2.0) * CELL_U
)  # two distances' difference changes by no more from a cell's centre
SAME_LEG_U = 3.0  # spans so near along the line are no other part of the road
STRIP_STEP_U = 0.01  # resolution of the cross-section
STRIP_HALF_U = 32.0  # the reach and the widest footprint fit inside, so no look-up needs a check
SKIES_KEPT = 64  # one a lens; a server meets many


class Ground:
    """The land round one track.

    ``cells`` names the span whose road's middle is nearest in a grid of ``CELL_U`` from ``origin`` on, ``spans``
    places points on them, see ``_span_forms``. Nearest to the middle of the road, not to the path beside it: so where
    the road crosses itself, what lies on either way is drawn as road, never as the other one's verge. Where another
    part of the road may be nearer in a part of the cell, it names no span but, from their number on, one of ``pairs``:
    the two spans. ``middle_u`` is the place of the road's middle on the cross-section.
    """

    def __init__(self, track: Track, scene: Scene) -> None:
        road_u = max(
            abs(strip[end] - scene.middle_u)
            for strip in scene.cross_section
            for end in ("from_u", "to_u")
        )
        reach_u = min(road_u + ROADSIDE_U, ROAD_REACH_U - abs(scene.middle_u))
        track = Track(track.nodes[_needed_nodes(track.nodes)], closed=track.closed)
        middle = Track(track.parallel_line(scene.middle_u), closed=track.closed)
        low = middle.nodes[:, :2].min(axis=0) - reach_u
        high = middle.nodes[:, :2].max(axis=0) + reach_u
        shape = np.ceil((high - low) / CELL_U).astype(int) + 1
        self.origin: Array = low
        self.middle_u = STRIP_HALF_U + scene.middle_u
        cells, others = _nearest_spans(
            middle.nodes, middle.direction, middle.span_u, middle.arc_u, middle.length_u, middle.closed, low,
            int(shape[0]), int(shape[1]), reach_u,
        )  # fmt: skip
        self.spans: Array = _span_forms(track, low)
        _measure_clearance(
            self.spans, cells, others, middle.nodes[:, :2] - low, track.arc_u, track.length_u, track.closed,
            self.middle_u, reach_u,
        )  # fmt: skip
        both = others >= 0
        self.pairs: NDArray[np.int16] = np.column_stack([cells[both], others[both]])
        cells[both] = len(self.spans) + np.arange(len(self.pairs))
        self.cells: NDArray[np.int16] = cells


class Paint:
    """How a scene is painted: the cross-section as strips, their colours and their grey levels, grain, start line.

    :param grain: peak of the ground's grain in grey levels
    """

    def __init__(self, scene: Scene, grain: int = 5) -> None:
        self.strips, self.edges, self._palette = _strips(scene, grain)
        self._sky_rows = [row for row, _ in scene.sky]
        self._sky = np.array([rgb for _, rgb in scene.sky], dtype=float)
        self.grain_mean = np.uint64(grain) * EVERY_BYTE
        drawn = np.random.default_rng(0).integers(0, 2 * grain + 1, (2, 64, 64, 8), dtype=np.uint8)
        self.grain: NDArray[np.uint64] = (
            drawn[0, ..., 0].astype(np.uint64) * EVERY_BYTE
        )  # one level for two pixels
        # Eight pixels, each the mean of two of those, as where a picture is halved.
        self.grey_grain: NDArray[np.uint64] = ((drawn[0] + drawn[1]) // 2).view(np.uint64)[..., 0]
        self.start_line: Array = _start_line(scene)

    @cached_property
    def rgb(self) -> Colours:
        """The colours."""
        return Colours(self._palette, self.strips, self._sky_rows, self._sky)

    @cached_property
    def grey(self) -> Colours:
        """Their grey levels."""
        return Colours(
            self._palette @ LUMA[:, None], self.strips, self._sky_rows, self._sky @ LUMA[:, None]
        )


class Colours:
    """Colours of strips and sky, each row red, green and blue, or one grey level.

    ``palette`` (k, channels) are the strips' colours, ``integral`` (n + 1, channels) their running integral over the
    cross-section, ``haze`` (channels,) what far things fade into.
    """

    def __init__(
        self, palette: Floats, strips: NDArray[np.uint8], sky_rows: list[int], sky: Array
    ) -> None:
        self.palette: Floats = np.ascontiguousarray(palette, dtype=np.float32)
        across = self.palette[strips].astype(np.float64)
        total = np.vstack([np.zeros((1, across.shape[1])), np.cumsum(across, axis=0)])
        self.integral: Floats = (total * STRIP_STEP_U).astype(np.float32)
        self.haze: Floats = sky[-1].astype(np.float32)
        self._sky = sky_rows, sky
        self._skies: dict[Lens, Image] = {}

    def sky_for(self, lens: Lens) -> Image:
        """The sky from a picture's height above the first row to as far below the last, (3 height, bytes a row)."""
        if lens not in self._skies:
            if len(self._skies) >= SKIES_KEPT:
                self._skies.clear()
            self._skies[lens] = _sky_rows(*self._sky, lens)
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


def _start_line(scene: Scene) -> Array:
    """The line's middle x and z, its heading's sine and cosine, half width; all zero for none."""
    line = scene.start_line
    if line is None:
        return np.zeros(5)
    heading = math.radians(line["yaw_deg"])
    return np.array(
        [line["x"], line["z"], math.sin(heading), math.cos(heading), line["half_width_u"]]
    )


def _strips(scene: Scene, grain: int) -> tuple[NDArray[np.uint8], Array, Floats]:
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
    return strips, edges, np.clip(colours[firsts], grain + 1.0, 254.0 - grain)


def _sky_rows(rows: list[int], colours: Array, lens: Lens) -> Image:
    focal_px, middle_row, _, cos_pitch, sin_pitch = lens.values[:5]
    down = np.arctan(
        (np.arange(-lens.height, 2 * lens.height) - middle_row) / focal_px
    ) + math.atan2(sin_pitch, cos_pitch)
    level = 59.5 + SKY_FOCAL_PX * np.tan(np.clip(down - SKY_PITCH, -1.5, 1.5))
    shades = [np.interp(level, rows, colours[:, k]) for k in range(colours.shape[1])]
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
            error = max(
                error, abs((nodes[i, 0] - x) * dz - (nodes[i, 1] - z) * dx) / max(length, 1e-9)
            )
        if length > SPAN_LIMIT_U or error > SPAN_ERROR_U:
            kept.append(end - 1)
    kept.append(len(nodes) - 1)
    return np.array(kept)


@njit(cache=True)
def _nearest_spans(
    nodes: Array, direction: Array, span_u: Array, arc_u: Array, length_u: float, closed: bool, origin: Array,
    columns: int, rows: int, reach_u: float,
) -> Any:  # pragma: no cover - compiled  # fmt: skip
    """Grids (columns, rows) of the span nearest to each cell's centre and of the nearest one of another part of the
    road if that may be nearer elsewhere in the cell, or -1. Beyond ``reach_u`` the first is minus the number of cells,
    counted as a king moves, to the nearest that has one."""
    cells = np.full((columns, rows), np.int16(-9999))
    others = np.full((columns, rows), np.int16(-1))
    nearest2 = np.full((columns, rows), np.float32(reach_u**2))
    limit2 = np.empty_like(nearest2)
    reach = int((reach_u + 0.5 * SPAN_LIMIT_U) / CELL_U) + 2
    for again in (False, True):
        if again:
            limit2 = (np.sqrt(nearest2) + np.float32(WITHIN_CELL_U)) ** 2
        for i in range(len(nodes)):
            middle_x = nodes[i, 0] + 0.5 * direction[i, 0] * span_u[i] - origin[0]
            middle_z = nodes[i, 1] + 0.5 * direction[i, 1] * span_u[i] - origin[1]
            for c in range(
                max(0, int(middle_x / CELL_U) - reach),
                min(columns, int(middle_x / CELL_U) + reach + 1),
            ):
                for r in range(
                    max(0, int(middle_z / CELL_U) - reach),
                    min(rows, int(middle_z / CELL_U) + reach + 1),
                ):
                    dx = origin[0] + (c + 0.5) * CELL_U - nodes[i, 0]
                    dz = origin[1] + (r + 0.5) * CELL_U - nodes[i, 1]
                    t = min(max(dx * direction[i, 0] + dz * direction[i, 1], 0.0), span_u[i])
                    d2 = (dx - t * direction[i, 0]) ** 2 + (dz - t * direction[i, 1]) ** 2
                    if not again:
                        if d2 < nearest2[c, r]:
                            nearest2[c, r] = d2
                            cells[c, r] = i
                    elif d2 < limit2[c, r] and cells[c, r] >= 0:
                        apart_u = abs(arc_u[cells[c, r]] - arc_u[i])
                        if closed:
                            apart_u = min(apart_u, length_u - apart_u)
                        # Inside a bend all of it is as near: half a turn is pi times as long.
                        if apart_u > SPAN_LIMIT_U + SAME_LEG_U + 2.0 * (
                            math.sqrt(d2) + math.sqrt(nearest2[c, r])
                        ):
                            limit2[c, r] = d2
                            others[c, r] = i
    _count_cells(cells)
    _count_cells(cells[::-1, ::-1])
    return cells, others


@njit(cache=True)
def _count_cells(cells: Any) -> None:  # pragma: no cover - compiled
    """Count empty cells up from their neighbours in the row before and on the left; the other way round, the rest."""
    for c in range(cells.shape[0]):
        for r in range(cells.shape[1]):
            if cells[c, r] < 0:
                near = cells[c, r]
                if r > 0:
                    near = max(near, min(cells[c, r - 1], 0) - 1)
                if c > 0:
                    near = max(near, min(cells[c - 1, r], 0) - 1)
                    if r > 0:
                        near = max(near, min(cells[c - 1, r - 1], 0) - 1)
                    if r < cells.shape[1] - 1:
                        near = max(near, min(cells[c - 1, r + 1], 0) - 1)
                cells[c, r] = near


@njit(cache=True)
def _measure_clearance(
    spans: Array, cells: Any, others: Any, places: Array, arc_u: Array, length_u: float, closed: bool, middle: float,
    reach_u: float,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Between which places on the cross-section no other part of the road is nearer than a span and its neighbours."""
    n, reach = len(spans), int((reach_u + SPAN_LIMIT_U) / CELL_U) + 2
    for i in range(n):
        spans[i, 9], spans[i, 10] = middle - reach_u + CELL_U, middle + reach_u - CELL_U
        c0, r0 = int(places[i, 0] / CELL_U), int(places[i, 1] / CELL_U)
        for c in range(max(0, c0 - reach), min(len(cells), c0 + reach + 1)):
            for r in range(max(0, r0 - reach), min(cells.shape[1], r0 + reach + 1)):
                x, z = (c + 0.5) * CELL_U, (r + 0.5) * CELL_U
                if (
                    form(spans, i, 3, x, z) < -CELL_U
                    or form(spans, i, 6, x, z) > CELL_U
                    or cells[c, r] < 0
                ):
                    continue
                apart, apart_u = abs(cells[c, r] - i), abs(arc_u[cells[c, r]] - arc_u[i])
                if closed:
                    apart, apart_u = min(apart, n - apart), min(apart_u, length_u - apart_u)
                if others[c, r] >= 0 or (apart > 1 and apart_u > SAME_LEG_U):
                    place = form(spans, i, 0, x, z)
                    if place < middle:
                        spans[i, 9] = max(spans[i, 9], place + CELL_U)
                    else:
                        spans[i, 10] = min(spans[i, 10], place - CELL_U)


@njit(cache=True, inline="always")
def form(spans: Array, i: Any, k: int, x: float, z: float) -> Any:  # pragma: no cover - compiled
    return spans[i, k] * x + spans[i, k + 1] * z + spans[i, k + 2]
