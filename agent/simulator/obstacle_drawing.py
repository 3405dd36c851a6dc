"""Obstacles in a picture: flat polygons over the ground, far ones first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator.hills import row_depths
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
from agent.simulator.panel_drawing import draw_panel, draw_wires
from agent.simulator.patch_drawing import draw_patches
from agent.simulator.pixels import clear_share
from agent.simulator.polygons import Canvas, fill_face, fill_in_part
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.sight import things_in_sight
from agent.simulator.typing import Array, Image
from agent.simulator.upright_drawing import draw_upright

# Chosen: ground nearer than this share of a thing's distance, less so much, hides the thing.
HIDING_SHARE = 0.85
HIDING_LESS_U = 2.0
# Chosen: how bright the sides of a box are, and how much of it is the sun's.
SIDE_LIGHT = 0.82
SUN_LIGHT = 0.18
OVERHEAD = 0.8  # chosen: where more of the light comes straight down, nothing is seen against it


@njit(cache=True, **UNWRAPPED)
def draw_obstacles(
    out: Image, inputs: RenderInputs, pose: LensPose, hills: Array
) -> None:  # pragma: no cover - compiled
    """Draw all that stands on the ground, the far things first.

    :param out: picture (rows, columns, 3) or grey (rows, columns) that already shows the ground
    :param inputs: the scene as the kernels read it
    :param pose: where the lens is
    :param hills: see ``hills_ahead``; (0, 2) for level ground
    """
    tilt = math.atan(pose.uphill)
    rows = out.shape[0]
    canvas = Canvas(
        out,
        out.reshape(out.size),
        inputs.lens,
        pose,
        math.sin(tilt),
        math.cos(tilt),
        inputs.haze,
        np.empty((4, 3)),
        np.empty((8, 2)),
        np.empty((rows, 2)),
        np.full(1, rows - 1),
        np.empty(64, np.uint64),
        np.empty((rows, 4), np.int64),
    )
    depths, which = things_in_sight(inputs, pose)
    first_panel = len(inputs.pillars) + len(inputs.boxes)
    grounds = np.empty(0)
    standing = len(inputs.panels) + len(inputs.wires) + len(inputs.uprights)
    if len(hills) > 0 and standing > 0 and not inputs.banked:  # whose rows are bent
        grounds = row_depths(hills, inputs.lens, rows)
    turned = _lighting(inputs.sun, pose)
    for k in np.argsort(-depths):
        thing = which[k]
        clear = clear_share(depths[k], inputs.fog)
        if thing < first_panel:
            canvas.limit[0] = rows - 1
            _draw_obstacle(canvas, inputs, thing, clear)
        else:
            canvas.limit[0] = _last_row(grounds, depths[k], rows)
            _draw_standing(canvas, inputs, thing - first_panel, turned, clear)


@part
def _draw_obstacle(
    canvas: Canvas, inputs: RenderInputs, k: int, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw a pillar or a box."""
    boxes_from = len(inputs.pillars)
    colour = inputs.obstacle_colours[k]
    if colour[-1] == 0.0:
        return
    if k < boxes_from:
        _draw_pillar(canvas, inputs.pillars[k], colour, clear)
    else:
        _draw_box(canvas, inputs, k - boxes_from, colour, clear)


@part
def _draw_standing(
    canvas: Canvas, inputs: RenderInputs, k: int, turned: int, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw a panel, wires or an upright."""
    panels = inputs.panels
    wires = inputs.wires
    if k < len(panels):
        draw_panel(canvas, panels[k], inputs.panel_colours, inputs.sun, clear)
    elif k - len(panels) < len(wires):
        draw_wires(canvas, wires[k - len(panels)], inputs.panel_colours, clear)
    else:
        upright = inputs.uprights[k - len(panels) - len(wires)]
        draw_upright(canvas, upright, inputs.masks, inputs.tones, turned, clear)


@part
def _lighting(sun: Any, pose: LensPose) -> int:  # pragma: no cover - compiled
    """Returns where the sun stands of the view, see ``silhouettes``."""
    if sun[2] > OVERHEAD:
        return 0
    ahead = -(sun[0] * pose.sin + sun[1] * pose.cos)
    right = -(sun[0] * pose.cos - sun[1] * pose.sin)
    if abs(ahead) > abs(right):
        return 2 if ahead > 0.0 else 0
    return 1 if right > 0.0 else 3


@part
def _last_row(grounds: Array, depth: float, rows: int) -> int:  # pragma: no cover - compiled
    """Returns the last row that no ground nearer than a thing hides.

    :param grounds: see ``row_depths``; empty on level ground, which hides nothing
    :param depth: of the thing, u
    :param rows: of the picture
    """
    nearest = HIDING_SHARE * depth - HIDING_LESS_U
    for row in range(len(grounds)):
        if 0.0 < grounds[row] < nearest:
            return row - 1
    return rows - 1


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
    canvas: Canvas, inputs: RenderInputs, k: int, colour: Any, clear: float
) -> None:  # pragma: no cover - compiled
    """Draw the sides of a box that face the camera, and its top if that is seen."""
    box = inputs.boxes[k]
    wall = inputs.patches.of_box[k]
    sun = inputs.sun
    for side in range(4):
        nx, nz = _normal(box, side)
        if _stand_side(canvas, box, side, nx, nz):
            light = SIDE_LIGHT + SUN_LIGHT * (sun[2] - (nx * sun[0] + nz * sun[1]))
            if wall >= 0:
                draw_patches(canvas, inputs.patches, wall, light, clear)
            else:
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
