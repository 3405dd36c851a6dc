"""The camera: draws the ground, the sky and the obstacles that a car sees, in colour or grey."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from agent.simulator import vehicle
from agent.simulator.banking import banks_ahead, bend_ground
from agent.simulator.ground_drawing import draw_ground
from agent.simulator.hills import hills_ahead
from agent.simulator.obstacle_drawing import draw_obstacles
from agent.simulator.render_inputs import LensPose, RenderInputs
from agent.simulator.typing import Array, Image


@njit(cache=True)
def render(
    out: Image,
    inputs: RenderInputs,
    car_state: Array,
    height_u: float,
    uphill: float,
    arc_u: float,
    across: float = 0.0,
) -> None:  # pragma: no cover - compiled
    """Draw what a car sees.

    :param out: the picture, (rows, columns, 3), or (rows, columns) where ``inputs`` are grey
    :param inputs: the scene as the kernels read it
    :param car_state: see ``vehicle``
    :param height_u: height of the ground under the car
    :param uphill: slope of that ground along the car's heading
    :param arc_u: the car's place along the track
    :param across: slope of that ground to the car's right
    """
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
