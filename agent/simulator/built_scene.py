"""A scene made ready to drive in: its track, what the camera looks up and what stands beside it."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any

from agent.simulator.ground import Ground
from agent.simulator.light_map import light_map
from agent.simulator.obstacles import Obstacles
from agent.simulator.paint import Paint
from agent.simulator.random_look import scene_with_look
from agent.simulator.scene_ways import other_side
from agent.simulator.sunlight import tinted
from agent.simulator.tracks import Scene, Track, build_track, load_scene, scene_for

# Half width and shift to the left of the random road by upstream's road_style, u (the scene's own
# start is 2.2).
ROAD_STYLES = ((5.0, 2.2), (12.0, 6.0), (10.0, 6.0), (10.0, 6.0), (12.0, 4.5))


class BuiltScene:
    """A scene as one seed makes it. Nothing in it changes, so worlds share it."""

    def __init__(self, scene: Scene, track: Track) -> None:
        self.scene = scene
        self.track = track
        self.ground = Ground(track, scene)
        lit = tinted(scene)
        self.paint = Paint(lit)
        self.obstacles = Obstacles(lit, track)
        self.shadows = light_map(scene, track, self.obstacles.barriers)

    def looked(self, seed: int) -> BuiltScene:
        """Returns the scene in the random look that ``seed`` draws; road and ground are shared."""
        scene = scene_with_look(self.scene, self.track, seed)
        lit = tinted(scene)
        other = copy(self)
        other.scene = scene
        if scene.light != self.scene.light:
            other.paint = Paint(lit)
        other.obstacles = Obstacles(lit, self.track)
        other.shadows = light_map(scene, self.track, other.obstacles.barriers)
        return other


@lru_cache(maxsize=1024)  # half a gigabyte of long roads, which take 13 ms each to build again
def built_scene(name: str, seed: int) -> BuiltScene:
    """Returns the scene called ``name`` as ``seed`` makes it.

    :raises ValueError: there is no such scene
    """
    scene = scene_for(load_scene(name), seed)
    return BuiltScene(scene, build_track(scene, seed))


def regenerated_scene(scene: Scene, seed: int, style: int, turn_deg: float) -> BuiltScene:
    """Returns a random road built anew, as upstream's ``regen_road`` asks.

    :param scene: a scene whose road is random
    :param seed: draws the road
    :param style: half width and offset of the road are the ``style % 5``-th of ``ROAD_STYLES``
    :param turn_deg: how fast the bends change
    :raises ValueError: the scene has one road only
    """
    if scene.path["kind"] != "random":
        raise ValueError(
            f"scene {scene.name!r} has one road only; regen_road is for generated_road"
        )
    half_u, left_u = ROAD_STYLES[style % len(ROAD_STYLES)]
    strips = scene.cross_section
    if scene.mirrored:
        strips = [other_side(strip) for strip in strips]
    road = strips[0]
    stretch = 2 * half_u / (road["to_u"] - road["from_u"])

    def stretched(strip: dict[str, Any]) -> dict[str, Any]:
        ends = {
            end: (strip[end] - road["from_u"]) * stretch - half_u - left_u
            for end in ("from_u", "to_u")
        }
        return {**strip, **ends}

    strips = [stretched(strip) for strip in strips]
    if scene.mirrored:
        strips = [other_side(strip) for strip in strips]
    scene = replace(scene, path={**scene.path, "turn_deg": turn_deg}, cross_section=strips)
    return BuiltScene(scene, build_track(scene, seed))
