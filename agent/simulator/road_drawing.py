"""The road in a row of pixels: runs of one colour, as long as the row stays beside one span.

As long as it does, the place on the road's cross-section is linear in the column. A pixel whose
footprint lies on two colours gets their mean, two look-ups in the cross-section's running integral.
That filter is exact at any distance, so far lines fade instead of flickering.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.simulator.cross_section import STRIP_HALF_U, STRIP_STEP_U
from agent.simulator.dashes import BOTH, GAP, SOLID, Seen, dash_state
from agent.simulator.ground import (
    ARC,
    CLEAR_FROM,
    CLEAR_TO,
    LATERAL,
    PAST_END,
    PAST_START,
    ROAD_REACH_U,
    form,
)
from agent.simulator.ground_rows import FOREVER, Row, fill_run
from agent.simulator.kernels import fast_part
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.road_edges import GAP_STRIPS, draw_mean
from agent.simulator.typing import Array

# Widest footprint of a pixel, to either side: its look-ups stay in the table.
WIDEST_FOOTPRINT_U = STRIP_HALF_U - ROAD_REACH_U - 2.0
# Nearest place to the table's ends, and the farthest from its first: a run in a cell goes no
# farther than the cell's diagonal.
NEAREST_PLACE_U = WIDEST_FOOTPRINT_U + 1.5
FARTHEST_PLACE_U = 2.0 * STRIP_HALF_U - NEAREST_PLACE_U
SAME_FOOTPRINT = 8  # chosen: columns over which a pixel's footprint is taken to be as wide


@fast_part
def draw_span(
    flat: Any,
    inputs: RenderInputs,
    pose: LensPose,
    row: Row,
    shades: Any,
    i: int,
    column: int,
    stop: int,
) -> Any:  # pragma: no cover - compiled
    """Draws what lies beside one span of a cell; returns the column after it.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param row: the row
    :param shades: words of the strips' colours, see ``pack``
    :param i: what the cell names, see ``Ground``
    :param column: the first to draw
    :param stop: the one before which it ends at the latest
    """
    spans = inputs.spans
    x = row.left_x + column * row.step_x
    z = row.left_z + column * row.step_z
    changes = FOREVER
    if i < len(spans):
        s = _beside(spans, i, x, z)
    else:
        one, other = inputs.pairs[i - len(spans)]
        one = _beside(spans, one, x, z)
        other = _beside(spans, other, x, z)
        s, changes = _nearer(spans, one, other, inputs.middle_u, row, x, z)
    stay = _columns_beside(spans, s, row, x, z, changes)
    until = min(column + int(stay) + 1, stop)
    seen = SOLID
    while True:
        end = until
        if inputs.dashes.period_u > 0.0:
            seen, end = _seen_dashes(inputs, pose, row, s, column, until)
        _draw_cross_section(flat, inputs, pose, row, shades, s, column, end, seen)
        column = end
        if column >= until:
            break
    return until


@fast_part
def _seen_dashes(
    inputs: RenderInputs, pose: LensPose, row: Row, s: Any, column: int, until: int
) -> Any:  # pragma: no cover - compiled
    """Returns what the columns from ``column`` on see of dashes, and the one before which it ends.

    :param s: the span beside them
    :param until: the column before which it ends at the latest
    """
    spans = inputs.spans
    x = row.left_x + column * row.step_x
    z = row.left_z + column * row.step_z
    arc = form(spans, s, ARC, x, z)
    arc_step = _per_column(spans, s, ARC, row)
    facing = spans[s, ARC] * pose.cos - spans[s, ARC + 1] * pose.sin
    slanted = spans[s, ARC] * pose.sin + spans[s, ARC + 1] * pose.cos
    fan = 1.0 / (inputs.lens.focal_px * inputs.lens.cos_pitch)
    lean = slanted + facing * (column - inputs.lens.middle_column) * fan
    half = 0.5 * (abs(facing) * row.across_u + abs(lean) * row.along_u)
    state, stay = dash_state(inputs.dashes, arc, arc_step, half)
    seen = Seen(state, arc - column * arc_step, arc_step, half)
    return seen, min(column + int(stay) + 1, until)


@fast_part
def _beside(spans: Array, i: Any, x: float, z: float) -> Any:  # pragma: no cover - compiled
    """Returns the span that a point is beside.

    A cell's span is its centre's. Past an end of it the point belongs to the neighbour, or to the
    one after.
    """
    n = len(spans)
    for _ in range(3):
        if form(spans, np.uint64(i), PAST_START, x, z) < 0.0:
            i = i - 1 if i > 0 else n - 1
        elif form(spans, np.uint64(i), PAST_END, x, z) >= 0.0:
            i = i + 1 if i < n - 1 else 0
        else:
            break
    return np.uint64(i)


@fast_part
def _per_column(spans: Array, s: Any, k: int, row: Row) -> Any:  # pragma: no cover - compiled
    """Returns how fast a span's linear form grows along a row, see ``form``."""
    return spans[s, k] * row.step_x + spans[s, k + 1] * row.step_z


