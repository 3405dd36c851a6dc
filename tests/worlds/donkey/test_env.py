"""The environment: the checkers of Gymnasium and SB3, and upstream's contract."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_sb3

import agent.worlds.donkey.registration  # noqa: F401 - registers the ids
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.observation import FAST_VIEW
from agent.worlds.donkey.tasks import SCENE_OF_ENV

TRACK = "donkey-generated-track-v0"
UPSTREAM_INFO = {
    "pos", "cte", "speed", "forward_vel", "hit", "gyro", "accel", "vel", "lidar", "car",
    "last_lap_time", "lap_count",
}  # fmt: skip
FORWARD = np.array([0.0, 0.5], dtype=np.float32)


@pytest.mark.parametrize("env_id", SCENE_OF_ENV)
def test_passes_both_env_checkers(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the throttle's range is upstream's, not symmetric
        check_env(gymnasium.make(env_id, render_mode="rgb_array").unwrapped)
        check_env_sb3(gymnasium.make(env_id).unwrapped)


def test_spaces_and_info_are_upstreams() -> None:
    env: Any = gymnasium.make(TRACK, conf={"steer_limit": 0.5, "throttle_max": 0.8})
    assert env.action_space.low.tolist() == pytest.approx([-0.5, 0.0])
    assert env.action_space.high.tolist() == pytest.approx([0.5, 0.8])
    frame, info = env.reset(seed=1)
    assert frame.shape == (120, 160, 3) and frame.dtype == np.uint8
    assert info.keys() >= UPSTREAM_INFO | {"progress", "laps", "end_reason"}


def test_reward_is_upstreams_with_the_absolute_cte() -> None:
    env: Any = gymnasium.make(TRACK).unwrapped
    for aside in (-3.0, 3.0):
        env.reset(seed=0)
        env.world.reset(arc_u=5.0, lateral_u=aside)
        for _ in range(10):
            _, reward, _, _, info = env.step(FORWARD)
        assert reward == pytest.approx((1 - abs(info["cte"]) / 8.0) * info["forward_vel"])


def test_leaving_the_road_ends_the_episode_on_both_sides() -> None:
    for steer in (-1.0, 1.0):
        env: Any = gymnasium.make(TRACK)
        env.reset(seed=0)
        terminated = False
        for _ in range(200):
            _, reward, terminated, _, info = env.step(np.array([steer, 0.9], dtype=np.float32))
            if terminated:
                break
        assert terminated and reward == -1.0
        assert info["end_reason"] in ("off_track", "hit")


def test_standing_still_ends_after_five_seconds() -> None:
    env: Any = gymnasium.make(TRACK)
    env.reset(seed=0)
    for step in range(1, 200):  # noqa: B007 - read after the loop
        _, _, terminated, _, info = env.step(np.array([0.0, 0.0], dtype=np.float32))
        if terminated:
            break
    assert step == 100 and info["end_reason"] == "no_progress"


def test_time_limit_truncates() -> None:
    env: Any = gymnasium.make(TRACK, conf={"max_episode_steps": 7})
    env.reset(seed=0)
    ends = [env.step(FORWARD)[2:4] for _ in range(7)]
    assert ends == [(False, False)] * 6 + [(False, True)]


def test_seed_decides_the_road() -> None:
    env: Any = gymnasium.make("donkey-generated-roads-v0")
    frames = [env.reset(seed=seed)[0] for seed in (1, 2, 1)]
    far: list[Any] = [gymnasium.make("donkey-generated-roads-v0") for _ in range(2)]
    assert np.array_equal(frames[0], frames[2])
    for e, seed in zip(far, (1, 2), strict=True):
        e.reset(seed=seed)
    assert not np.array_equal(
        far[0].unwrapped.world.track.nodes, far[1].unwrapped.world.track.nodes
    )


def test_the_camera_is_upstreams_cam_config() -> None:
    frames = []
    for cam_config in ({}, {"rot_x": 30.0}, {"fov": 60, "offset_y": 2.0}):
        env: Any = gymnasium.make(
            TRACK, conf={"cam_resolution": (60, 80, 3), "cam_config": cam_config}
        )
        assert env.observation_space.shape == (60, 80, 3)
        frames.append(env.reset(seed=0)[0])
    assert not np.array_equal(frames[0], frames[1]) and not np.array_equal(frames[0], frames[2])


def test_an_environment_with_a_grey_observation_still_renders_in_colour() -> None:
    env = DonkeyEnv("generated_track", render_mode="rgb_array", grey_view=FAST_VIEW)
    observation, _ = env.reset(seed=0)
    picture = env.render()
    assert observation.shape == env.observation_space.shape == (40, 80)
    assert (
        picture is not None
        and picture.shape == (120, 160, 3)
        and np.ptp(picture, axis=2).max() > 20
    )


def test_a_random_appearance_is_another_in_every_episode_and_the_same_for_a_seed() -> None:
    first, again = (gymnasium.make(TRACK, conf={"appearance": "random"}) for _ in range(2))
    frames = [
        first.reset(seed=4)[0],
        first.reset()[0],
        again.reset(seed=4)[0],
        gymnasium.make(TRACK).reset(seed=4)[0],
    ]
    assert np.array_equal(frames[0], frames[2])
    assert not any(np.array_equal(frames[0], other) for other in (frames[1], frames[3]))
