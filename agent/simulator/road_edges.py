"""Pixels on the edges of the road's strips: the mean colour of what their footprint lies on."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.simulator.cross_section import PLACES, STRIP_STEP_U
from agent.simulator.dashes import BOTH, GAP, Seen, painted_share
from agent.simulator.ground_rows import Row, add_texture
from agent.simulator.kernels import fast_part
from agent.simulator.pixels import blend_pixel
from agent.simulator.render_inputs import RenderInputs

ONE = np.uint64(1)
TWO = np.uint64(2)
NO_GLARE = np.uint64(0)
# Where the table of gaps begins, and its running integral.
GAP_STRIPS = np.uint32(PLACES)
GAP_INTEGRAL = np.uint32(PLACES + 1)


@fast_part
def draw_mean(
    flat: Any, inputs: RenderInputs, row: Row, column: int, first: Any, steps: Any, seen: Seen
) -> None:  # pragma: no cover - compiled
    """Draw one pixel in the mean colour of its footprint.

    :param first: of the table's places in it
    :param steps: how many they are
    :param seen: what it sees of dashes
    """
    haze_colour = inputs.haze
    channels = inputs.palette.shape[1]
    scale = row.clear / np.float32(steps * STRIP_STEP_U)
    haze = np.float32(1.0) - row.clear
    at = np.uint64((row.pixel + column) * channels)
    share = np.float32(0.0)
    if seen.state == BOTH:
        arc = seen.arc + column * seen.arc_step
        share = np.float32(1.0 - painted_share(inputs.dashes, arc, seen.half))
    elif seen.state == GAP:
        share = np.float32(1.0)
    # A loop over the channels would cost 4 us a picture.
    flat[at] = int(scale * _across(inputs, first, steps, share, 0) + haze * haze_colour[0])
    if channels == 3:
        green = scale * _across(inputs, first, steps, share, 1) + haze * haze_colour[1]
        blue = scale * _across(inputs, first, steps, share, 2) + haze * haze_colour[2]
        flat[at + ONE] = int(green)
        flat[at + TWO] = int(blue)
    if row.glare > NO_GLARE:
        blend_pixel(flat, at, channels, inputs.glare.word, row.glare)
    if row.level >= 0:
        table = GAP_STRIPS if share > np.float32(0.5) else np.uint32(0)
        strip = np.uint64(inputs.strips[table + first + (steps >> np.uint32(1))])
        add_texture(flat, inputs, row, column, strip)


@fast_part
def _across(
    inputs: RenderInputs, first: Any, steps: Any, gap_share: Any, channel: int
) -> Any:  # pragma: no cover - compiled
    """Returns the integral of a colour over a footprint, levels times u.

    :param gap_share: of the footprint that lies in gaps between dashes
    """
    integral = inputs.integral
    last = np.uint32(first + steps)
    painted = integral[last, channel] - integral[first, channel]
    if gap_share <= np.float32(0.0):
        return painted
    gap = integral[GAP_INTEGRAL + last, channel] - integral[GAP_INTEGRAL + first, channel]
    return painted + gap_share * (gap - painted)
