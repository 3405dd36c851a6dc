"""What stands on the ground: cones, tyres, bales, walls. The camera draws it, the lidar sees it, the body hits it.

Two shapes do for everything: a pillar stands upright round its axis (a cone where its top has no width), a box has
four sides and a top. Both are drawn as flat polygons, far ones first.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator.pixels import LUMA, fill, pack
from agent.simulator.tracks import Scene, Track

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

# The car's body seen from above (the prefab's box collider is 1 x 1.75 u).
BODY_HALF_WIDTH_U, BODY_HALF_LENGTH_U = 0.5, 0.875
NEAR_U = 0.3  # the camera's near plane
SIGHT_U = 300.0
SUN = (
    math.sin(math.radians(-30.0)),
    math.cos(math.radians(-30.0)),
)  # where the light goes, seen from above


class Obstacles:
    """The obstacles of a scene as arrays.

    ``pillars`` is (k, 6): x, z, base, radius, height, share of the radius left at the top; ``boxes`` (b, 8): x, z,
    base, sine and cosine of the yaw, half width, half length, height. ``blocking`` tells pillars first, then boxes,
    which of them the body can hit, ``rgba`` (n, 4) their colour and opacity, ``grey`` (n, 2) their grey level and
    opacity, ``names`` what upstream calls them.
    """

    def __init__(self, scene: Scene, track: Track) -> None:
        round_ones = [o for o in scene.obstacles if o.get("kind", "cone") != "box"]
        square_ones = [o for o in scene.obstacles if o.get("kind", "cone") == "box"]
        everything = [*round_ones, *square_ones]
        self.names: list[str] = _unity_names([str(o.get("name", "cone")) for o in everything])
        self.blocking: NDArray[np.bool_] = np.array(
            [o.get("solid", True) for o in everything], dtype=np.bool_
        )
        self.rgba: Array = np.array(
            [[*o["rgb"], o.get("opacity", 1.0)] for o in everything], dtype=float
        ).reshape(-1, 4)
        self.grey: Array = np.column_stack([self.rgba[:, :3] @ LUMA, self.rgba[:, 3]])
        base = [float(track.height_u[track.nearest_node(o["x"], o["z"])]) for o in everything]
        self.pillars: Array = np.array(
            [
                [
                    o["x"],
                    o["z"],
                    y,
                    o["radius_u"],
                    o["height_u"],
                    0.0 if o.get("kind", "cone") == "cone" else 1.0,
                ]
                for o, y in zip(round_ones, base, strict=False)
            ],
            dtype=np.float64,
        ).reshape(-1, 6)
        self.boxes: Array = np.array(
            [
                [o["x"], o["z"], y, *_sine_cosine(o["yaw_deg"]), *o["half_u"], o["height_u"]]
                for o, y in zip(square_ones, base[len(round_ones) :], strict=True)
            ],
            dtype=np.float64,
        ).reshape(-1, 8)

    def __len__(self) -> int:
        return len(self.names)


def _sine_cosine(degrees: float) -> tuple[float, float]:
    return math.sin(math.radians(degrees)), math.cos(math.radians(degrees))


def _unity_names(names: list[str]) -> list[str]:
    """Unity's names of duplicates: cone, cone (1), cone (2)."""
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        out.append(name if not seen[name] else f"{name} ({seen[name]})")
        seen[name] += 1
    return out


@njit(cache=True)
def find_collision(
    x: float, z: float, yaw: float, pillars: Array, boxes: Array, blocking: Any
) -> int:  # pragma: no cover - compiled
    """Index of an obstacle that the body of a car at ``x, z`` overlaps, -1 for none."""
    sin, cos = math.sin(yaw), math.cos(yaw)
    for k in range(len(pillars)):
        dx, dz, radius = pillars[k, 0] - x, pillars[k, 1] - z, pillars[k, 3]
        if blocking[k] and dx * dx + dz * dz < (radius + 1.01) ** 2:
            right, ahead = abs(dx * cos - dz * sin), abs(dx * sin + dz * cos)
            aside, beyond = (
                max(right - BODY_HALF_WIDTH_U, 0.0),
                max(ahead - BODY_HALF_LENGTH_U, 0.0),
            )
            if aside * aside + beyond * beyond < radius * radius:
                return k
    for k in range(len(boxes)):
        dx, dz = boxes[k, 0] - x, boxes[k, 1] - z
        half_width, half_length = boxes[k, 5], boxes[k, 6]
        if (
            not blocking[len(pillars) + k]
            or dx * dx + dz * dz > (math.hypot(half_width, half_length) + 1.01) ** 2
        ):
            continue
        # Two rectangles are apart exactly if one of their four axes separates them.
        s, c = boxes[k, 3], boxes[k, 4]
        same, turned = abs(cos * c + sin * s), abs(cos * s - sin * c)
        if (
            abs(dx * cos - dz * sin) < BODY_HALF_WIDTH_U + half_width * same + half_length * turned
            and abs(dx * sin + dz * cos)
            < BODY_HALF_LENGTH_U + half_width * turned + half_length * same
            and abs(dx * c - dz * s)
            < half_width + BODY_HALF_WIDTH_U * same + BODY_HALF_LENGTH_U * turned
            and abs(dx * s + dz * c)
            < half_length + BODY_HALF_WIDTH_U * turned + BODY_HALF_LENGTH_U * same
        ):
            return len(pillars) + k
    return -1


