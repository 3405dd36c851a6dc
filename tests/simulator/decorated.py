"""Worlds in scenes with more in them than their files say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from agent.simulator.built_scene import BuiltScene
from agent.simulator.lens import View
from agent.simulator.tracks import build_track, load_scene
from agent.simulator.typing import Image
from agent.simulator.world import DEFAULT_VIEW, World

PLAIN: dict[str, Any] = {
    "obstacles": [],
    "textures": {},
    "ground_texture": None,
    "barriers": [],
    "light": None,
    "skyline": [],
    "ceiling": None,
    "fog": None,
    "random_look": None,
}


def decorated_world(name: str, **keys: Any) -> World:
    """A world in a scene of plain colours, where nothing stands, with these keys."""
    scene = load_scene(name)
    strips = [
        {key: strip[key] for key in ("from_u", "to_u", "rgb")} for strip in scene.cross_section
    ]
    scene = replace(scene, **{**PLAIN, "cross_section": strips, **keys})
    world = World(name)
    world._enter(BuiltScene(scene, build_track(scene)))
    world.reset()
    return world


def picture(world: World, view: View = DEFAULT_VIEW, *, grey: bool = False) -> Image:
    frame = np.zeros((view.height, view.width) if grey else (view.height, view.width, 3), np.uint8)
    world.render(frame, view)
    return frame


def assert_grey_is_luma(world: World, most: int = 3) -> None:
    """The grey picture is the luma of the one in colour, but for the ground's own grain."""
    luma = picture(world) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma - picture(world, grey=True)).max() <= most
