"""A view of a world that somebody else drives."""

from __future__ import annotations

import numpy as np

from agent.simulator.appearance import Appearance
from agent.simulator.lens import View
from agent.simulator.lidar import LidarConfig
from agent.simulator.world import World
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.observed_world import ObservedWorld


def picture(world: World | ObservedWorld) -> np.ndarray:
    out: np.ndarray = np.zeros((120, 160, 3), dtype=np.uint8)
    world.render(out, View())
    return out


def test_it_shows_the_world_and_leaves_the_car_alone() -> None:
    world = World("generated_track")
    world.step(0.2, 0.8)
    view = ObservedWorld(world)
    pos = world.telemetry().pos
    view.reset(3, arc_u=50.0)
    assert view.step(1.0, 1.0).pos == world.telemetry().pos == pos
    assert view.scene is world.scene and view.track is world.track
    assert view.line_ahead_u == world.line_ahead_u
    assert view.lidar(LidarConfig()) == world.lidar(LidarConfig())
    assert np.array_equal(picture(view), picture(world))


def test_a_change_of_appearance_is_seen_by_both() -> None:
    world = World("generated_track")
    before = picture(world)
    ObservedWorld(world).set_appearance(Appearance(seed=3))
    assert not np.array_equal(picture(world), before)


def test_an_environment_observes_what_the_driver_does() -> None:
    world = World("generated_track")
    env = DonkeyEnv("generated_track", {"start": "anywhere"}, world=ObservedWorld(world))
    env.reset(seed=0)
    world.step(0.0, 0.5)
    _, reward, _, _, info = env.step(np.array([1.0, 0.0], dtype=np.float32))
    telemetry = world.telemetry()
    assert (info["pos"], info["speed"]) == (telemetry.pos, telemetry.speed)
    assert reward > 0.0