@njit(cache=True)
def draw(
    out: Image, lens: Array, x: float, z: float, yaw: float, height_u: float, uphill: float, pillars: Array,
    boxes: Array, colours: Array, haze_colour: Any,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Draw all obstacles, the far ones first.

    :param out: picture (rows, columns, 3) or grey (rows, columns) that already shows the ground
    :param lens: see ``camera.Lens.values``; x, z, yaw are the lens's, u and radians
    :param colours: of each obstacle, and its opacity, (n, 4) or grey (n, 2)
    :param height_u: height of the car's ground; ``uphill`` its slope along the view
    """
    total = len(pillars) + len(boxes)
    sin, cos = math.sin(yaw), math.cos(yaw)
    depth = np.empty(total)
    widest = (lens[2] + 1.0) / lens[0]  # of the picture's half, per unit of depth
    for k in range(total):
        dx = (pillars[k, 0] if k < len(pillars) else boxes[k - len(pillars), 0]) - x
        dz = (pillars[k, 1] if k < len(pillars) else boxes[k - len(pillars), 1]) - z
        reach = (
            pillars[k, 3]
            if k < len(pillars)
            else boxes[k - len(pillars), 5] + boxes[k - len(pillars), 6]
        )
        ahead, right = dx * sin + dz * cos, abs(dx * cos - dz * sin)
        out_of_sight = (
            ahead + reach < NEAR_U
            or ahead > SIGHT_U
            or right - reach > widest * (ahead + reach) + 2.0
        )
        depth[k] = -1.0 if out_of_sight else math.hypot(dx, dz)
    tilt = math.atan(uphill)
    pose = np.array([x, z, sin, cos, height_u, math.sin(tilt), math.cos(tilt)])
    corners, flat, ends = np.empty((4, 3)), np.empty((8, 2)), np.empty((out.shape[0], 2))
    for k in np.argsort(-depth):
        if depth[k] < 0.0:
            break
        clear = 1.0 - min(max((depth[k] - 60.0) / 260.0, 0.0), 0.6)
        if k < len(pillars):
            p = pillars[k]
            foot, tip = p[3], p[3] * p[5]
            for i in range(4):
                aside = (foot if i < 2 else tip) * (-1.0 if i in (0, 3) else 1.0)
                corners[i, 0], corners[i, 1] = p[0] + aside * cos, p[1] - aside * sin
                corners[i, 2] = p[2] + (0.0 if i < 2 else p[4])
            _polygon(
                out,
                lens,
                pose,
                corners,
                colours[k],
                k >= len(pillars),
                1.0,
                clear,
                haze_colour,
                flat,
                ends,
            )
            continue
        b = boxes[k - len(pillars)]
        for side in range(4):  # each side between two corners of the floor plan
            normal_right, normal_ahead = (0.0, 1.0, 0.0, -1.0)[side], (1.0, 0.0, -1.0, 0.0)[side]
            nx, nz = (
                normal_right * b[4] + normal_ahead * b[3],
                -normal_right * b[3] + normal_ahead * b[4],
            )
            out_x = b[0] + nx * (b[5] if normal_right != 0.0 else b[6])
            out_z = b[1] + nz * (b[5] if normal_right != 0.0 else b[6])
            if (x - out_x) * nx + (z - out_z) * nz <= 0.0:
                continue  # it faces away
            half = b[6] if normal_right != 0.0 else b[5]
            for i in range(4):
                along = half if i in (0, 3) else -half
                corners[i, 0], corners[i, 1] = out_x + along * nz, out_z - along * nx
                corners[i, 2] = b[2] + (0.0 if i < 2 else b[7])
            lit = 0.82 - 0.18 * (nx * SUN[0] + nz * SUN[1])
            _polygon(
                out, lens, pose, corners, colours[k], True, lit, clear, haze_colour, flat, ends
            )
        if lens[5] + height_u > b[2] + b[7]:  # seen from above
            for i in range(4):
                right, ahead = (
                    b[5] * (1.0 if i in (0, 3) else -1.0),
                    b[6] * (1.0 if i < 2 else -1.0),
                )
                corners[i, 0] = b[0] + right * b[4] + ahead * b[3]
                corners[i, 1] = b[1] - right * b[3] + ahead * b[4]
                corners[i, 2] = b[2] + b[7]
            _polygon(
                out,
                lens,
                pose,
                corners,
                colours[k],
                k >= len(pillars),
                1.0,
                clear,
                haze_colour,
                flat,
                ends,
            )


@njit(cache=True)
def _polygon(
    out: Image, lens: Array, pose: Array, corners: Array, colour: Any, hard: bool, lit: float, clear: float,
    haze_colour: Any, flat: Array, ends: Array,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Fill the picture of a convex polygon with four corners (x, z, height) in the world.

    :param pose: see ``_in_picture``
    :param hard: colour every pixel that it touches at its left and right ends, so that pieces of a wall leave no seam
    :param flat: room for the polygon in the picture, (8, 2)
    :param ends: room for its left and right end in every row, (rows, 2)
    """
    n = _in_picture(lens, pose, corners, flat)
    rows, columns = out.shape[0], out.shape[1]
    left, right, above, below = 1e9, -1e9, 1e9, -1e9
    for i in range(n):
        left, right = min(left, flat[i, 0]), max(right, flat[i, 0])
        above, below = min(above, flat[i, 1]), max(below, flat[i, 1])
    if n < 3 or right < -0.5 or left > columns - 0.5 or below < 0.0 or above > rows - 1.0:
        return
    first, last = max(0, int(math.ceil(above))), min(rows - 1, int(math.floor(below)))
    for row in range(first, last + 1):
        ends[row, 0], ends[row, 1] = 1e9, -1e9
    for i in range(n):
        c0, r0, c1, r1 = flat[i, 0], flat[i, 1], flat[(i + 1) % n, 0], flat[(i + 1) % n, 1]
        if r0 > r1:
            c0, r0, c1, r1 = c1, r1, c0, r0
        slope = (c1 - c0) / max(r1 - r0, 1e-9)
        for row in range(
            max(int(math.ceil(max(r0, 0.0))), first),
            min(int(math.ceil(min(r1, rows + 0.0))), last + 1),
        ):
            at = c0 + (row - r0) * slope
            ends[row, 0], ends[row, 1] = min(ends[row, 0], at), max(ends[row, 1], at)
    haze = 1.0 - clear
    word, pixels = pack(colour, clear * lit, haze_colour, haze), out.reshape(out.size)
    channels, opacity = len(haze_colour), colour[len(haze_colour)]
    for row in range(first, last + 1):
        # A pixel is one column wide round its centre; those at the ends are covered in part.
        left, right = ends[row, 0], ends[row, 1]
        begin = int(max(math.floor(left + 0.5), 0.0))
        end = int(min(math.floor(right + 0.5), columns - 1.0))
        if hard and opacity == 1.0:
            if begin <= end:
                fill(pixels, row * columns + begin, end - begin + 1, word, channels)
            continue
        for column in range(begin, end + 1):
            share = opacity * max(0.0, min(right, column + 0.5) - max(left, column - 0.5))
            for k in range(channels):
                at = (row * columns + column) * channels + k
                level = clear * lit * colour[k] + haze * haze_colour[k]
                pixels[at] = int(pixels[at] + share * (level - pixels[at]))


@njit(cache=True)
def _in_picture(
    lens: Array, pose: Array, corners: Array, flat: Array
) -> int:  # pragma: no cover - compiled
    """Write columns and rows of a polygon, clipped at the near plane, into ``flat``; returns how many corners.

    :param pose: x, z, sine and cosine of the heading, height, sine and cosine of the slope along the view
    """
    focal, middle_row, middle_column, cos_pitch, sin_pitch = (
        lens[0],
        lens[1],
        lens[2],
        lens[3],
        lens[4],
    )
    n = 0
    right_before = down_before = depth_before = 0.0
    for i in range(5):
        k = i % 4
        dx, dz, up = corners[k, 0] - pose[0], corners[k, 1] - pose[1], corners[k, 2] - pose[4]
        level = dx * pose[2] + dz * pose[3]
        ahead, drop = level * pose[6] + up * pose[5], lens[5] - up * pose[6] + level * pose[5]
        right = dx * pose[3] - dz * pose[2]
        down, depth = drop * cos_pitch - ahead * sin_pitch, ahead * cos_pitch + drop * sin_pitch
        if i > 0 and (depth_before >= NEAR_U) != (depth >= NEAR_U):
            share = (NEAR_U - depth_before) / (depth - depth_before)
            flat[n, 0] = (
                middle_column + focal * (right_before + share * (right - right_before)) / NEAR_U
            )
            flat[n, 1] = middle_row + focal * (down_before + share * (down - down_before)) / NEAR_U
            n += 1
        if i < 4 and depth >= NEAR_U:
            flat[n, 0], flat[n, 1] = (
                middle_column + focal * right / depth,
                middle_row + focal * down / depth,
            )
            n += 1
        right_before, down_before, depth_before = right, down, depth
    return n