@fast_part
def _nearer(
    spans: Array, one: Any, other: Any, middle_u: float, row: Row, x: float, z: float
) -> Any:  # pragma: no cover - compiled
    """Returns which of two spans has the nearer middle, and for how many columns."""
    here = form(spans, one, LATERAL, x, z) - middle_u
    there = form(spans, other, LATERAL, x, z) - middle_u
    here_step = _per_column(spans, one, LATERAL, row)
    there_step = _per_column(spans, other, LATERAL, row)
    stay = FOREVER
    for columns in (
        (there - here) / (here_step - there_step),
        -(here + there) / (here_step + there_step),
    ):
        if 0.0 < columns < stay:
            stay = columns
    return (one if abs(here) <= abs(there) else other), stay


@fast_part
def _columns_beside(
    spans: Array, s: Any, row: Row, x: float, z: float, changes: float
) -> Any:  # pragma: no cover - compiled
    """Returns how many columns a row stays beside a span and nearer to it than to another leg.

    Divisions are dear, so only for those ends that it comes nearer to.

    :param changes: columns until another span of the cell is nearer
    """
    stay = FOREVER
    from_start = _per_column(spans, s, PAST_START, row)
    from_end = _per_column(spans, s, PAST_END, row)
    if from_start < 0.0:
        stay = form(spans, s, PAST_START, x, z) / -from_start
    if from_end > 0.0:
        stay = min(stay, -form(spans, s, PAST_END, x, z) / from_end)
    stay = min(max(stay, 0.0), FOREVER)
    place = form(spans, s, LATERAL, x, z)
    place_step = _per_column(spans, s, LATERAL, row)
    low, high = spans[s, CLEAR_FROM], spans[s, CLEAR_TO]
    if low < place < high:
        if not low < place + stay * place_step < high:
            bound = high if place_step > 0.0 else low
            stay = (bound - place) / place_step
    else:  # another leg may be nearer later in the cell, or in the next
        stay = min(stay, changes)
        stay = min(stay, _columns_until(x - np.uint32(x), row.step_x, 0.0, 1.0))
        stay = min(stay, _columns_until(z - np.uint32(z), row.step_z, 0.0, 1.0))
    return stay


@fast_part
def _columns_until(
    here: float, per_column: float, low: float, high: float
) -> Any:  # pragma: no cover - compiled
    """Returns how many columns a value that grows by ``per_column`` stays between two bounds."""
    room = high - here if per_column > 0.0 else here - low
    return min(max(room / max(abs(per_column), 1e-9), 0.0), FOREVER)


@fast_part
def _draw_cross_section(
    flat: Any,
    inputs: RenderInputs,
    pose: LensPose,
    row: Row,
    shades: Any,
    s: Any,
    column: int,
    until: int,
    seen: Seen,
) -> None:  # pragma: no cover - compiled
    """Draw the strips that the columns from ``column`` to before ``until`` look at."""
    gap = seen.state == GAP
    table = GAP_STRIPS if gap else np.uint32(0)
    lens = inputs.lens
    spans = inputs.spans
    strips = inputs.strips
    edges = inputs.edges
    x = row.left_x + column * row.step_x
    z = row.left_z + column * row.step_z
    # Inside a tight bend the place may be off the table.
    place = min(max(form(spans, s, LATERAL, x, z), NEAREST_PLACE_U), FARTHEST_PLACE_U)
    place_step = _per_column(spans, s, LATERAL, row)
    pace = 1.0 / max(abs(place_step), 1e-9)
    # The cross-section's normal against the picture's right and ahead.
    facing = spans[s, LATERAL] * pose.cos - spans[s, LATERAL + 1] * pose.sin
    slanted = spans[s, LATERAL] * pose.sin + spans[s, LATERAL + 1] * pose.cos
    fan = 1.0 / (lens.focal_px * lens.cos_pitch)
    half = 0.0  # of the pixel's footprint on the cross-section
    steps = np.uint32(1)  # of the table in a footprint
    known = column  # the column up to which they hold
    while column < until:
        if column >= known:
            known = column + SAME_FOOTPRINT
            # A row farther up is farther ahead along the ray.
            lean = slanted + facing * (column - lens.middle_column) * fan
            half = 0.5 * (abs(facing) * row.across_u + abs(lean) * row.along_u)
            half = min(max(half, STRIP_STEP_U), WIDEST_FOOTPRINT_U)
            steps = np.uint32(half * (2.0 / STRIP_STEP_U))
        first = np.uint32((place - half) * (1.0 / STRIP_STEP_U))
        strip = np.uint64(strips[table + first])
        run = 1
        dash = seen.state == BOTH and inputs.dashed[strip]
        if strip == strips[table + first + steps] and not dash:
            room = place - edges[strip, 0] - half
            if place_step > 0.0:
                room = edges[strip, 1] - half - place
            run = min(int(min(max(room * pace, 0.0), FOREVER)) + 1, until - column)
            fill_run(flat, inputs, row, column, run, shades, strip)
        else:  # on the edge of a line
            draw_mean(flat, inputs, row, column, first, steps, seen)
        column += run
        place += run * place_step
