"""Shadows on the ground, of obstacles, cut-outs and barriers, as shapes that lie there.

A shape is a convex polygon or an ellipse with an opacity. An ellipse may be dappled, as the shadow
of a tree's crown is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from agent.simulator.barriers import BOTTOM, COLOUR, TOP, X1, X2, Z1, Z2, Barriers
from agent.simulator.tracks import Scene
from agent.simulator.typing import Array

# Chosen, where a scene's light does not say them; those of generated_track in the Unity scene.
SUN_DEG = 50.0
AZIMUTH_DEG = 150.0
SOFT_U = 0.4
LONGEST = 8.0  # chosen: of a shadow, times the height of what casts it
# Columns of a shape. A polygon's corners are x and z of up to eight; what it has fewer of repeats
# its last. An ellipse has its middle, the direction of its first axis and both halves.
CORNERS, OPACITY, DAPPLES, FIRST = range(4)
MOST_CORNERS = 8
SHAPE_SIZE = FIRST + 2 * MOST_CORNERS
SOLID, DAPPLED = 0.0, 1.0
THIN_U = 0.15  # chosen: panels of less height throw no shadow
BARRIER_LAP_U = 0.3  # chosen: pieces of a barrier reach over each other's soft ends

Point = tuple[float, float]


class Sun(NamedTuple):
    """The sun as shadows have it: where that of 1 u of height ends, u, how dark and soft it is."""

    x: float
    z: float
    darkness: float
    soft_u: float


def sun_of(light: dict[str, Any] | None) -> Sun | None:
    """Returns the sun of a scene's light; None where nothing casts a shadow."""
    if light is None or light.get("shadow", 0.0) <= 0.0:
        return None
    slope = math.tan(math.radians(light.get("sun_deg", SUN_DEG)))
    length = min(1.0 / max(slope, 1e-6), LONGEST)
    azimuth = math.radians(light.get("azimuth_deg", AZIMUTH_DEG))
    return Sun(
        -math.sin(azimuth) * length,
        -math.cos(azimuth) * length,
        float(light["shadow"]),
        max(float(light.get("soft_u", SOFT_U)), 0.05),
    )


def shapes_of(scene: Scene, barriers: Barriers, sun: Sun) -> Array:
    """Returns the shadows of a scene's obstacles and barriers, (n, ``SHAPE_SIZE``)."""
    shapes = [shape for thing in scene.obstacles for shape in thrown(thing, sun)]
    shapes += _barriers(barriers, sun)
    return np.array(shapes, dtype=float).reshape(-1, SHAPE_SIZE)


def thrown(thing: dict[str, Any], sun: Sun) -> list[list[float]]:
    """Returns the shapes of an obstacle's shadow."""
    kind = thing.get("kind", "cone")
    if thing["height_u"] <= 0.0:
        return []
    if kind == "box":
        return [_box(thing, sun)]
    if kind == "cutout":
        draw = CUTOUTS.get(thing["shape"], _figure)
        return draw(thing, sun)
    return _pillar(thing, sun, 0.0 if kind == "cone" else 1.0)


def polygon(corners: list[Point], opacity: float = 1.0) -> list[float]:
    """Returns a shape from a polygon's corners; it must be convex."""
    area = 0.0
    for (x, z), (next_x, next_z) in zip(corners, [*corners[1:], corners[0]], strict=True):
        area += x * next_z - next_x * z
    if area < 0.0:
        corners = corners[::-1]
    corners = [*corners, *[corners[-1]] * (MOST_CORNERS - len(corners))]
    return [float(MOST_CORNERS), opacity, SOLID, *[place for corner in corners for place in corner]]


def ellipse(
    middle: Point,
    axis: Point,
    half_u: Point,
    opacity: float = 1.0,
    *,
    dappled: bool = False,
) -> list[float]:
    """Returns a shape from an ellipse.

    :param middle: of it
    :param axis: along its first axis, of any length
    :param half_u: half its length along that axis and across
    :param opacity: of the shadow
    :param dappled: it has a ragged edge and holes, as a crown's
    """
    length = math.hypot(*axis)
    along = (axis[0] / length, axis[1] / length) if length > 0.0 else (1.0, 0.0)
    places = [*middle, *along, *half_u]
    rest = [0.0] * (2 * MOST_CORNERS - len(places))
    return [0.0, opacity, DAPPLED if dappled else SOLID, *places, *rest]


def _box(box: dict[str, Any], sun: Sun) -> list[float]:
    yaw = math.radians(box["yaw_deg"])
    sin, cos = math.sin(yaw), math.cos(yaw)
    width, length = box["half_u"]
    foot = []
    for right, ahead in ((1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)):
        across, along = right * width, ahead * length
        foot.append((box["x"] + across * cos + along * sin, box["z"] - across * sin + along * cos))
    bottom = [_cast(place, box.get("bottom_u", 0.0), sun) for place in foot]
    top = [_cast(place, box["height_u"], sun) for place in foot]
    return polygon(hull([*bottom, *top]), box.get("opacity", 1.0))


