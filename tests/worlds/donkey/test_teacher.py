"""The teacher drives every named track and comes back from anywhere on the road; its labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.fleet import Fleet
from agent.simulator.lens import View
from agent.simulator.track_progress import CTE, HIT, NET
from agent.simulator.vehicle import X, Z
from agent.simulator.world import World
from agent.worlds.donkey.experts.line import rounded_line
from agent.worlds.donkey.experts.line_follower import LineFollower, steering_for
from agent.worlds.donkey.experts.teacher import (
    AHEAD_U,
    LABEL_WEIGHTS,
    MIRROR_SIGNS,
    MOST_STEERING,
    THROTTLE_OVERSHOOT,
    Teacher,
)
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.tasks import OUR_OWN, SCENE_OF_ENV
from agent.worlds.donkey.vector_env import DonkeyVectorEnv

NAMED = [scene for scene in SCENE_OF_ENV.values() if scene != OUR_OWN]


def fleet_of(scenes: list[str], seeds: range = range(1)) -> Fleet:
    # The teacher sees the road alone: it would run into a cone on it.
    worlds = [World(scene, random_look=False) for scene in scenes for _ in seeds]
    for world, seed in zip(worlds, [seed for _ in scenes for seed in seeds], strict=True):
        world.reset(seed)
    return Fleet(worlds, View(), grey=False)


@pytest.mark.parametrize("scene", NAMED)
def test_it_drives_every_named_track(scene: str) -> None:
    fleet = fleet_of([scene])
    teacher = Teacher(fleet, 0.5, (0.1, 0.5))
    length_u = fleet.worlds[0].track.length_u
    for _ in range(2500):
        fleet.step(np.clip(teacher.commands(), (-1.0, 0.1), (1.0, 0.5)))
        assert abs(fleet.progress_states[0, CTE]) < 6.0
        assert fleet.progress_states[0, HIT] < 0
        if fleet.progress_states[0, NET] > min(length_u, 2000.0) - 10.0:
            return
    raise AssertionError(f"{fleet.progress_states[0, NET]:.0f} of {length_u:.0f} u in 125 s")


def test_it_comes_back_to_its_line_from_beside_it() -> None:
    fleet = fleet_of(["random_track", "generated_road"], range(4))
    rng = np.random.default_rng(2)
    for world in fleet.worlds:
        world.reset(
            arc_u=0.0, lateral_u=rng.uniform(-4.0, 4.0), yaw_offset_rad=rng.uniform(-0.5, 0.5)
        )
    for k in range(8):
        fleet.refresh(k)
    teacher = Teacher(fleet, 0.5, (0.1, 0.35))
    middle = np.array([world.scene.middle_u for world in fleet.worlds])
    assert (middle < -0.5).any() and (middle == 0.0).any()
    lines = [
        rounded_line(world.track, middle_u, grip=0.5, throttle=0.35).points
        for world, middle_u in zip(fleet.worlds, middle, strict=True)
    ]

    def away_u() -> float:
        return float(
            np.mean(
                [
                    np.hypot(*(line - car[[X, Z]]).T).min()
                    for line, car in zip(lines, fleet.car_states, strict=True)
                ]
            )
        )

    before_u = away_u()
    for _ in range(100):
        fleet.step(np.clip(teacher.commands(), (-1.0, 0.1), (1.0, 0.35)))
    assert away_u() < 0.5 * before_u


@pytest.mark.parametrize(
    ("scene", "most"),
    [("mountain_track", 0.15), ("roboracingleague_1", 0.37), ("generated_track", 0.19)],
)
def test_its_steering_is_the_line_followers_of_the_rounded_middle_but_for_its_patience(
    scene: str, most: float
) -> None:
    fleet = fleet_of([scene])
    teacher, world = Teacher(fleet, 0.5, (0.0, 0.5)), fleet.worlds[0]
    hand: Any = LineFollower(
        rounded_line(world.track, world.scene.middle_u, grip=0.5, throttle=0.5)
    )
    differences = []
    for _ in range(200):
        commands = teacher.commands()
        differences.append(commands[0, 0] - hand.command(fleet.worlds[0].telemetry())[0])
        fleet.step(np.clip(commands, (-1.0, 0.0), (1.0, 0.5)))
    assert np.abs(differences[40:]).mean() < most


def test_it_asks_for_more_throttle_than_there_is_and_for_less_than_none() -> None:
    fleet = fleet_of(["thunderhill"])
    teacher = Teacher(fleet, 0.5, (0.1, 0.5))
    assert teacher.commands()[0, 1] == pytest.approx(0.5 + THROTTLE_OVERSHOOT)
    for _ in range(300):
        fleet.step(np.array([[np.clip(teacher.commands()[0, 0], -1.0, 1.0), 1.0]]))
        if fleet.progress_states[0, NET] > 300.0:
            break
    assert Teacher(fleet, 0.5, (0.1, 0.2)).commands()[0, 1] == pytest.approx(
        0.1 - THROTTLE_OVERSHOOT
    )


def test_it_asks_for_more_than_the_car_can_turn_but_not_for_any_amount() -> None:
    assert steering_for(1.0, 0.0, 0.0, 5.0) > MOST_STEERING
    fleet = fleet_of(["warren"])
    x, z, yaw = fleet.car_states[0, :3].tolist()
    fleet.worlds[0].set_pose(x + 6.0 * math.cos(yaw), z - 6.0 * math.sin(yaw), yaw + 1.5)
    assert Teacher(fleet, 0.5, (0.1, 0.5)).commands()[0, 0] == -MOST_STEERING


def test_it_points_at_the_middle_of_the_road_ahead() -> None:
    fleet = fleet_of(
        ["generated_track", "generated_road"]
    )  # the one has its path in the lane, the other nodes 2 u apart
    for world, aside_u in zip(fleet.worlds, (0.0, 3.0), strict=True):
        world.reset(0, arc_u=50.0, lateral_u=aside_u, yaw_offset_rad=0.2)
    for k in range(2):
        fleet.refresh(k)
    bearings = Teacher(fleet, 0.5, (0.1, 0.5)).bearings()
    for k, world in enumerate(fleet.worlds):
        middle_u, (x, z, yaw) = world.scene.middle_u, fleet.car_states[k, :3]
        for ahead_u, bearing in zip(AHEAD_U, bearings[k], strict=True):
            at_x, at_z, heading = world.track.pose_at(world.track.arc_of(x, z) + ahead_u)
            east, north = (
                at_x + middle_u * np.cos(heading) - x,
                at_z - middle_u * np.sin(heading) - z,
            )
            right, forward = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) @ (
                east,
                north,
            )
            assert bearing == pytest.approx(np.arctan2(right, forward + 1.0), abs=0.15)


def test_a_new_road_is_taken_note_of() -> None:
    fleet = fleet_of(["random_track"], range(2))
    teacher = Teacher(fleet, 0.5, (0.1, 0.5))
    fleet.worlds[1].reset(77)
    fleet.refresh(1)
    teacher.refresh(1)
    assert np.array_equal(teacher.commands(), Teacher(fleet, 0.5, (0.1, 0.5)).commands())


def test_a_label_is_the_teacher_s_action_and_the_bearings_with_weights_and_signs_for_each() -> None:
    limits: dict[str, Any] = {"steer_limit": 0.5, "throttle_min": 0.1, "throttle_max": 0.5}
    drivers = [make_env("donkey-warren-track-v0", bare=True, **limits) for _ in range(2)]
    env = DonkeyVectorEnv(drivers, 2, "sim", teacher_grip=0.5)
    env.reset([1, 2])
    assert env.teacher is not None
    labels = env.labels()
    assert labels.shape == (2, len(LABEL_WEIGHTS)) == (2, len(MIRROR_SIGNS))
    commands = env.teacher.commands()
    actions = [2.0 * commands[:, 0].clip(-0.5, 0.5), (commands[:, 1].clip(0.1, 0.5) - 0.3) / 0.2]
    assert labels[:, :2] == pytest.approx(np.transpose(actions), abs=1e-5)
    assert labels[:, 2:] == pytest.approx(env.teacher.bearings(), abs=1e-6)
    assert (-1.0, 1.0, *[-1.0] * len(AHEAD_U)) == MIRROR_SIGNS
