"""The lidar: how far rays from the car go before they meet the ground or an obstacle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.obstacles import Obstacles

Array = NDArray[np.float64]

CAR_ORIGIN_ABOVE_GROUND_U = 0.53  # the camera's 1.12 u above the origin are 1.65 u above the ground


@dataclass(frozen=True)
class LidarConfig:
    """Upstream's ``lidar_config`` with its defaults: lengths in Unity units, angles in degrees.

    ``noise`` only moves coordinates that upstream never sends, so distances are free of it here too.
    """

    offset_u: tuple[float, float, float] = (
        -0.016,
        0.372,
        0.737,
    )  # right, up, forward of the car's origin
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
    """All rays that hit within range, (n, 3): distance in u, ``rx`` degrees clockwise from forward, ``ry`` degrees.

    Level k looks ``deg_down + k deg_delta`` below the horizontal and reports ``ry = k deg_delta``. The ground is the
    plane the car stands on.
    """
    right, up, forward = config.offset_u
    sin, cos = math.sin(yaw), math.cos(yaw)
    sweeps = int(360.0 / max(config.deg_per_sweep, 0.1))
    turns: Array = np.arange(sweeps, dtype=np.float64) * config.deg_per_sweep
    levels: Array = np.arange(max(config.levels, 0), dtype=np.float64) * config.deg_delta
    return _scan(
        np.radians(turns), np.radians(config.deg_down + config.rot_x_deg + levels), x + right * cos + forward * sin,
        z - right * sin + forward * cos, yaw, CAR_ORIGIN_ABOVE_GROUND_U + up, height_u, config.max_range_u,
        obstacles.pillars, obstacles.boxes, turns, levels,
    )  # fmt: skip


@njit(cache=True)
def _scan(
    turns: Array, downs: Array, x: float, z: float, yaw: float, lift: float, height_u: float, reach: float,
    pillars: Array, boxes: Array, rx: Array, ry: Array,
) -> Array:  # pragma: no cover - compiled  # fmt: skip
    hits = np.empty((len(turns) * len(downs), 3))
    n = 0
    for level in range(len(downs)):
        flat, fall = math.cos(downs[level]), math.sin(downs[level])
        for k in range(len(turns)):
            dx, dz = math.sin(yaw + turns[k]), math.cos(yaw + turns[k])
            best = lift / fall if fall > 1e-9 else 1e9
            for i in range(len(pillars)):
                ox, oz = pillars[i, 0] - x, pillars[i, 1] - z
                along, aside = ox * dx + oz * dz, ox * dz - oz * dx
                if along > 0.0 and abs(aside) < pillars[i, 3]:
                    run = along - math.sqrt(pillars[i, 3] ** 2 - aside**2)
                    best = _nearer(
                        best, run, flat, fall, lift, pillars[i, 2] - height_u, pillars[i, 4]
                    )
            for i in range(len(boxes)):
                ox, oz, s, c = x - boxes[i, 0], z - boxes[i, 1], boxes[i, 3], boxes[i, 4]
                # In the box's own frame the ray enters where it has entered both slabs.
                px, pz, vx, vz = ox * c - oz * s, ox * s + oz * c, dx * c - dz * s, dx * s + dz * c
                vx, vz = vx if abs(vx) > 1e-12 else 1e-12, vz if abs(vz) > 1e-12 else 1e-12
                a, b = (-boxes[i, 5] - px) / vx, (boxes[i, 5] - px) / vx
                p, q = (-boxes[i, 6] - pz) / vz, (boxes[i, 6] - pz) / vz
                enter, leave = max(min(a, b), min(p, q)), min(max(a, b), max(p, q))
                if 0.0 < enter < leave:
                    best = _nearer(
                        best, enter, flat, fall, lift, boxes[i, 2] - height_u, boxes[i, 7]
                    )
            if best <= reach:
                hits[n, 0], hits[n, 1], hits[n, 2] = best, rx[k], ry[level]
                n += 1
    return hits[:n]


@njit(cache=True)
def _nearer(
    best: float, run: float, flat: float, fall: float, lift: float, base: float, height: float
) -> float:  # pragma: no cover - compiled
    """The shorter of ``best`` and the ray to an upright face ``run`` away, if the ray meets it in its height."""
    distance = run / max(flat, 1e-9)
    at = lift - fall * distance
    return distance if run > 0.0 and distance < best and base <= at <= base + height else best
