"""Obstacles: cones, tyres, bales, walls. The camera and the lidar see them, the body hits them.

Two shapes do for everything. A pillar stands upright round its axis; it is a cone where its top has
no width. A box has four sides and a top.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.simulator.barriers import build_barriers
from agent.simulator.cutouts import build_uprights
from agent.simulator.kernels import kernel, part
from agent.simulator.pixels import LUMA
from agent.simulator.tracks import Scene, Track
from agent.simulator.typing import Array

# The car's body seen from above (the prefab's box collider is 1 x 1.75 u).
BODY_HALF_WIDTH_U = 0.5
BODY_HALF_LENGTH_U = 0.875
BODY_RADIUS_U = 1.01  # the circle round the body, rounded up
# Columns of ``Obstacles.pillars`` and ``Obstacles.boxes``: first those of both, then of each.
X, Z, BASE = range(3)
RADIUS, PILLAR_HEIGHT, TOP_SHARE = range(3, 6)
SIN, COS, HALF_WIDTH, HALF_LENGTH, BOX_HEIGHT = range(3, 8)
# Where the sun stands in the Unity scene of generated_track.
SUN_AZIMUTH_DEG = 150.0
SUN_DEG = 50.0


class Obstacles:
    """All that stands in a scene as arrays: obstacles, pillars first, barriers and cut-outs.

    ``pillars`` is (k, 6): x, z, base, radius, height, share of the radius left at the top.
    ``boxes`` is (b, 8): x, z, base, sine and cosine of the yaw, half width, half length, height.
    ``blocking`` (n,) is true for those that the body can hit. ``rgba`` (n, 4) is their colour and
    opacity, ``grey`` (n, 2) their grey level and opacity. ``names`` are upstream's.
    The boxes from ``boxes_drawn`` on are solid barriers as body and lidar meet them; the camera
    draws ``barriers``. ``patched`` are those before it as the scene file has them.
    ``uprights`` are cut-outs and the barriers' posts; nothing hits them. ``sun`` is where the
    light goes seen from above, x and z, and how much of it comes straight down and lights all
    sides alike.
    """

    def __init__(self, scene: Scene, track: Track) -> None:
        pillars = [o for o in scene.obstacles if _kind(o) not in ("box", "cutout")]
        boxes = [o for o in scene.obstacles if _kind(o) == "box"]
        cutouts = [o for o in scene.obstacles if _kind(o) == "cutout"]
        everything = [*pillars, *boxes]
        self.barriers = build_barriers(scene.barriers, track)
        self.uprights = build_uprights(cutouts, [_base_u(o, track) for o in cutouts], self.barriers)
        self.sun = _sun(scene)
        self.names: list[str] = _unity_names(
            [*(str(o.get("name", "cone")) for o in everything), *self.barriers.solid_names]
        )
        self.blocking: NDArray[np.bool_] = np.array(
            [o.get("solid", True) for o in everything] + [True] * len(self.barriers.solid),
            dtype=np.bool_,
        )
        self.rgba = _rows([[*o["rgb"], o.get("opacity", 1.0)] for o in everything], 4)
        self.grey = grey_of(self.rgba)
        self.pillars = _rows([_pillar(o, _base_u(o, track)) for o in pillars], 6)
        self.boxes_drawn = len(boxes)
        self.patched = boxes
        drawn = _rows([_box(o, _base_u(o, track)) for o in boxes], 8)
        self.boxes: Array = np.concatenate([drawn, self.barriers.solid])

    def __len__(self) -> int:
        return len(self.names)


def grey_of(rgba: Array) -> Array:
    """Returns grey levels and opacities (n, 2) of colours and opacities."""
    return np.column_stack([rgba[:, :3] @ LUMA, rgba[:, 3]])


def _sun(scene: Scene) -> tuple[float, float, float]:
    """Returns where the light goes, see ``Obstacles``; a sun no higher than usual lights aslant."""
    light = scene.light or {}
    azimuth = math.radians(light.get("azimuth_deg", SUN_AZIMUTH_DEG))
    height_deg = light.get("sun_deg", SUN_DEG)
    if height_deg <= SUN_DEG:
        return -math.sin(azimuth), -math.cos(azimuth), 0.0
    aslant = math.cos(math.radians(height_deg)) / math.cos(math.radians(SUN_DEG))
    return -math.sin(azimuth) * aslant, -math.cos(azimuth) * aslant, 1.0 - aslant


def _kind(obstacle: dict[str, Any]) -> str:
    return str(obstacle.get("kind", "cone"))


def _base_u(obstacle: dict[str, Any], track: Track) -> float:
    """Returns the height of the ground under an obstacle, as it is beside the nearest node."""
    return track.ground_u(obstacle["x"], obstacle["z"])


def _rows(rows: list[list[float]], columns: int) -> Array:
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def _pillar(obstacle: dict[str, Any], base_u: float) -> list[float]:
    at_the_top = 0.0 if _kind(obstacle) == "cone" else 1.0
    size = [obstacle["radius_u"], obstacle["height_u"], at_the_top]
    return [obstacle["x"], obstacle["z"], base_u, *size]


def _box(obstacle: dict[str, Any], base_u: float) -> list[float]:
    yaw = math.radians(obstacle["yaw_deg"])
    bottom_u = obstacle.get("bottom_u", 0.0)
    size = [*obstacle["half_u"], obstacle["height_u"] - bottom_u]
    place = [obstacle["x"], obstacle["z"], base_u + bottom_u]
    return [*place, math.sin(yaw), math.cos(yaw), *size]


def _unity_names(names: list[str]) -> list[str]:
    """Returns Unity's names of duplicates: cone, cone (1), cone (2)."""
    counts: Counter[str] = Counter()
    unique = []
    for name in names:
        unique.append(f"{name} ({counts[name]})" if counts[name] else name)
        counts[name] += 1
    return unique


