"""The camera: draws the ground, the sky and the obstacles that a car sees, in colour or grey."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from agent.simulator import vehicle
from agent.simulator.banking import banks_ahead, bend_ground
from agent.simulator.body_roll import lean
from agent.simulator.ground_drawing import draw_ground
from agent.simulator.hills import hills_ahead
from agent.simulator.kernels import UNWRAPPED
from agent.simulator.obstacle_drawing import draw_obstacles
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.track_progress import ACROSS, ARC, HEIGHT_U, UPHILL
from agent.simulator.typing import Array, Image


@njit(cache=True)
def render_first(
    out: Image, inputs: Any, car_state: Array, progress_state: Array
) -> None:  # pragma: no cover - compiled
    """Draw what a car sees, see ``render``; for Python.

    :param inputs: a compiled list of the one ``RenderInputs``: to unpack them takes 10 us
    """
    render(out, inputs[0], car_state, progress_state)


@njit(cache=True, **UNWRAPPED)
def render(
    out: Image, inputs: RenderInputs, car_state: Array, progress_state: Array
) -> None:  # pragma: no cover - compiled
    """Draw what a car sees.

    :param out: the picture, (rows, columns, 3), or (rows, columns) where ``inputs`` are grey
    :param inputs: the scene as the kernels read it
    :param car_state: see ``vehicle``
    :param progress_state: see ``track_progress``
    """
    height_u, uphill = progress_state[HEIGHT_U], progress_state[UPHILL]
    arc_u, across = progress_state[ARC], progress_state[ACROSS]
    lens = inputs.lens
    car_yaw = car_state[vehicle.YAW]
    sin, cos = math.sin(car_yaw), math.cos(car_yaw)
    x = car_state[vehicle.X] + lens.ahead_u * sin + lens.right_u * cos
    z = car_state[vehicle.Z] + lens.ahead_u * cos - lens.right_u * sin
    banks = np.empty((0, 2))
    if inputs.banked:
        hills, banks = banks_ahead(inputs.line, car_state, arc_u, height_u, uphill)
    elif inputs.hilly:
        hills = hills_ahead(arc_u, height_u, uphill, inputs.arc_u, inputs.height_u, inputs.length_u)
    else:
        hills = np.empty((0, 2))
        uphill = 0.0
    yaw = car_yaw + lens.yaw
    roll = math.atan(across)
    pose = LensPose(
        x, z, math.sin(yaw), math.cos(yaw), height_u, uphill, math.sin(roll), math.cos(roll)
    )
    draw_ground(out, inputs, pose, hills)
    if inputs.banked:
        bend_ground(out, inputs, pose, hills, banks)
    standing = len(inputs.pillars) + len(inputs.boxes)
    if standing + len(inputs.panels) + len(inputs.wires) + len(inputs.uprights) > 0:
        draw_obstacles(out, inputs, pose, hills)
    if lens.body_roll != 0.0:
        lean(out, lens, car_state)
