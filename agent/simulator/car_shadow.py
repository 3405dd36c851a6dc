"""The car's own shadow, which the camera sees before the car where the sun is behind it."""

from __future__ import annotations

import math
from typing import Any

from agent.simulator.ground import CELL_U
from agent.simulator.ground_rows import Row, columns_within
from agent.simulator.kernels import fast_part
from agent.simulator.obstacles import BODY_HALF_LENGTH_U, BODY_HALF_WIDTH_U
from agent.simulator.render_inputs import LensPose, RenderInputs

BODY_HEIGHT_U = 1.3  # chosen: of the body that throws the shadow


@fast_part
def shade_car(
    flat: Any, inputs: RenderInputs, pose: LensPose, row: Row
) -> None:  # pragma: no cover - compiled
    """Darken one row by the car's shadow, if it reaches so far.

    :param flat: the picture's bytes
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param row: the row
    """
    lens = inputs.lens
    shadows = inputs.shadows
    turn_sin, turn_cos = math.sin(lens.yaw), math.cos(lens.yaw)
    sin = pose.sin * turn_cos - pose.cos * turn_sin
    cos = pose.cos * turn_cos + pose.sin * turn_sin
    # The shadow of the body's top, ahead and to the right of the body.
    ahead = BODY_HEIGHT_U * (shadows.sun_x * sin + shadows.sun_z * cos)
    right = BODY_HEIGHT_U * (shadows.sun_x * cos - shadows.sun_z * sin)
    x = row.left_x * CELL_U + inputs.origin[0] - pose.x
    z = row.left_z * CELL_U + inputs.origin[1] - pose.z
    place_ahead = x * sin + z * cos + lens.ahead_u
    place_right = x * cos - z * sin + lens.right_u
    step_ahead = (row.step_x * sin + row.step_z * cos) * CELL_U
    step_right = (row.step_x * cos - row.step_z * sin) * CELL_U
    nearest = min(place_ahead, place_ahead + row.width * step_ahead)
    if nearest > BODY_HALF_LENGTH_U + ahead:
        return
    channels = inputs.palette.shape[1]
    length = math.sqrt(ahead * ahead + right * right) + 1e-6
    left_u = min(right, 0.0) - BODY_HALF_WIDTH_U
    right_u = max(right, 0.0) + BODY_HALF_WIDTH_U
    first, stop = columns_within(place_right, step_right, left_u, right_u, 0, row.width)
    for column in range(first, stop):
        low = 0.0
        high = 1.0
        for place, reach, half in (
            (place_ahead + column * step_ahead, ahead, BODY_HALF_LENGTH_U),
            (place_right + column * step_right, right, BODY_HALF_WIDTH_U),
        ):
            # The part of the way from foot to top that is over this place.
            slope = reach if abs(reach) > 1e-6 else 1e-6
            one, other = (place - half) / slope, (place + half) / slope
            low, high = max(low, min(one, other)), min(high, max(one, other))
        if high > low:
            cover = min((high - low) * length / shadows.soft_u, 1.0)
            light = int(256.0 * (1.0 - shadows.darkness * cover))
            at = (row.pixel + column) * channels
            for byte in range(at, at + channels):
                flat[byte] = (int(flat[byte]) * light) >> 8