@kernel
def find_collision(
    x: float, z: float, yaw: float, pillars: Array, boxes: Array, blocking: Any
) -> int:  # pragma: no cover - compiled
    """Returns the index of an obstacle that the car's body overlaps, -1 for none.

    :param x: of the car, u, as is ``z``
    :param yaw: of the car, radians clockwise from +z
    :param pillars: see ``Obstacles``, as are ``boxes`` and ``blocking``
    """
    sin, cos = math.sin(yaw), math.cos(yaw)
    for k in range(len(pillars)):
        if blocking[k] and _hits_pillar(pillars[k], pillars[k, X] - x, pillars[k, Z] - z, sin, cos):
            return k
    for k in range(len(boxes)):
        i = len(pillars) + k
        if blocking[i] and _hits_box(boxes[k], boxes[k, X] - x, boxes[k, Z] - z, sin, cos):
            return i
    return -1


@part
def _hits_pillar(
    pillar: Array, dx: float, dz: float, sin: float, cos: float
) -> bool:  # pragma: no cover - compiled
    """Returns whether a body at (-dx, -dz) from a pillar overlaps it."""
    radius = pillar[RADIUS]
    if dx * dx + dz * dz >= (radius + BODY_RADIUS_U) ** 2:
        return False
    beside = max(abs(dx * cos - dz * sin) - BODY_HALF_WIDTH_U, 0.0)
    beyond = max(abs(dx * sin + dz * cos) - BODY_HALF_LENGTH_U, 0.0)
    return beside * beside + beyond * beyond < radius * radius


@part
def _hits_box(
    box: Array, dx: float, dz: float, sin: float, cos: float
) -> bool:  # pragma: no cover - compiled
    """Returns whether a body at (-dx, -dz) from a box overlaps it.

    Two rectangles are apart exactly if one of their four axes separates them.
    """
    half_width = box[HALF_WIDTH]
    half_length = box[HALF_LENGTH]
    if dx * dx + dz * dz > (math.hypot(half_width, half_length) + BODY_RADIUS_U) ** 2:
        return False
    s = box[SIN]
    c = box[COS]
    same = abs(cos * c + sin * s)
    turned = abs(cos * s - sin * c)
    return (
        abs(dx * cos - dz * sin) < BODY_HALF_WIDTH_U + half_width * same + half_length * turned
        and abs(dx * sin + dz * cos) < BODY_HALF_LENGTH_U + half_width * turned + half_length * same
        and abs(dx * c - dz * s)
        < half_width + BODY_HALF_WIDTH_U * same + BODY_HALF_LENGTH_U * turned
        and abs(dx * s + dz * c)
        < half_length + BODY_HALF_WIDTH_U * turned + BODY_HALF_LENGTH_U * same
    )
