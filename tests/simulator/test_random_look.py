"""Random looks: what the real simulator draws by default, from the reset seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.appearance import Appearance
from agent.simulator.fleet import Fleet
from agent.simulator.lens import View
from agent.simulator.tracks import load_scene, scene_names
from agent.simulator.world import World
from agent.worlds.donkey.env import DonkeyEnv

SCENE = "generated_track"
# As the reference has them: things, how many, how far from a node, how near no node may be.
SCATTERED = {
    "generated_track": ("trees", 100, [7.0, 20.0], 7.0),
    "mini_monaco": ("trees", 100, [7.0, 20.0], 7.0),
    "warren": ("chairs", 20, [11.0, 13.0], None),
    "circuit_launch": ("chairs", 20, [10.0, 20.0], None),
}
CONES = {
    "generated_track": (10, 5.0),
    "mini_monaco": (10, 2.5),
    "warren": (10, 2.5),
    "circuit_launch": (10, 5.0),
    "thunderhill": (20, 2.5),
}
SUNLIT = ("generated_track", "mini_monaco", "thunderhill")


def look(scene: str, name: str) -> Any:
    return (load_scene(scene).random_look or {}).get(name)


def picture(world: World) -> Any:
    out = np.zeros((120, 160, 3), dtype=np.uint8)
    world.render(out)
    return out


@pytest.mark.parametrize("scene", scene_names())
def test_each_scene_draws_what_the_real_one_does(scene: str) -> None:
    for name in ("trees", "chairs"):
        has = look(scene, name)
        wanted = SCATTERED.get(scene)
        if wanted is None or wanted[0] != name:
            assert has is None
            continue
        assert (has["count"], has["away_u"]) == wanted[1:3]
        assert wanted[3] is None or has["clear_u"] == wanted[3]
    cone = look(scene, "cone")
    assert (cone and (cone["ends"], cone["away_u"])) == CONES.get(scene)
    light = look(scene, "light")
    assert (light is None) == (scene not in SUNLIT)
    if light is not None:
        assert light["sun_deg"] == [45, 90]
        assert all(255 == red >= green > blue for red, green, blue in light["rgb"][:1])


def test_the_seed_draws_the_look_and_a_reset_without_one_keeps_it() -> None:
    world, other = World(SCENE), World(SCENE)
    frames = []
    for seed in (1, 2, 1):
        world.reset(seed=seed)
        frames.append(picture(world))
    assert (frames[0] == frames[2]).all() and (frames[0] != frames[1]).any()
    world.reset()
    assert (picture(world) == frames[0]).all()
    other.reset(seed=5, look=1)
    assert (picture(other) == frames[0]).all()


def test_it_can_be_switched_off_and_a_scene_without_one_stays() -> None:
    off, plain = World(SCENE, random_look=False), World("sparkfun_avc")
    for world in (off, plain):
        before = world.scene
        world.reset(seed=3)
        assert world.scene is before


@pytest.mark.parametrize("seed", range(3))
def test_trees_stand_round_the_path_and_never_near_it(seed: int) -> None:
    world = World(SCENE)
    world.reset(seed=seed)
    trees = [o for o in world.scene.obstacles if o.get("kind") == "cutout" and "seed" in o]
    drawn = trees[-100:]
    assert len(drawn) >= 90
    places = np.array([[tree["x"], tree["z"]] for tree in drawn])
    away_u = np.linalg.norm(world.nodes[None, :, :2] - places[:, None], axis=2).min(axis=1)
    assert away_u.min() >= 7.0 and away_u.max() <= math.hypot(20.0, 20.0)
    assert len(np.unique(places.round(2), axis=0)) == len(drawn)


def test_light_is_within_its_ranges_and_fills_them() -> None:
    world = World("thunderhill")
    lights = []
    for seed in range(60):
        world.reset(seed=seed)
        lights.append(world.scene.light or {})
    low, high = sorted(look("thunderhill", "light")["rgb"], key=lambda rgb: rgb[2])
    blues = [light["rgb"][2] for light in lights]
    assert low[2] <= min(blues) < max(blues) <= high[2]
    assert max(blues) - min(blues) > 0.7 * (high[2] - low[2])
    heights = [light["sun_deg"] for light in lights]
    assert 45.0 <= min(heights) < 55.0 and 80.0 < max(heights) <= 90.0
    assert np.ptp([light["azimuth_deg"] for light in lights]) > 200.0


def test_the_cone_stands_on_the_road_and_is_hit() -> None:
    world = World(SCENE)
    world.reset(seed=4)
    cone = world.scene.obstacles[-1]
    arc_u = world.track.arc_of(cone["x"], cone["z"])
    x, z, yaw = world.track.pose_at(arc_u - 6.0)
    aside_u = (cone["x"] - x) * math.cos(yaw) - (cone["z"] - z) * math.sin(yaw)
    assert abs(aside_u) < 8.0
    world.reset(seed=4, arc_u=arc_u - 6.0, lateral_u=aside_u)
    assert any(world.step(0.0, 0.5).hit.startswith("cone") for _ in range(60))


def test_an_environment_has_another_look_in_every_episode_from_its_seed() -> None:
    def looks(conf: dict[str, Any]) -> list[Any]:
        env = DonkeyEnv(SCENE, conf)
        return [env.reset(seed=7 if k == 0 else None)[0] for k in range(3)]

    first, again, off = looks({}), looks({}), looks({"random_look": False})
    for k in range(3):
        assert (first[k] == again[k]).all()
    assert (first[0] != first[1]).any() and (first[1] != first[2]).any()
    assert (off[0] == off[1]).all() and (off[0] != first[0]).any()


def test_a_fleet_and_an_appearance_have_the_look_too() -> None:
    worlds = [World(SCENE), World(SCENE)]
    fleet = Fleet(worlds, View(), grey=False)
    stacks = np.zeros((2, 1, 120, 160, 3), dtype=np.uint8)
    for k, world in enumerate(worlds):
        world.reset(seed=k)
        fleet.refresh(k)
    fleet.render(stacks)
    for k, world in enumerate(worlds):
        assert (stacks[k, 0] == picture(world)).all()
    assert (stacks[0] != stacks[1]).any()
    worlds[0].set_appearance(Appearance(seed=1))
    seen = picture(worlds[0])
    worlds[0].reset(seed=1)
    assert (picture(worlds[0]) != seen).any()  # the same appearance of another look
    worlds[0].set_appearance(None)
    assert (picture(worlds[0]) == stacks[1, 0]).all()
