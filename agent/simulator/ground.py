"""The land round a track: a grid that names the piece of road to which a place belongs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.cross_section import STRIP_HALF_U
from agent.simulator.dashes import dashed_place_u
from agent.simulator.kernels import kernel, part, snippet
from agent.simulator.paths import needed_nodes
from agent.simulator.tracks import CentreLine, Scene, Track
from agent.simulator.typing import Array

Cells = NDArray[np.int16]

CELL_U = 1.0
# The centre line is drawn through as few of its nodes as these allow: the longest span, and how far
# a node may lie beside it. Chosen: 1 cm of a road cannot be seen.
SPAN_LIMIT_U = 8.0
SPAN_ERROR_U = 0.01
# Cells farther from the road than this are plain ground.
ROAD_REACH_U = 20.0
ROADSIDE_U = 3.0  # beyond the outermost strip
# The difference of two distances changes by no more than this within a cell, from its centre.
WITHIN_CELL_U = math.sqrt(2.0) * CELL_U
SAME_LEG_U = 3.0  # spans so near along the line are no other part of the road
# Columns of a span's row, see ``_span_forms``: the first coefficient of each linear form.
LATERAL = 0
PAST_START = 3
PAST_END = 6
CLEAR_FROM = 9
CLEAR_TO = 10
ARC = 11
NO_SPAN = -9999  # of a cell for which no span was found yet


class Ground:
    """The land round one track.

    ``cells`` is a grid of ``CELL_U`` from ``origin`` on. Each names the span whose road's middle is
    nearest to its centre, the middle of the road and not the path beside it. So where the road
    crosses itself, both legs are drawn as road, and neither lies under the other's verge. A cell in
    a part of which another leg is nearer names no span. It names, from the number of spans on, one
    of ``pairs``: the two spans. A negative cell is plain ground; it says how many cells away the
    road is. ``spans`` places points on the spans, see ``_span_forms``. ``middle_u`` is the place of
    the road's middle on the cross-section.
    """

    def __init__(self, track: Track, scene: Scene) -> None:
        ends = [strip[end] for strip in scene.cross_section for end in ("from_u", "to_u")]
        road_u = max(abs(end - scene.middle_u) for end in ends)
        reach_u = min(road_u + ROADSIDE_U, ROAD_REACH_U - abs(scene.middle_u))
        needed = needed_nodes(track.nodes, SPAN_LIMIT_U, SPAN_ERROR_U)
        arc_u = np.append(track.arc_u[needed], track.length_u)
        track = Track(track.nodes[needed], closed=track.closed)
        middle = Track(track.parallel_line(scene.middle_u), closed=track.closed)
        low = middle.nodes[:, :2].min(axis=0) - reach_u
        high = middle.nodes[:, :2].max(axis=0) + reach_u
        shape = np.ceil((high - low) / CELL_U).astype(int) + 1
        self.origin: Array = low
        self.middle_u = STRIP_HALF_U + scene.middle_u
        cells, others = _nearest_spans(middle.line, low, int(shape[0]), int(shape[1]), reach_u)
        self.spans: Array = _span_forms(track, low, arc_u, dashed_place_u(scene))
        places = middle.nodes[:, :2] - low
        _measure_clearance(self.spans, cells, others, places, track.line, self.middle_u, reach_u)
        both = others >= 0
        self.pairs: Cells = np.column_stack([cells[both], others[both]])
        cells[both] = len(self.spans) + np.arange(len(self.pairs))
        self.cells: Cells = cells


def _span_forms(track: Track, origin: Array, arc_u: Array, right_u: float) -> Array:
    """Returns what places a point (x, z) of the grid's frame on each span, (n, 14).

    Three linear forms a x + b z + c as triples. They are the place on the cross-section (u from its
    first), the distance past the span's start and that past its end. Both ends are mitred:
    neighbours share the bisector of their bend. So every point beside the road belongs to one span,
    and the place is continuous. Two columns more are for ``_measure_clearance``. The last three are
    the form of the place along the path, which is continuous on a line beside it.

    :param track: the path's needed nodes
    :param origin: of the grid
    :param arc_u: of the nodes and of the end, (n + 1,)
    :param right_u: of that line from the path
    """
    places = track.nodes[:, :2] - origin
    ahead = track.direction
    behind = np.roll(ahead, 1, axis=0)
    mitre = (ahead + behind) / np.linalg.norm(ahead + behind, axis=1)[:, None]
    starts = np.column_stack([mitre, -np.sum(mitre * places, axis=1)])
    ends = np.roll(starts, -1, axis=0)
    if not track.closed:  # the road goes on beyond its ends as far as the cells say
        starts[0] = (0.0, 0.0, 1.0)
        ends[-1] = (0.0, 0.0, -1.0)
    across = np.column_stack([ahead[:, 1], -ahead[:, 0]])
    lateral = np.column_stack([across, STRIP_HALF_U - np.sum(across * places, axis=1)])
    clear = np.zeros((len(places), 2))
    along = _arc_forms(track, places, mitre, arc_u, right_u)
    return np.column_stack([lateral, starts, ends, clear, along])


def _arc_forms(track: Track, places: Array, mitre: Array, arc_u: Array, right_u: float) -> Array:
    """Returns each span's form of the place along the path, (n, 3), see ``_span_forms``."""
    ahead = track.direction
    if not track.closed:
        mitre[0] = ahead[0]
    # The line meets the bisectors of the bends at both ends of a span.
    right = np.column_stack([mitre[:, 1], -mitre[:, 0]])
    right *= right_u / np.sum(mitre * ahead, axis=1)[:, None]
    first_u = np.sum(ahead * right, axis=1)
    last_u = track.span_u + np.sum(ahead * np.roll(right, -1, axis=0), axis=1)
    # Inside a very tight bend nothing is left of the line.
    rate = np.diff(arc_u) / np.maximum(last_u - first_u, 0.1 * track.span_u)
    if not track.closed:  # the road goes on beyond its end
        rate[-1] = 1.0
    start = arc_u[:-1] - (np.sum(ahead * places, axis=1) + first_u) * rate
    return np.column_stack([ahead * rate[:, None], start])


