"""Culling: which of the things that stand in a scene are in sight, and how far away."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator.barriers import BOTTOM, THICK, TOP, X1, X2, Z1, Z2
from agent.simulator.cutouts import HALF_WIDTH as UPRIGHT_HALF
from agent.simulator.kernels import UNWRAPPED, part
from agent.simulator.lens import Optics
from agent.simulator.obstacles import HALF_LENGTH, HALF_WIDTH, RADIUS, X, Z
from agent.simulator.polygons import NEAR_U
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.typing import Array

SIGHT_U = 300.0  # chosen: what is farther ahead is not drawn
LEAST_PX = 0.15  # chosen: wires and posts thinner than this are not drawn


@njit(cache=True, **UNWRAPPED)
def things_in_sight(inputs: RenderInputs, pose: LensPose) -> Any:  # pragma: no cover - compiled
    """Returns how far away each thing in sight is, (n,), u, and which it is, (n,).

    They are counted through: pillars, boxes, panels, wires, uprights.
    """
    pillars = inputs.pillars
    boxes = inputs.boxes
    panels = inputs.panels
    wires = inputs.wires
    uprights = inputs.uprights
    lens = inputs.lens
    widest = (lens.middle_column + 1.0) / lens.focal_px  # of the picture's half, per u of depth
    things = len(pillars) + len(boxes) + len(panels) + len(wires) + len(uprights)
    depths = np.empty(things)
    which = np.empty(things, np.int64)
    n = 0
    first = 0
    for k in range(len(pillars)):
        p = pillars[k]
        depth = _depth_in_sight(pose, p[X] - pose.x, p[Z] - pose.z, p[RADIUS], widest)
        n = _note(depths, which, n, depth, first + k)
    first += len(pillars)
    for k in range(len(boxes)):
        b = boxes[k]
        reach = b[HALF_WIDTH] + b[HALF_LENGTH]
        depth = _depth_in_sight(pose, b[X] - pose.x, b[Z] - pose.z, reach, widest)
        n = _note(depths, which, n, depth, first + k)
    first += len(boxes)
    for k in range(len(panels)):
        tall = panels[k, TOP] - panels[k, BOTTOM]
        depth = _panel_depth(lens, pose, panels[k], tall, widest)
        n = _note(depths, which, n, depth, first + k)
    first += len(panels)
    for k in range(len(wires)):
        depth = _panel_depth(lens, pose, wires[k], wires[k, THICK], widest)
        n = _note(depths, which, n, depth, first + k)
    first += len(wires)
    for k in range(len(uprights)):
        depth = _upright_depth(lens, pose, uprights[k], widest)
        n = _note(depths, which, n, depth, first + k)
    return depths[:n], which[:n]


@part
def _note(
    depths: Any, which: Any, n: int, depth: float, thing: int
) -> int:  # pragma: no cover - compiled
    """Write down a thing if it is in sight; returns how many are by now."""
    if depth < 0.0:
        return n
    depths[n] = depth
    which[n] = thing
    return n + 1


@part
def _panel_depth(
    lens: Optics, pose: LensPose, panel: Array, tall: float, widest: float
) -> float:  # pragma: no cover - compiled
    """Returns how far away a panel's middle is, u; -1 where it is out of sight."""
    dx = 0.5 * (panel[X1] + panel[X2]) - pose.x
    dz = 0.5 * (panel[Z1] + panel[Z2]) - pose.z
    reach = 0.5 * (abs(panel[X2] - panel[X1]) + abs(panel[Z2] - panel[Z1]))
    depth = _depth_in_sight(pose, dx, dz, reach, widest)
    if tall * lens.focal_px < LEAST_PX * (depth - reach):
        return -1.0
    return depth


@part
def _upright_depth(
    lens: Optics, pose: LensPose, upright: Array, widest: float
) -> float:  # pragma: no cover - compiled
    """Returns how far away an upright is, u; -1 where it is out of sight."""
    dx = upright[X] - pose.x
    dz = upright[Z] - pose.z
    half = upright[UPRIGHT_HALF]
    depth = _depth_in_sight(pose, dx, dz, half, widest)
    if 2.0 * half * lens.focal_px < LEAST_PX * depth:
        return -1.0
    return depth


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
