"""One behaviour, whichever way the environment is reached."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_sb3

from agent.simulator.tracks import scene_names
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.remote.remote_world import RemoteWorld

INFO = {
    "pos", "cte", "speed", "forward_vel", "hit", "gyro", "accel", "vel", "lidar", "car",
    "last_lap_time", "lap_count", "lap_times", "progress", "laps", "net_progress_m", "end_reason",
    "steering", "line_ahead",
}  # fmt: skip
LEVELS = ("generated_track", "mountain_track", "generated_road")


def embedded(level: str, conf: dict[str, Any]) -> DonkeyEnv:
    """The environment that the others are compared with; each side would draw a look of its own."""
    return DonkeyEnv(level, {"random_look": False, **conf})


def act(steering: float, throttle: float) -> np.ndarray:
    return np.array([steering, throttle], dtype=np.float32)


def follow(env: DonkeyEnv, info: dict[str, Any], throttle: float = 0.25) -> np.ndarray:
    """Steers for a point of the centre line ahead of the car."""
    x, z = info["pos"][0] * 8, info["pos"][2] * 8
    _, _, heading = env.world.track.pose_at(env.world.track.arc_of(x, z) + 3.0)
    off = np.angle(np.exp(1j * (heading - math.radians(info["car"][2]))))
    return act(float(np.clip(3.0 * off - 0.5 * info["cte"], -1.0, 1.0)), throttle)


def trace(env: DonkeyEnv, steps: int = 40) -> tuple[np.ndarray, list[np.ndarray]]:
    """Numbers and frames of an episode under fixed commands."""
    frame, info = env.reset(seed=11)
    numbers, frames = [], [frame]
    for step in range(steps):
        frame, reward, _, _, info = env.step(act(0.4 * math.sin(step / 6), 0.5))
        vectors = [info[name] for name in ("pos", "vel", "accel", "gyro", "car")]
        scalars = [info[name] for name in ("cte", "speed", "progress", "net_progress_m")]
        numbers.append([reward, *np.concatenate(vectors), *scalars])
        frames.append(frame)
    return np.array(numbers), frames


def test_spaces_contract_and_info(make: Any) -> None:
    env = make(steer_limit=0.5, throttle_max=0.8)
    assert env.action_space.low.tolist() == [-0.5, 0.0]
    assert env.action_space.high.tolist() == pytest.approx([0.5, 0.8])
    frame, info = env.reset(seed=1)
    assert (
        frame.shape == (120, 160, 3)
        and frame.dtype == np.uint8
        and env.observation_space.contains(frame)
    )
    assert info.keys() == INFO
    assert (info["progress"], info["laps"], info["lap_count"], info["speed"], info["hit"]) == (
        0.0,
        0,
        0,
        0.0,
        "none",
    )
    frame, reward, terminated, truncated, info = env.step(act(0.0, 0.5))
    assert env.observation_space.contains(frame) and info.keys() == INFO
    assert (type(reward), terminated, truncated) == (float, False, False)
    assert info["speed"] > 0.0 and info["end_reason"] is None


def test_passes_both_env_checkers(make: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the throttle's range is upstream's, not symmetric
        check_env(make(), skip_render_check=True)
        check_env_sb3(make(), skip_render_check=True)


@pytest.mark.parametrize("level", LEVELS)
def test_all_ways_tell_the_same_story(make: Any, level: str) -> None:
    env = make(level, start="jitter")
    numbers, frames = trace(env)
    expected, expected_frames = trace(embedded(level, {"start": "jitter"}))
    assert np.allclose(numbers, expected, rtol=1e-4, atol=1e-4)
    for frame, expected_frame in zip(frames, expected_frames, strict=True):
        assert np.abs(frame.astype(int) - expected_frame).mean() < 6.0  # JPEG's loss
    again, frames_again = trace(env)
    assert np.array_equal(numbers, again)
    assert all(np.array_equal(one, other) for one, other in zip(frames, frames_again, strict=True))


def test_frames_without_loss_are_the_same_to_the_last_pixel(make: Any) -> None:
    conf = {
        "cam_resolution": (60, 80, 3),
        "cam_config": {"img_enc": "PNG", "fov": 80, "rot_x": 10.0},
    }
    _, frames = trace(make(**conf), steps=5)
    _, expected = trace(embedded("generated_track", conf), steps=5)
    assert all(np.array_equal(one, other) for one, other in zip(frames, expected, strict=True))


def test_the_second_camera_stands_beside_the_first(make: Any) -> None:
    conf = {"cam_config_b": {"img_enc": "PNG"}}
    seen = []
    for env in (make(**conf), embedded("generated_track", conf)):
        env.reset(seed=0)
        frame, _, _, _, info = env.step(act(0.2, 0.4))
        seen.append(info["image_b"])
        assert seen[-1].shape == frame.shape and np.abs(seen[-1].astype(int) - frame).mean() > 1.0
    assert np.array_equal(seen[0], seen[1])


def test_the_lidar_is_upstreams_array(make: Any) -> None:
    lidar_config = {
        "deg_per_sweep_inc": 3,
        "deg_ang_down": 3,
        "num_sweeps_levels": 4,
        "max_range": 40.0,
    }
    seen = []
    for env in (
        make(lidar_config=lidar_config),
        embedded("generated_track", {"lidar_config": lidar_config}),
    ):
        env.reset(seed=0)
        seen.append(env.step(act(0.2, 0.4))[4]["lidar"])
        assert seen[-1].shape == (480,) and seen[-1].min() == -1.0 and 1.0 < seen[-1].max() <= 40.0
    assert np.allclose(seen[0], seen[1], atol=0.011)


@pytest.mark.parametrize("steering", [-1.0, 1.0])
def test_leaving_the_road_ends_the_episode_on_both_sides(make: Any, steering: float) -> None:
    env = make(max_cte=3.0)
    env.reset(seed=0)
    for _ in range(200):
        _, reward, terminated, truncated, info = env.step(act(steering, 0.5))
        if terminated or truncated:
            break
    assert (
        terminated
        and reward == -1.0
        and info["end_reason"] == "off_track"
        and abs(info["cte"]) > 3.0
    )


def test_time_limit_truncates(make: Any) -> None:
    env = make(max_episode_steps=7)
    for _ in range(2):
        env.reset(seed=0)
        ends = [env.step(act(0.0, 0.2))[2:4] for _ in range(7)]
        assert ends == [(False, False)] * 6 + [(False, True)]


def test_standing_still_ends_after_five_seconds(make: Any) -> None:
    env = make()
    env.reset(seed=0)
    for step in range(1, 200):  # noqa: B007 - read after the loop
        _, _, terminated, _, info = env.step(act(0.0, 0.0))
        if terminated:
            break
    assert step in (100, 101) and info["end_reason"] == "no_progress"


def test_a_hit_ends_the_episode(make: Any) -> None:
    env = make(max_cte=100.0)
    _, info = env.reset(seed=0)
    cone = env.world.scene.obstacles[0]
    for _ in range(400):
        x, z, yaw = info["pos"][0] * 8, info["pos"][2] * 8, math.radians(info["car"][2])
        off = np.angle(np.exp(1j * (math.atan2(cone["x"] - x, cone["z"] - z) - yaw)))
        _, reward, terminated, truncated, info = env.step(
            act(float(np.clip(2.0 * off, -1, 1)), 0.2)
        )
        if terminated or truncated:
            break
    assert terminated and reward == -1.0 and info["end_reason"] == "hit" and info["hit"] != "none"


def test_progress_grows_with_the_road_and_falls_against_it(make: Any) -> None:
    env = make(throttle_min=-1.0)
    _, info = env.reset(seed=0)
    progress = [info["progress"]]
    for _ in range(60):
        _, _, _, _, info = env.step(follow(env, info))
        progress.append(info["progress"])
    assert progress == sorted(progress) and progress[-1] > 0.05
    env.reset()
    for _ in range(40):
        _, _, _, _, info = env.step(act(0.0, -0.3))
    assert info["progress"] < -0.02 and info["laps"] == 0


def test_a_lap_is_counted_and_timed(make: Any) -> None:
    laps = []
    for env in (make(), embedded("generated_track", {})):
        _, info = env.reset(seed=0)
        for _ in range(900):
            _, _, terminated, _, info = env.step(follow(env, info))
            if terminated or info["lap_count"]:
                break
        assert (
            info["lap_count"] == 1
            and info["laps"] == 1
            and info["lap_times"] == [info["last_lap_time"]]
        )
        laps.append(info["last_lap_time"])
    assert 8.0 < laps[0] == pytest.approx(laps[1], abs=0.03)


def test_training_starts_anywhere_and_the_same_place_everywhere(make: Any) -> None:
    places = []
    for env in (make(start="anywhere"), embedded("generated_track", {"start": "anywhere"})):
        places.append([env.reset(seed=seed)[1]["pos"] for seed in (1, 2, 3)])
        assert env.reset()[1]["speed"] == 0.0
    assert np.allclose(places[0], places[1], atol=1e-4)
    assert np.ptp(places[0], axis=0).max() > 1.0


def test_the_seed_decides_the_road(make: Any) -> None:
    env, reference = make("generated_road"), embedded("generated_road", {})
    roads = []
    for seed in (1, 2, 1):
        env.reset(seed=seed)
        reference.reset(seed=seed)
        roads.append(env.world.track.nodes)
        assert np.allclose(env.world.track.nodes, reference.world.track.nodes, atol=1e-4)
        env.reset()
        assert env.world.track.nodes is roads[-1]
    assert np.array_equal(roads[0], roads[2]) and not np.allclose(roads[0], roads[1])


@pytest.mark.parametrize("level", scene_names())
def test_every_scene_can_be_driven(make: Any, way: str, level: str) -> None:
    env = make(level)
    _, info = env.reset(seed=0)
    for _ in range(10):
        _, _, terminated, _, info = env.step(follow(env, info))
        assert not terminated, info
    assert info["progress"] > 0.0
    if isinstance(env.world, RemoteWorld):
        env.close()
        with pytest.raises(RuntimeError, match="lost"):
            env.reset()