def _pillar(pillar: dict[str, Any], sun: Sun, top_share: float) -> list[list[float]]:
    radius = pillar["radius_u"]
    foot = (pillar["x"], pillar["z"])
    top = _cast(foot, pillar["height_u"], sun)
    across = _across(sun)
    body = polygon(
        [
            _beside(foot, across, radius),
            _beside(foot, across, -radius),
            _beside(top, across, -radius * top_share),
            _beside(top, across, radius * top_share),
        ]
    )
    opacity = pillar.get("opacity", 1.0)
    body[OPACITY] = opacity
    ends = [ellipse(foot, (1.0, 0.0), (radius, radius), opacity)]
    if top_share > 0.0:
        ends.append(ellipse(top, (1.0, 0.0), (radius * top_share,) * 2, opacity))
    return [body, *ends]


def _crown(
    low: float, high: float, wide: float, trunk: float
) -> Callable[[dict[str, Any], Sun], list[list[float]]]:
    """Returns what throws a tree's shadow: a round crown on a trunk.

    :param low: where the crown begins, share of the height
    :param high: where it ends
    :param wide: its width, share of the tree's
    :param trunk: its width, share of the tree's
    """

    def throw(tree: dict[str, Any], sun: Sun) -> list[list[float]]:
        height = tree["height_u"]
        half = 0.5 * wide * tree["width_u"]
        rise = 0.5 * (high - low) * height * math.hypot(sun.x, sun.z)
        foot = (tree["x"], tree["z"])
        middle = _cast(foot, 0.5 * (low + high) * height, sun)
        crown = ellipse(middle, (sun.x, sun.z), (math.hypot(half, rise), half), dappled=True)
        if trunk <= 0.0:
            return [crown]
        return [crown, _post(foot, 0.5 * (low + high) * height, trunk * tree["width_u"], sun)]

    return throw


def _figure(figure: dict[str, Any], sun: Sun) -> list[list[float]]:
    """Returns the shadow of a person, a chair or a table: half as wide as what it fills."""
    foot = (figure["x"], figure["z"])
    return [_post(foot, figure["height_u"], 0.5 * figure["width_u"], sun)]


CUTOUTS = {
    "tree": _crown(0.25, 1.0, 1.0, 0.08),
    "broadleaf": _crown(0.3, 1.0, 1.0, 0.06),
    "conifer": _crown(0.1, 0.9, 0.7, 0.06),
    "palm": _crown(0.75, 1.0, 0.9, 0.05),
    "bush": _crown(0.0, 1.0, 1.0, 0.0),
}


def _barriers(barriers: Barriers, sun: Sun) -> list[list[float]]:
    """Returns the shadows of panels and posts; wires are too thin for one."""
    shapes = []
    for panel in barriers.panels.tolist():
        low, high = panel[BOTTOM], panel[TOP]
        if high - low < THIN_U:
            continue
        ends = _lengthened((panel[X1], panel[Z1]), (panel[X2], panel[Z2]))
        feet = [_cast(end, low, sun) for end in ends]
        tops = [_cast(end, high, sun) for end in ends]
        shapes.append(polygon([*feet, *tops[::-1]], barriers.rgba[int(panel[COLOUR]), 3]))
    for x, z, _, half_width, height, _ in barriers.posts.tolist():
        shapes.append(_post((x, z), height, 2.0 * half_width, sun))
    return shapes


def _lengthened(first: Point, last: Point) -> list[Point]:
    """Returns the ends of a panel, each a lap beyond it."""
    along = (last[0] - first[0], last[1] - first[1])
    share = BARRIER_LAP_U / max(math.hypot(*along), 1e-6)
    return [_beside(first, along, -share), _beside(last, along, share)]


def _post(foot: Point, height: float, width: float, sun: Sun) -> list[float]:
    """Returns the shadow of an upright strip that faces the sun."""
    across = _across(sun)
    top = _cast(foot, height, sun)
    half = 0.5 * width
    ends = [_beside(foot, across, half), _beside(foot, across, -half)]
    return polygon([*ends, _beside(top, across, -half), _beside(top, across, half)])


def _cast(foot: Point, height: float, sun: Sun) -> Point:
    """Returns where the shadow of a point above ``foot`` falls."""
    return foot[0] + height * sun.x, foot[1] + height * sun.z


def _across(sun: Sun) -> Point:
    """Returns the unit vector across the light."""
    length = math.hypot(sun.x, sun.z)
    if length < 1e-9:
        return 1.0, 0.0
    return sun.z / length, -sun.x / length


def _beside(place: Point, across: Point, by_u: float) -> Point:
    return place[0] + by_u * across[0], place[1] + by_u * across[1]


def hull(points: list[Point]) -> list[Point]:
    """Returns the corners of the convex hull of points, none of them between two others."""
    points = sorted(points)
    return [*_half_hull(points)[:-1], *_half_hull(points[::-1])[:-1]]


def _half_hull(points: list[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        while len(kept) > 1 and _turn(kept[-2], kept[-1], point) <= 0.0:
            kept.pop()
        kept.append(point)
    return kept


def _turn(a: Point, b: Point, c: Point) -> float:
    """Returns twice the area of a triangle, positive where it turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
