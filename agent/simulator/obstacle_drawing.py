"""Obstacles in a picture: flat polygons over the ground, far ones first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator.kernels import UNWRAPPED, part, routine
from agent.simulator.obstacles import (
    BASE,
    BOX_HEIGHT,
    COS,
    HALF_LENGTH,
    HALF_WIDTH,
    PILLAR_HEIGHT,
    RADIUS,
    SIN,
    TOP_SHARE,
    X,
    Z,
)
from agent.simulator.pixels import clear_share
from agent.simulator.polygons import NEAR_U, Canvas, fill_face, fill_in_part
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.typing import Array, Image

SIGHT_U = 300.0  # chosen: what is farther ahead is not drawn
# Where the light goes, seen from above: the sun of generated_track in the Unity scene.
SUN_X = math.sin(math.radians(-30.0))
SUN_Z = math.cos(math.radians(-30.0))
# Chosen: how bright the sides of a box are, and how much of it is the sun's.
SIDE_LIGHT = 0.82
SUN_LIGHT = 0.18


@njit(cache=True, **UNWRAPPED)
def draw_obstacles(
    out: Image, inputs: RenderInputs, pose: LensPose
) -> None:  # pragma: no cover - compiled
    """Draw all obstacles, the far ones first.

    :param out: picture (rows, columns, 3) or grey (rows, columns) that already shows the ground
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    """
    pillars = inputs.pillars
    boxes = inputs.boxes
    colours = inputs.obstacle_colours
    tilt = math.atan(pose.uphill)
    canvas = Canvas(
        out,
        inputs.lens,
        pose,
        math.sin(tilt),
        math.cos(tilt),
        inputs.haze,
        np.empty((4, 3)),
        np.empty((8, 2)),
        np.empty((out.shape[0], 2)),
    )
    depths = _depths_in_sight(inputs, pose)
    for k in np.argsort(-depths):
        if depths[k] < 0.0:
            break
        clear = clear_share(depths[k])
        if k < len(pillars):
            _draw_pillar(canvas, pillars[k], colours[k], clear)
        else:
            _draw_box(canvas, boxes[k - len(pillars)], colours[k], clear)


@njit(cache=True, **UNWRAPPED)
def _depths_in_sight(inputs: RenderInputs, pose: LensPose) -> Any:  # pragma: no cover - compiled
    """Returns how far away each obstacle is, pillars first, (n,), u; -1 for those out of sight."""
    pillars = inputs.pillars
    boxes = inputs.boxes
    lens = inputs.lens
    widest = (lens.middle_column + 1.0) / lens.focal_px  # of the picture's half, per u of depth
    depths = np.empty(len(pillars) + len(boxes))
    for k in range(len(pillars)):
        p = pillars[k]
        depths[k] = _depth_in_sight(pose, p[X] - pose.x, p[Z] - pose.z, p[RADIUS], widest)
    for k in range(len(boxes)):
        b = boxes[k]
        depths[len(pillars) + k] = _depth_in_sight(
            pose, b[X] - pose.x, b[Z] - pose.z, b[HALF_WIDTH] + b[HALF_LENGTH], widest
        )
    return depths


@part
def _depth_in_sight(
    pose: LensPose, dx: float, dz: float, reach: float, widest: float
) -> float:  # pragma: no cover - compiled
    """Returns how far away an obstacle is, u; -1 where it is out of sight."""
    ahead = dx * pose.sin + dz * pose.cos
    right = abs(dx * pose.cos - dz * pose.sin)
    if ahead + reach < NEAR_U or ahead > SIGHT_U or right - reach > widest * (ahead + reach) + 2.0:
        return -1.0
    return math.hypot(dx, dz)


@routine
def _draw_pillar(
    canvas: Canvas, pillar: Array, colour: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw a pillar as the flat shape that it shows to the camera."""
    foot = pillar[RADIUS]
    tip = foot * pillar[TOP_SHARE]
    low_u = pillar[BASE]
    high_u = low_u + pillar[PILLAR_HEIGHT]
    for i in range(4):
        is_foot = i < 2
        lateral = foot if is_foot else tip
        if i in (0, 3):
            lateral = -lateral
        canvas.corners[i, 0] = pillar[X] + lateral * canvas.pose.cos
        canvas.corners[i, 1] = pillar[Z] - lateral * canvas.pose.sin
        canvas.corners[i, 2] = low_u if is_foot else high_u
    fill_in_part(canvas, colour, 1.0, clear)


@routine
def _draw_box(
    canvas: Canvas, box: Array, colour: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw the sides of a box that face the camera, and its top if that is seen."""
    for side in range(4):
        nx, nz = _normal(box, side)
        if _stand_side(canvas, box, side, nx, nz):
            light = SIDE_LIGHT - SUN_LIGHT * (nx * SUN_X + nz * SUN_Z)
            fill_face(canvas, colour, light, clear)
    top_u = box[BASE] + box[BOX_HEIGHT]
    if canvas.lens.height_u + canvas.pose.height_u > top_u:
        _lay_top(canvas, box, top_u)
        fill_face(canvas, colour, 1.0, clear)


@part
def _normal(box: Array, side: int) -> Any:  # pragma: no cover - compiled
    """Returns where a side of a box looks, x and z: ahead, right, behind and left of it."""
    right = (0.0, 1.0, 0.0, -1.0)[side]
    ahead = (1.0, 0.0, -1.0, 0.0)[side]
    sin, cos = box[SIN], box[COS]
    return right * cos + ahead * sin, -right * sin + ahead * cos


@part
def _stand_side(
    canvas: Canvas, box: Array, side: int, nx: float, nz: float
) -> bool:  # pragma: no cover - compiled
    """Make a side the canvas's polygon; returns whether it faces the camera."""
    reach, half = box[HALF_LENGTH], box[HALF_WIDTH]
    if side % 2 == 1:
        reach, half = half, reach
    x, z = box[X] + nx * reach, box[Z] + nz * reach
    if (canvas.pose.x - x) * nx + (canvas.pose.z - z) * nz <= 0.0:
        return False
    for i in range(4):
        along = half if i in (0, 3) else -half
        canvas.corners[i, 0] = x + along * nz
        canvas.corners[i, 1] = z - along * nx
        canvas.corners[i, 2] = box[BASE] + (0.0 if i < 2 else box[BOX_HEIGHT])
    return True


@part
def _lay_top(canvas: Canvas, box: Array, top_u: float) -> None:  # pragma: no cover - compiled
    """Make the top of a box the canvas's polygon."""
    sin = box[SIN]
    cos = box[COS]
    for i in range(4):
        right = box[HALF_WIDTH] * (1.0 if i in (0, 3) else -1.0)
        ahead = box[HALF_LENGTH] * (1.0 if i < 2 else -1.0)
        canvas.corners[i, 0] = box[X] + right * cos + ahead * sin
        canvas.corners[i, 1] = box[Z] - right * sin + ahead * cos
        canvas.corners[i, 2] = top_u
