"""Things beside an appearance's road, and patches of shade on it: seen and never hit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agent.simulator.random_look import scattered
from agent.simulator.tracks import Scene, Track

ROADSIDE_GAP_U = 3.0  # chosen: things beside the road keep this much off its edge
# All chosen: cut-outs by shape with their widths and heights, u, and how far off the road they
# begin and end.
CUTOUTS = {
    "tree": (4.0, 16.0),
    "broadleaf": (5.0, 18.0),
    "palm": (4.0, 20.0),
    "conifer": (3.0, 18.0),
    "bush": (2.0, 3.0),
    "person": (1.5, 7.0),
    "chair": (3.0, 4.0),
    "table": (6.0, 4.0),
}
CUTOUT_GAP_U = (1.0, 20.0)
CUTOUTS_PER_U = 0.3
# All chosen: barriers' heights and distances off the road's edge, u, and most posts of one. A
# stretch of the road has one, as a long road's barriers would take longer to draw than the road.
BARRIER_TOP_U = {"wall": (0.4, 5.0), "rail": (1.0, 3.0), "fence": (1.0, 6.0)}
BARRIER_GAP_U = (0.2, 5.0)
BARRIER_U = (60.0, 400.0)  # how long they are
MOST_POSTS = 40

Thing = dict[str, Any]


def road_edges(scene: Scene) -> tuple[float, float]:
    """Returns the ends of the cross-section, u right of the path."""
    ends = [strip[end] for strip in scene.cross_section for end in ("from_u", "to_u")]
    return min(ends), max(ends)


def distractors(scene: Scene, track: Track, most: int, rng: np.random.Generator) -> list[Thing]:
    """Returns boxes, cones and cylinders beside the road.

    :param scene: whose road they stand beside
    :param track: its path
    :param most: of them
    :param rng: draws
    """
    left_u, right_u = road_edges(scene)
    things: list[Thing] = []
    for _ in range(rng.integers(0, most + 1)):
        x, z, yaw = track.pose_at(rng.uniform(0.0, track.length_u))
        height = rng.uniform(0.5, 12.0)
        radius = rng.uniform(0.3, 2.5)
        clear = ROADSIDE_GAP_U + radius + rng.exponential(12.0)
        aside_u = right_u + clear if rng.random() < 0.5 else left_u - clear
        x, z = x + aside_u * math.cos(yaw), z - aside_u * math.sin(yaw)
        if _distance_u(track, x, z) < max(abs(left_u), abs(right_u)) + radius:
            continue  # it would stand on another part of the road
        thing = _unreal("distractor", x, z)
        thing |= {"height_u": height, "rgb": rng.integers(0, 256, 3).tolist()}
        things.append({**thing, **_shape(radius, rng)})
    return things


def walls(
    scene: Scene, track: Track, most: int, patched: float, rng: np.random.Generator
) -> list[Thing]:
    """Returns walls farther off.

    :param scene: whose road they stand beside
    :param track: its path
    :param most: of them
    :param patched: how often one has patches of other colours, as a share
    :param rng: draws
    """
    found: list[Thing] = []
    reach = max(map(abs, road_edges(scene)))
    for _ in range(rng.integers(0, most + 1)):
        x, z, yaw = track.pose_at(rng.uniform(0.0, track.length_u))
        half = [rng.uniform(0.2, 1.0), rng.uniform(6.0, 40.0)]
        right_u = (reach + half[1] + rng.exponential(20.0)) * rng.choice([-1.0, 1.0])
        x, z = x + right_u * math.cos(yaw), z - right_u * math.sin(yaw)
        if _distance_u(track, x, z) < reach + half[1]:
            continue  # it would stand on another part of the road
        wall = _unreal("wall", x, z)
        wall |= {"kind": "box", "yaw_deg": rng.uniform(0, 180), "half_u": half}
        wall |= {"height_u": rng.uniform(2, 14), "rgb": rng.integers(0, 256, 3).tolist()}
        found.append(wall)
    for wall in found:
        if rng.random() < patched:
            wall["patches"] = _patches(wall["rgb"], rng)
    return found


def shades(track: Track, most: int, rng: np.random.Generator) -> list[Thing]:
    """Returns dark patches on the road and beside it.

    :param track: the path
    :param most: of them
    :param rng: draws
    """
    patches: list[Thing] = []
    for _ in range(rng.integers(0, most + 1)):
        x, z, _ = track.pose_at(rng.uniform(0.0, track.length_u))
        half = [rng.uniform(0.3, 3.0), rng.uniform(2.0, 14.0)]
        yaw_deg = rng.uniform(0, 180)
        patch = _unreal("shadow", x + rng.normal(0, 4), z + rng.normal(0, 4))
        patch |= {"kind": "box", "yaw_deg": yaw_deg, "half_u": half, "height_u": 0.0}
        patches.append({**patch, "rgb": [0, 0, 0], "opacity": rng.uniform(0.15, 0.5)})
    return patches


def cutouts(scene: Scene, track: Track, most: int, rng: np.random.Generator) -> list[Thing]:
    """Returns trees, people and the like along the road, of one or two shapes.

    :param scene: whose road they stand beside
    :param track: its path
    :param most: of a shape
    :param rng: draws
    """
    reach = max(map(abs, road_edges(scene)))
    most = min(most, int(CUTOUTS_PER_U * track.length_u))
    near_u, far_u = (reach + gap_u for gap_u in CUTOUT_GAP_U)
    found: list[Thing] = []
    for _ in range(rng.integers(1, 3)):
        shape = str(rng.choice(list(CUTOUTS)))
        width_u, height_u = (size_u * rng.uniform(0.6, 1.5) for size_u in CUTOUTS[shape])
        ranges = {
            "count": int(rng.integers(0, most + 1)),
            "away_u": [near_u, max(near_u + 1.0, rng.uniform(near_u, far_u))],
            "clear_u": near_u + 0.5 * width_u,
            "shape": shape,
            "width_u": width_u,
            "height_u": height_u,
            "rgb": _leaf(shape, rng),
        }
        found += scattered(ranges, track, rng)
    return found


def barriers(scene: Scene, track: Track, rng: np.random.Generator) -> list[Thing]:
    """Returns a kerb wall, a rail or a fence on both sides of a stretch of the road, or on one.

    :param scene: whose road it stands beside
    :param track: its path
    :param rng: draws
    """
    left_u, right_u = road_edges(scene)
    kind = str(rng.choice(list(BARRIER_TOP_U)))
    top_u = _between(BARRIER_TOP_U[kind], rng)
    gap_u = _between(BARRIER_GAP_U, rng)
    stretch_u = min(_between(BARRIER_U, rng), track.length_u)
    begin_u = rng.uniform(0.0, track.length_u - stretch_u)
    barrier: Thing = {"kind": kind, "bottom_u": 0.0, "top_u": top_u, "rgb": _shade(rng)}
    if stretch_u < track.length_u:
        barrier |= {"from_arc_u": begin_u, "to_arc_u": begin_u + stretch_u}
    if kind == "rail":
        barrier["bottom_u"] = top_u * rng.uniform(0.2, 0.7)
    if kind != "wall":
        every_u = max(rng.uniform(2.0, 12.0), stretch_u / MOST_POSTS)
        over_u = top_u * rng.uniform(1.0, 2.0)
        width_u = rng.uniform(0.1, 0.4)
        posts = {"every_u": every_u, "width_u": width_u, "top_u": over_u, "rgb": _shade(rng)}
        barrier["posts"] = posts
        if kind == "fence" and rng.random() < 0.5:
            wires = {"count": int(rng.integers(1, 5)), "top_u": over_u, "rgb": _shade(rng)}
            barrier["wires"] = {**wires, "opacity": rng.uniform(0.3, 1.0)}
    sides = [left_u - gap_u, right_u + gap_u]
    if rng.random() < 0.25:
        sides = [sides[rng.integers(0, 2)]]
    return [{**barrier, "right_u": side} for side in sides]


def _between(ends: tuple[float, float], rng: np.random.Generator) -> float:
    """Returns a length drawn evenly in its logarithm."""
    return float(np.exp(rng.uniform(*np.log(ends))))


def _shade(rng: np.random.Generator) -> list[int]:
    """Returns a grey that leans to some colour."""
    drawn = rng.uniform(20, 220) + rng.uniform(-40, 40, 3) * rng.random()
    return [int(level) for level in np.clip(drawn, 0, 255)]


def _leaf(shape: str, rng: np.random.Generator) -> list[int]:
    """Returns a green for what grows, any colour for the rest."""
    if shape in ("person", "chair", "table"):
        return _shade(rng)
    light = rng.uniform(0.5, 1.6)
    drawn = light * np.array([70.0, 84.0, 40.0]) + rng.uniform(-20, 20, 3)
    return [int(level) for level in np.clip(drawn, 0, 255)]


def _patches(rgb: list[int], rng: np.random.Generator) -> Thing:
    """Returns patches as a photograph on a wall has them, lighter and darker than it."""
    shifts = rng.uniform(-70, 70, (3, 1)) + rng.uniform(-20, 20, (3, 3))
    colours = np.clip(np.array(rgb) + shifts, 0, 255).astype(int).tolist()
    size = [_between((1.0, 8.0), rng), _between((1.0, 6.0), rng)]
    return {"rgb": colours, "size_u": size, "share": rng.uniform(0.2, 0.7)}


def _distance_u(track: Track, x: float, z: float) -> float:
    """Returns the distance of a point from the nearest node."""
    return float(np.hypot(track.nodes[:, 0] - x, track.nodes[:, 1] - z).min())


def _unreal(name: str, x: float, z: float) -> Thing:
    """Returns the beginning of an obstacle that is seen and never hit."""
    return {"name": name, "solid": False, "x": x, "z": z}


def _shape(radius: float, rng: np.random.Generator) -> Thing:
    if rng.random() < 0.5:
        half = rng.uniform(0.3, 0.7, 2) * radius
        return {"kind": "box", "yaw_deg": rng.uniform(0, 180), "half_u": half.tolist()}
    kind = "cone" if rng.random() < 0.5 else "cylinder"
    return {"kind": kind, "radius_u": radius}
