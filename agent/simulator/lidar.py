"""The lidar: how far rays from the car go before they meet the ground or an obstacle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from agent.simulator.kernels import part
from agent.simulator.obstacles import (
    BASE,
    BOX_HEIGHT,
    COS,
    HALF_LENGTH,
    HALF_WIDTH,
    PILLAR_HEIGHT,
    RADIUS,
    SIN,
    Obstacles,
    X,
    Z,
)
from agent.simulator.typing import Array
from agent.simulator.vehicle import CAR_ORIGIN_ABOVE_GROUND_U

MISSED_U = 1e9  # more than any range


@dataclass(frozen=True)
class LidarConfig:
    """Upstream's ``lidar_config`` with its defaults: lengths in Unity units, angles in degrees.

    :param offset_u: right, up and forward of the car's origin
    :param rot_x_deg: pitch of the mount, down
    :param deg_per_sweep: angle from one ray of a level to the next
    :param deg_down: angle of level 0 below the horizontal
    :param deg_delta: angle from one level to the next
    :param max_range_u: longest ray
    :param noise: only moves coordinates that upstream never sends, so distances are free of it
    :param levels: how many
    """

    offset_u: tuple[float, float, float] = (-0.016, 0.372, 0.737)
    rot_x_deg: float = 0.0
    deg_per_sweep: float = 2.0
    deg_down: float = 25.0
    deg_delta: float = -1.0
    max_range_u: float = 50.0
    noise: float = 0.2
    levels: int = 25


def scan(
    config: LidarConfig, x: float, z: float, yaw: float, height_u: float, obstacles: Obstacles
) -> Array:
    """Returns all rays that hit within range, (n, 3).

    They are distance in u, ``rx`` degrees clockwise from forward and ``ry`` degrees. Level k looks
    ``deg_down + k deg_delta`` below the horizontal and reports ``ry = k deg_delta``. The ground is
    the plane that the car stands on.

    :param config: mount, angles and range
    :param x: of the car, u, as is ``z``
    :param yaw: of the car, radians clockwise from +z
    :param height_u: height of the ground under the car
    :param obstacles: what can be hit
    """
    right, up, forward = config.offset_u
    sin, cos = math.sin(yaw), math.cos(yaw)
    x, z = x + right * cos + forward * sin, z - right * sin + forward * cos
    sweeps = int(360.0 / max(config.deg_per_sweep, 0.1))
    turns: Array = np.arange(sweeps, dtype=np.float64) * config.deg_per_sweep
    levels: Array = np.arange(max(config.levels, 0), dtype=np.float64) * config.deg_delta
    downs: Array = np.radians(config.deg_down + config.rot_x_deg + levels)
    pillars = obstacles.pillars
    boxes = obstacles.boxes
    runs = _runs(x, z, yaw + np.radians(turns), pillars, boxes)
    feet_u = np.concatenate([pillars[:, BASE], boxes[:, BASE]]) - height_u
    heights_u = np.concatenate([pillars[:, PILLAR_HEIGHT], boxes[:, BOX_HEIGHT]])
    distances = _distances(runs, downs, CAR_ORIGIN_ABOVE_GROUND_U + up, feet_u, heights_u)
    level, sweep = np.nonzero(distances <= config.max_range_u)
    return np.column_stack([distances[level, sweep], turns[sweep], levels[level]])


@njit(cache=True)
def _runs(
    x: float, z: float, headings: Array, pillars: Array, boxes: Array
) -> Array:  # pragma: no cover - compiled
    """Returns how far it is over the ground to each obstacle, (sweeps, n), u; -1 past it."""
    runs = np.empty((len(headings), len(pillars) + len(boxes)))
    for k in range(len(headings)):
        dx, dz = math.sin(headings[k]), math.cos(headings[k])
        for i in range(len(pillars)):
            runs[k, i] = _run_to_pillar(pillars, i, x, z, dx, dz)
        for i in range(len(boxes)):
            runs[k, len(pillars) + i] = _run_to_box(boxes, i, x, z, dx, dz)
    return runs


@part
def _run_to_pillar(
    pillars: Array, i: int, x: float, z: float, dx: float, dz: float
) -> float:  # pragma: no cover - compiled
    """Returns how far it is from (x, z) to a pillar's face in a direction, -1 past it."""
    radius = pillars[i, RADIUS]
    x, z = pillars[i, X] - x, pillars[i, Z] - z
    along, lateral = x * dx + z * dz, x * dz - z * dx
    if along > 0.0 and abs(lateral) < radius:
        return along - math.sqrt(radius**2 - lateral**2)
    return -1.0


@part
def _run_to_box(
    boxes: Array, i: int, x: float, z: float, dx: float, dz: float
) -> float:  # pragma: no cover - compiled
    """Returns how far it is from (x, z) to a box's face in a direction, -1 past it.

    In the box's own frame the ray enters where it has entered both of its slabs.
    """
    x, z = x - boxes[i, X], z - boxes[i, Z]
    sin = boxes[i, SIN]
    cos = boxes[i, COS]
    enter_x, leave_x = _slab(x * cos - z * sin, dx * cos - dz * sin, boxes[i, HALF_WIDTH])
    enter_z, leave_z = _slab(x * sin + z * cos, dx * sin + dz * cos, boxes[i, HALF_LENGTH])
    enter = max(enter_x, enter_z)
    leave = min(leave_x, leave_z)
    return enter if enter < leave else -1.0


@part
def _slab(
    place: float, speed: float, half: float
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Returns when a moving point enters and leaves [-half, half]."""
    if abs(speed) <= 1e-12:
        speed = 1e-12
    one, other = (-half - place) / speed, (half - place) / speed
    return min(one, other), max(one, other)


@njit(cache=True)
def _distances(
    runs: Array, downs: Array, lift_u: float, feet_u: Array, heights_u: Array
) -> Array:  # pragma: no cover - compiled
    """Returns how far each ray goes, (levels, sweeps), u; ``MISSED_U`` for one that meets nothing.

    A ray meets an obstacle's upright face if it is within the face's height there.

    :param downs: the levels' angles below the horizontal, radians
    :param lift_u: height at which the rays start
    :param feet_u: height of the obstacles' feet, (n,), and their own, ``heights_u``
    """
    distances = np.empty((len(downs), len(runs)))
    for level in range(len(downs)):
        flat = max(math.cos(downs[level]), 1e-9)
        fall = math.sin(downs[level])
        ground = lift_u / fall if fall > 1e-9 else MISSED_U
        for k in range(len(runs)):
            best = ground
            for i in range(len(feet_u)):
                distance = runs[k, i] / flat
                at = lift_u - fall * distance
                if 0.0 < distance < best and feet_u[i] <= at <= feet_u[i] + heights_u[i]:
                    best = distance
            distances[level, k] = best
    return distances
