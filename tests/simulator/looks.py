"""Scenes of few keys for tests of what the camera draws: a straight road and what lies on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.simulator.built_scene import BuiltScene
from agent.simulator.tracks import Scene, build_track
from agent.simulator.world import World

ROAD_RGB = [120, 118, 110]
LAND_RGB = [90, 110, 60]
# Two straights of 120 u and two half circles.
SCRIPT = "S 60, DY 6, R 30, S 60, R 30"


def scene_with(**keys: Any) -> Scene:
    """A road 10 u wide in a plain land, a long straight to +z first, and these keys."""
    road = {"from_u": -5.0, "to_u": 5.0, "rgb": ROAD_RGB}
    plain: dict[str, Any] = {
        "name": "test",
        "path": {"kind": "turtle", "start": [0.0, 0.0, 0.0], "span_u": 2.0, "script": SCRIPT},
        "start": {"x": 0.0, "z": 0.0, "yaw_deg": 0.0},
        "start_line": None,
        "cross_section": [road],
        "ground_rgb": LAND_RGB,
        "sky": [[0, [90, 120, 180]], [44, [180, 200, 220]]],
        "obstacles": [],
    }
    return Scene(**{**plain, **keys})


def world_of(scene: Scene) -> World:
    """A world in a scene that has no file."""
    world = World("generated_track")
    world._enter(BuiltScene(scene, build_track(scene)))
    world.reset()
    return world


def picture(world: World, arc_u: float, *, grey: bool = False, yaw: float = 0.0) -> Any:
    """What a car on the path sees, as integers."""
    frame = np.zeros((120, 160) if grey else (120, 160, 3), np.uint8)
    world.reset(arc_u=arc_u, yaw_offset_rad=yaw)
    world.render(frame)
    return frame.astype(int)
