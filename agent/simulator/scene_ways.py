"""Other ways to drive a track: its mirror image, and the way round backwards.

A name says which, such as ``warren+mirrored`` or ``my.json+reversed``, or both. All that stands in
the scene moves along. What only looks random stays as it is: textures, silhouettes and what a seed
draws.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.simulator.tracks import Scene, Track

MIRRORED = "mirrored"
REVERSED = "reversed"
NAME = re.compile(rf"(?P<source>.*?)(?P<ways>(?:\+(?:{MIRRORED}|{REVERSED}))*)", re.DOTALL)

Table = Mapping[str, Any]


def split_ways(name: str) -> tuple[str, frozenset[str]]:
    """Returns a scene's own name, and the ways in which it is driven."""
    found = NAME.fullmatch(name)
    assert found is not None, "the pattern takes every text"
    return found["source"], frozenset(found["ways"].split("+")[1:])


def mirrored(scene: Scene) -> Scene:
    """Returns the scene with left and right exchanged; the path turns when it is built."""
    texture_names = scene.textures
    return replace(
        scene,
        mirrored=not scene.mirrored,
        start=_placed(scene.start),
        start_line=scene.start_line and _placed(scene.start_line),
        more_start_lines=[_placed(line) for line in scene.more_start_lines],
        cross_section=[other_side(strip) for strip in scene.cross_section],
        barriers=[{**each, "right_u": -each["right_u"]} for each in scene.barriers],
        obstacles=[_placed(each) for each in scene.obstacles],
        textures={name: _turned(texture_names[name], "stripes") for name in texture_names},
        light=scene.light and _turned_by(scene.light, "azimuth_deg"),
        ceiling=scene.ceiling and _turned(scene.ceiling, "beams"),
        random_look=scene.random_look and _mirrored_look(scene.random_look),
    )


def backwards(scene: Scene, track: Track) -> Scene:
    """Returns the scene for the other way round; the path turns when it is built.

    The car starts as far before the start line as it did.

    :param scene: whose road has no end
    :param track: of the scene, the way round that it has
    """
    return replace(
        scene,
        backwards=not scene.backwards,
        start=_start_behind(scene, track),
        start_line=scene.start_line and _facing_back(scene.start_line),
        more_start_lines=[_facing_back(line) for line in scene.more_start_lines],
        cross_section=[other_side(strip) for strip in scene.cross_section],
        barriers=[_barrier_behind(each, track.length_u) for each in scene.barriers],
    )


def _placed(thing: Table) -> dict[str, Any]:
    """Returns a thing where its mirror image stands."""
    return {**_turned_by(thing, "yaw_deg"), "x": -thing["x"]}


def _turned_by(thing: Table, name: str) -> dict[str, Any]:
    if name not in thing:
        return dict(thing)
    return {**thing, name: -thing[name]}


def _turned(thing: Table, part: str) -> dict[str, Any]:
    if part not in thing:
        return dict(thing)
    return {**thing, part: _turned_by(thing[part], "yaw_deg")}


def other_side(strip: Table) -> dict[str, Any]:
    """Returns a strip of the cross-section as far to the left as it is to the right."""
    return {**strip, "from_u": -strip["to_u"], "to_u": -strip["from_u"]}


def _mirrored_look(look: Table) -> dict[str, Any]:
    light = look.get("light", {})
    if "azimuth_deg" not in light:
        return dict(look)
    low, high = light["azimuth_deg"]
    return {**look, "light": {**light, "azimuth_deg": [-high, -low]}}


def _facing_back(line: Table) -> dict[str, Any]:
    return {**line, "yaw_deg": _half_turn(line["yaw_deg"])}


def _half_turn(yaw_deg: float) -> float:
    return math.remainder(yaw_deg + 180.0, 360.0)


def _start_behind(scene: Scene, track: Track) -> dict[str, float]:
    start = scene.start
    line = scene.start_line
    if line is None:
        return {**start, "yaw_deg": _half_turn(start["yaw_deg"])}
    start_u = track.arc_of(start["x"], start["z"])
    line_u = track.arc_of(line["x"], line["z"])
    x, z, yaw = track.pose_at(start_u)
    aside_u = (start["x"] - x) * math.cos(yaw) - (start["z"] - z) * math.sin(yaw)
    before_u = math.remainder(line_u - start_u, track.length_u)
    x, z, yaw = track.pose_at(line_u + before_u)
    return {
        "x": x + aside_u * math.cos(yaw),
        "z": z - aside_u * math.sin(yaw),
        "yaw_deg": _half_turn(math.degrees(yaw)),
    }


def _barrier_behind(barrier: Table, length_u: float) -> dict[str, Any]:
    """Returns a barrier on the other side of the path, with its ends counted from there."""
    ends: dict[str, float] = {}
    if "to_arc_u" in barrier:
        ends["from_arc_u"] = max(length_u - barrier["to_arc_u"], 0.0)
    if "from_arc_u" in barrier:
        ends["to_arc_u"] = length_u - barrier["from_arc_u"]
    kept = {name: barrier[name] for name in barrier if name not in ("from_arc_u", "to_arc_u")}
    return {**kept, **ends, "right_u": -barrier["right_u"]}