class Grid(NamedTuple):
    """Cells round a track, see ``_nearest_spans``; the arrays are (columns, rows)."""

    origin: Array
    reach: int  # cells that a span may be nearest to, from its middle
    cells: Any
    nearest2: Any  # squared distance to the nearest span, u^2
    others: Any


@njit(cache=True)
def _nearest_spans(
    spans: CentreLine, origin: Array, columns: int, rows: int, reach_u: float
) -> Any:  # pragma: no cover - compiled
    """Returns two grids (columns, rows) of spans.

    The first names the span nearest to each cell's centre. Beyond ``reach_u`` it is minus the
    number of cells to the nearest that has one, counted as a king moves. The second names the
    nearest span of another leg of the road if that may be nearer elsewhere in the cell, else -1.
    """
    cells = np.full((columns, rows), np.int16(NO_SPAN))
    others = np.full((columns, rows), np.int16(-1))
    nearest2 = np.full((columns, rows), np.float32(reach_u**2))
    reach = int((reach_u + 0.5 * SPAN_LIMIT_U) / CELL_U) + 2
    grid = Grid(origin, reach, cells, nearest2, others)
    _find_nearest(spans, grid)
    limit2 = (np.sqrt(nearest2) + np.float32(WITHIN_CELL_U)) ** 2
    _find_other_legs(spans, grid, limit2)
    count_cells(cells)
    count_cells(cells[::-1, ::-1])
    return cells, others


@part
def _find_nearest(spans: CentreLine, grid: Grid) -> None:  # pragma: no cover - compiled
    """Write the nearest spans and their distances into the grid."""
    for i in range(len(spans.nodes)):
        first_column, stop_column = _window(spans, i, 0, grid)
        first_row, stop_row = _window(spans, i, 1, grid)
        for c in range(first_column, stop_column):
            for r in range(first_row, stop_row):
                d2 = _squared_distance(spans, i, grid.origin, c, r)
                if d2 < grid.nearest2[c, r]:
                    grid.nearest2[c, r] = d2
                    grid.cells[c, r] = i


@part
def _find_other_legs(
    spans: CentreLine, grid: Grid, limit2: Any
) -> None:  # pragma: no cover - compiled
    """Write the nearest spans of other legs into the grid.

    :param limit2: squared distances below which they may be nearer, u^2; changed in place
    """
    cells = grid.cells
    for i in range(len(spans.nodes)):
        first_column, stop_column = _window(spans, i, 0, grid)
        first_row, stop_row = _window(spans, i, 1, grid)
        for c in range(first_column, stop_column):
            for r in range(first_row, stop_row):
                d2 = _squared_distance(spans, i, grid.origin, c, r)
                if d2 >= limit2[c, r] or cells[c, r] < 0:
                    continue
                apart_u = abs(spans.arc_u[cells[c, r]] - spans.arc_u[i])
                if spans.closed:
                    apart_u = min(apart_u, spans.length_u - apart_u)
                # Inside a bend all of it is as near: half a turn is pi times as long.
                bend_u = 2.0 * (math.sqrt(d2) + math.sqrt(grid.nearest2[c, r]))
                if apart_u > SPAN_LIMIT_U + SAME_LEG_U + bend_u:
                    limit2[c, r] = d2
                    grid.others[c, r] = i


@part
def _window(spans: CentreLine, i: int, axis: int, grid: Grid) -> Any:  # pragma: no cover - compiled
    """Returns the cells along an axis that a span may be nearest to: first and one past last."""
    half_span = 0.5 * spans.direction[i, axis] * spans.span_u[i]
    middle = int((spans.nodes[i, axis] + half_span - grid.origin[axis]) / CELL_U)
    first = max(0, middle - grid.reach)
    return first, min(grid.cells.shape[axis], middle + grid.reach + 1)


