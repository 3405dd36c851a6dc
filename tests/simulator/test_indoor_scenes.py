"""Facts of warren, circuit_launch and roboracingleague_1: lines, kerbs, walls and their light."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.simulator.obstacles import Obstacles
from agent.simulator.tracks import Scene, build_track, load_scene
from agent.simulator.world import World

# Grey levels of the ground in real frames: rows 60 to 120.
GROUND = {"warren": 119.6, "circuit_launch": 135.7, "roboracingleague_1": 168.3}


def dashes(scene: Scene) -> list[list[float]]:
    return [strip["dash_u"] for strip in scene.cross_section if "dash_u" in strip]


def test_the_middle_is_dashed_where_it_is_in_the_real_scene() -> None:
    assert dashes(load_scene("warren")) == [[3.5, 4.3]]
    assert dashes(load_scene("circuit_launch")) == [[2.25, 2.25]]
    assert dashes(load_scene("roboracingleague_1")) == []


def test_kerbs_of_circuit_launch_stand_at_the_white_lines_and_are_not_hit() -> None:
    scene = load_scene("circuit_launch")
    edge_u = max(strip["to_u"] for strip in scene.cross_section)
    assert {barrier["top_u"] for barrier in scene.barriers} == {0.55}
    assert all(0.0 <= abs(each["right_u"]) - edge_u < 0.1 for each in scene.barriers)
    obstacles = Obstacles(scene, build_track(scene))
    assert len(obstacles.barriers.panels) > 40
    assert len(obstacles.boxes) == obstacles.boxes_drawn


def of_name(scene: Scene, name: str) -> list[dict[str, Any]]:
    return [each for each in scene.obstacles if each["name"].split(" (")[0] == name]


def test_cones_have_their_sizes() -> None:
    sizes = {"warren": ("Line01", 8, 2.2, 6.6), "circuit_launch": ("CLCone", 6, 1.15, 2.4)}
    for scene, (name, count, radius_u, height_u) in sizes.items():
        cones = of_name(load_scene(scene), name)
        assert len(cones) == count
        assert all(each["radius_u"] == radius_u for each in cones)
        assert all(each["height_u"] == height_u for each in cones)


@pytest.mark.parametrize(("scene", "level"), GROUND.items())
def test_the_ground_is_as_bright_as_in_real_frames_and_has_a_texture(
    scene: str, level: float
) -> None:
    world = World(scene)
    frame = np.empty((120, 160, 3), dtype=np.uint8)
    grey = []
    for k in range(12):
        world.reset(arc_u=world.track.length_u * k / 12)
        world.render(frame)
        grey.append(frame[60:] @ np.array([0.299, 0.587, 0.114]))
    assert np.mean(grey) == pytest.approx(level, abs=15.0)
    assert 15.0 < np.mean([each.std() for each in grey]) < 45.0


def test_light_from_straight_above_lights_all_sides_alike() -> None:
    x, z, straight_down = Obstacles(*_built("warren")).sun
    assert straight_down == pytest.approx(1.0)
    assert (x, z) == pytest.approx((0.0, 0.0))
    assert Obstacles(*_built("warehouse")).sun[2] < 1.0


def _built(name: str) -> tuple[Any, Any]:
    scene = load_scene(name)
    return scene, build_track(scene)


def test_what_is_random_in_the_real_scene_is_random_here() -> None:
    for name, away_u in (("warren", [11, 13]), ("circuit_launch", [10, 20])):
        look = load_scene(name).random_look
        assert look is not None
        assert look["chairs"]["count"] == 20 and look["chairs"]["away_u"] == away_u
        assert look["cone"]["ends"] == 10
    assert load_scene("roboracingleague_1").random_look is None
