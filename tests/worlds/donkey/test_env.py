"""The environment: the checkers of Gymnasium and SB3, upstream's contract, rewards, the observation pipeline."""

import warnings
from typing import Any, cast

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_sb3

from agent.simulator.world import World
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.make_env import make_driver_env
from agent.worlds.donkey.observation import FAST_VIEW, FRAMES, shrink
from agent.worlds.donkey.road_choice import NARROW
from agent.worlds.donkey.tasks import SCENE_OF_ENV, check_env_id, embedded_env_ids

TRACK = "donkey-generated-track-v0"
UPSTREAM_INFO = {
    "pos", "cte", "speed", "forward_vel", "hit", "gyro", "accel", "vel", "lidar", "car", "last_lap_time", "lap_count",
}  # fmt: skip
FORWARD = np.array([0.0, 0.5], dtype=np.float32)


@pytest.mark.parametrize("env_id", embedded_env_ids())
def test_passes_both_env_checkers(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the throttle's range is upstream's, not symmetric
        check_env(gymnasium.make(env_id, render_mode="rgb_array").unwrapped)
        check_env_sb3(gymnasium.make(env_id).unwrapped)


def test_upstreams_eleven_ids_and_our_own_are_registered() -> None:
    assert len(SCENE_OF_ENV) == 12
    assert all(env_id in gymnasium.registry for env_id in SCENE_OF_ENV)


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


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"port": 0}, "conf port 0 is no TCP port"),
        ({"exe_path": "/sim"}, "start the simulator and give its port"),
        ({"client": "own"}, "conf client 'own' is for a simulator on the wire"),
        ({"port": 9091, "client": "unity"}, "conf client 'unity' is unknown"),
        ({"max_ctr": 3}, "conf key 'max_ctr' is not supported"),
        ({"max_cte": -1}, "max_cte -1 is not positive"),
        ({"cam_resolution": (60, 80, 3), "cam_config": {"img_w": 160}}, "does not fit cam_config"),
        ({"cam_config": {"zoom": 2}}, "cam_config 'zoom' is unknown"),
        ({"throttle_min": 1.0}, "is not below throttle_max"),
    ],
)
def test_bad_conf_is_one_clear_line(conf: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gymnasium.make(TRACK, conf=conf)


def test_unknown_ids_are_refused_with_the_known_ones() -> None:
    for env_id in ("donkey-atlantis-v0", TRACK + "@9091"):
        with pytest.raises(ValueError, match="donkey-"):
            check_env_id(env_id)


def test_fast_observation_is_the_cropped_grey_mean_of_the_frame() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    grey = frame[40:] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(shrink(frame) - grey.reshape(40, 2, 80, 2).mean(axis=(1, 3))).max() <= 1.5


@pytest.mark.parametrize("env_id", sorted(SCENE_OF_ENV))
def test_the_fast_observation_drawn_directly_looks_like_the_shrunk_frame(env_id: str) -> None:
    """A driver trained on one drives by the other, which is what a simulator on the wire shows."""
    env: Any = make_driver_env(env_id, throttle_max=1.0, start="anywhere")
    frame = np.zeros((120, 160, 3), dtype=np.uint8)
    for seed in range(8):
        observation, _ = env.reset(seed=seed)
        assert observation.shape == (FRAMES, 40, 80) and observation.dtype == np.uint8
        for _ in range(seed):
            after, *_ = env.step(np.array([0.1, 1.0], dtype=np.float32))
            assert np.array_equal(after[-2], observation[-1])
            observation = after
        env.unwrapped.world.render(frame)
        apart = np.abs(observation[-1].astype(int) - shrink(frame))
        # Walls at the horizon differ by a row: their tops are not blended.
        assert apart.mean() < 4.0 and np.quantile(apart, 0.97) < 25, (seed, apart.mean())


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


def circle(reward: str) -> list[float]:
    """Rewards of a car that drives the tightest circle inside the road until the episode ends."""
    env: Any = make_driver_env(
        "donkey-mountain-track-v0", reward=reward, throttle_min=0.0, throttle_max=1.0
    )
    env.reset(seed=0)
    env.unwrapped.world.reset(arc_u=20.0, lateral_u=-5.5)
    rewards, ended = [], False
    while not ended:
        _, r, terminated, truncated, info = env.step(np.array([1.0, -0.6], dtype=np.float32))
        rewards.append(r)
        ended = terminated or truncated
    assert info["end_reason"] == "no_progress"
    return rewards


def test_circling_pays_under_the_simulators_reward_but_not_under_ours() -> None:
    assert sum(circle("sim")) > 50.0
    assert sum(circle("yardstick")) < 0.4 * sum(circle("sim"))
    assert circle("speed")[-2] > 0.5
    assert circle("efficiency")[-2] == 0.0


def test_efficiency_leaves_honest_driving_alone() -> None:
    totals = {}
    for name in ("speed", "efficiency"):
        env: Any = make_driver_env(TRACK, reward=name, throttle_min=0.0, throttle_max=1.0)
        env.reset(seed=0)
        world = env.unwrapped.world
        world.reset()
        totals[name] = 0.0
        for _ in range(250):
            here = world.telemetry()
            x, z = here.pos[0] * 8, here.pos[2] * 8
            _, _, heading = world.track.pose_at(world.track.arc_of(x, z) + 3.0)
            off = np.angle(np.exp(1j * (heading - np.radians(here.car[2]))))
            steer = np.clip(3.0 * off - 0.5 * here.cte, -1, 1)
            totals[name] += env.step(np.array([steer, -0.6], dtype=np.float32))[1]
    assert totals["efficiency"] > 0.97 * totals["speed"] > 100.0


def test_yardstick_equals_the_simulators_reward_for_honest_driving() -> None:
    env: Any = make_driver_env(TRACK, reward="yardstick")
    env.reset(seed=0)
    for _ in range(30):
        _, reward, _, _, info = env.step(np.array([0.0, 0.0], dtype=np.float32))
        assert reward == pytest.approx((1 - abs(info["cte"]) / 8.0) * info["forward_vel"], abs=1e-9)


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


def test_random_roads_are_new_in_every_training_episode_and_kept_in_evaluation() -> None:
    for reward, roads in (("sim", 3), ("yardstick", 1)):
        env: Any = make_driver_env("donkey-random-track-v0", reward=reward)
        env.reset(seed=1)
        lengths = {env.unwrapped.world.track.length_u}
        for _ in range(2):
            env.reset()
            lengths.add(env.unwrapped.world.track.length_u)
        assert len(lengths) == roads


def test_a_few_random_roads_come_again_and_again() -> None:
    env: Any = make_driver_env("donkey-random-track-v0", roads=2)
    lengths = set()
    for seed in (9, *[None] * 9):
        env.reset(seed=seed)
        lengths.add(env.unwrapped.world.track.length_u)
    assert len(lengths) == 2


@pytest.mark.parametrize(("crossroads", "most_u", "share"), [(0.0, 47.0, 0.5), (0.5, 82.0, 0.8)])
def test_some_of_the_astray_begin_upright_before_a_crossing(
    crossroads: float, most_u: float, share: float
) -> None:
    env = DonkeyEnv("generated_road", {"start": "astray", "crossroads": crossroads})
    env.reset(seed=3)
    track = cast(World, env.world).track
    before = []
    for _ in range(200):
        env.reset()
        telemetry = cast(World, env.world).telemetry()
        x, _, z = (8.0 * metres for metres in telemetry.pos)
        ahead_u = track.arc_u[track.crossings] - track.arc_of(x, z)
        turned = np.radians(telemetry.car[2]) - track.pose_at(track.arc_of(x, z))[2]
        upright = abs(telemetry.cte) < 1.6 and abs(np.sin(turned)) < np.sin(np.radians(11.0))
        before.append(upright and bool(((ahead_u > 18.0) & (ahead_u < most_u)).any()))
    env.close()
    assert share - 0.1 < np.mean(before) < share + 0.15


def test_crossroads_begin_before_narrow_crossings_rather_than_square_ones() -> None:
    def before_the_square_one(crossroads: float) -> float:
        env = DonkeyEnv("generated_road", {"start": "astray", "crossroads": crossroads})
        env.reset(seed=9066)  # one crossing at 84 degrees and three at 40 to 52
        track, found = cast(World, env.world).track, []
        for _ in range(200):
            env.reset()
            x, _, z = (8.0 * metres for metres in cast(World, env.world).telemetry().pos)
            ahead_u = track.arc_u[track.crossings] - track.arc_of(x, z)
            at = (ahead_u > 18.0) & (ahead_u < 47.0)
            found += [bool(track.narrowness[at].max() < 0.2)] if at.any() else []
        env.close()
        return float(np.mean(found))

    assert before_the_square_one(0.5) < 0.5 * before_the_square_one(0.0)


@pytest.mark.parametrize(
    ("crossroads", "least", "most"), [(0.0, 0.02, 0.25), (0.5, 0.45, 0.7), (1.0, 1.0, 1.0)]
)
def test_crossroads_are_roads_drawn_for_a_narrow_crossing(
    crossroads: float, least: float, most: float
) -> None:
    env = DonkeyEnv("generated_road", {"crossroads": crossroads, "road": "new", "roads": 512})
    env.reset(seed=3)
    narrow = []
    for _ in range(60):
        env.reset()
        narrow.append(cast(World, env.world).track.narrowness.max(initial=0.0) > NARROW)
    env.close()
    assert least <= np.mean(narrow) <= most