@part
def _squared_distance(
    spans: CentreLine, i: int, origin: Array, c: int, r: int
) -> float:  # pragma: no cover - compiled
    """Returns the squared distance between a span and a cell's centre, u^2."""
    dx = origin[0] + (c + 0.5) * CELL_U - spans.nodes[i, 0]
    dz = origin[1] + (r + 0.5) * CELL_U - spans.nodes[i, 1]
    x = spans.direction[i, 0]
    z = spans.direction[i, 1]
    t = min(max(dx * x + dz * z, 0.0), spans.span_u[i])
    return (dx - t * x) ** 2 + (dz - t * z) ** 2


@part
def count_cells(cells: Any) -> None:  # pragma: no cover - compiled
    """Count empty cells up from their neighbours in the row before and on the left.

    On a reversed grid this counts the rest.
    """
    columns, rows = cells.shape
    for c in range(columns):
        for r in range(rows):
            if cells[c, r] >= 0:
                continue
            near = cells[c, r]
            if r > 0:
                near = max(near, min(cells[c, r - 1], 0) - 1)
            if c > 0:
                near = max(near, min(cells[c - 1, r], 0) - 1)
            if c > 0 and r > 0:
                near = max(near, min(cells[c - 1, r - 1], 0) - 1)
            if c > 0 and r < rows - 1:
                near = max(near, min(cells[c - 1, r + 1], 0) - 1)
            cells[c, r] = near


@kernel
def _measure_clearance(
    forms: Array,
    cells: Any,
    others: Any,
    places: Array,
    line: CentreLine,
    middle_u: float,
    reach_u: float,
) -> None:  # pragma: no cover - compiled
    """Writes each span's clear part of the cross-section into its last two columns.

    Between these places no other part of the road is nearer than the span and its neighbours.

    :param cells: of ``_nearest_spans``, as are ``others``
    :param places: of the nodes of the road's middle in the grid's frame
    """
    reach = int((reach_u + SPAN_LIMIT_U) / CELL_U) + 2
    columns, rows = cells.shape
    for i in range(len(forms)):
        forms[i, CLEAR_FROM] = middle_u - reach_u + CELL_U
        forms[i, CLEAR_TO] = middle_u + reach_u - CELL_U
        column, row = int(places[i, 0] / CELL_U), int(places[i, 1] / CELL_U)
        for c in range(max(0, column - reach), min(columns, column + reach + 1)):
            for r in range(max(0, row - reach), min(rows, row + reach + 1)):
                x, z = (c + 0.5) * CELL_U, (r + 0.5) * CELL_U
                if _is_beside(forms, i, x, z) and _is_contested(line, i, cells[c, r], others[c, r]):
                    _end_clearance(forms, i, middle_u, form(forms, i, LATERAL, x, z))


@part
def _end_clearance(
    forms: Array, i: int, middle_u: float, place: float
) -> None:  # pragma: no cover - compiled
    """End a span's clear part a cell before a place."""
    if place < middle_u:
        forms[i, CLEAR_FROM] = max(forms[i, CLEAR_FROM], place + CELL_U)
    else:
        forms[i, CLEAR_TO] = min(forms[i, CLEAR_TO], place - CELL_U)


@part
def _is_beside(forms: Array, i: int, x: float, z: float) -> bool:  # pragma: no cover - compiled
    """Returns whether a point is beside a span, give or take a cell."""
    if form(forms, i, PAST_START, x, z) < -CELL_U:
        return False
    return form(forms, i, PAST_END, x, z) <= CELL_U


@part
def _is_contested(
    line: CentreLine, i: int, cell: Any, other: Any
) -> bool:  # pragma: no cover - compiled
    """Returns whether a cell belongs, in part or whole, to a span that is no neighbour of ``i``."""
    if cell < 0:
        return False
    if other >= 0:
        return True
    apart = abs(cell - i)
    apart_u = abs(line.arc_u[cell] - line.arc_u[i])
    if line.closed:
        apart = min(apart, len(line.arc_u) - apart)
        apart_u = min(apart_u, line.length_u - apart_u)
    return apart > 1 and apart_u > SAME_LEG_U


@snippet
def form(forms: Array, i: Any, k: int, x: float, z: float) -> Any:  # pragma: no cover - compiled
    """Returns the value at (x, z) of a span's linear form whose coefficients begin in column ``k``.

    :param forms: see ``Ground.spans``
    :param i: the span
    :param k: ``LATERAL``, ``PAST_START`` or ``PAST_END``
    :param x: in the grid's frame, as is ``z``
    """
    return forms[i, k] * x + forms[i, k + 1] * z + forms[i, k + 2]
