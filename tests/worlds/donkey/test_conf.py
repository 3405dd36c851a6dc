"""The conf of an environment takes what upstream's takes; what it does not take it names."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from agent.simulator.world import World
from agent.worlds.donkey.conf_checks import PORT_DEFAULTS, READ, SENSORS, checked
from agent.worlds.donkey.conf_sensors import KEYS
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.env_options import camera_message, lidar_message
from agent.worlds.donkey.make_env import make_env
from tests.worlds.donkey.scripted_unity import LIMITS, simulator

TRACK = "generated_track"
VALUES: tuple[Any, ...] = (
    None, True, False, np.True_, 0, 1, -1, 2, 16, 10**400, -0.5, 0.5, 1e-300, 1e300, math.nan,
    math.inf, -math.inf, np.float32(0.5), np.int64(3), Decimal("0.5"), 1j, "", " ", "0", "1", "3.0",
    " 2 ", "nan", "1e400", "9" * 5000, "remote", "manual", "JPG", "\0", b"1", [], (), [1], {},
    {"a": 1}, [120, 160, 3], ("120", "160", "3"), (120, 160), (0, 160, 3), (-120, 160, 3),
    (120, 160, 1), (4000, 4000, 3), np.zeros(3), object(), print,
)  # fmt: skip
FLAT = sorted({*READ, *SENSORS})
NESTED = [(key, name) for key, names in KEYS.items() for name in names]


@pytest.fixture(scope="module")
def world() -> World:
    return World(TRACK)


def works_or_names(conf: dict[str, Any], key: str, world: World) -> None:
    """Drive two steps with the conf, or see it refused in a line that names the key."""
    said = ""
    try:
        env = DonkeyEnv(TRACK, conf, world=world)
    except ValueError as error:
        said = str(error)
    if said:
        assert key in said and "\n" not in said and len(said) < 400
        return
    env.reset(seed=0)
    frame, _, _, _, _ = env.step(env.action_space.sample())
    assert frame.shape == env.observation_space.shape == env.conf["cam_resolution"]


@pytest.mark.filterwarnings("error", "ignore:conf keys")
@pytest.mark.parametrize("key", FLAT)
def test_every_value_of_a_flat_key_works_or_is_named(key: str, world: World) -> None:
    port = {"port": 9091} if key in PORT_DEFAULTS and key not in ("host", "port") else {}
    for value in VALUES:
        works_or_names({key: value, **port}, key, world)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("key", "name"), NESTED)
def test_every_value_of_a_nested_key_works_or_is_named(key: str, name: str, world: World) -> None:
    for value in VALUES:
        works_or_names({key: {name: value}}, name, world)


NUMBERS = [
    *("max_cte", "frame_skip", "steer_limit", "throttle_min", "throttle_max", "max_episode_steps"),
    *("roads", "start_delay", "font_size", "img_w", "img_h", "img_d", "fov", "fish_eye_x", "rot_x"),
    *("offset_x", "rot_y", "deg_per_sweep_inc", "deg_ang_down", "deg_ang_delta", "max_range"),
    *("num_sweeps_levels", "noise", "port"),
]


@pytest.mark.parametrize("value", [None, True, math.nan, math.inf, "x", "", [], {}, 10**400])
@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_where_one_is_wanted_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^conf {key} "):
        checked({key: value})


@pytest.mark.parametrize(
    ("conf", "key"),
    [
        ({"deg_ang_delta": 0}, "deg_ang_delta"),
        ({"lidar_config": {"deg_ang_delta": "0.0"}}, "lidar_config deg_ang_delta"),
        ({"lidar_config": {"deg_per_sweep_inc": 0}}, "lidar_config deg_per_sweep_inc"),
        ({"lidar_config": {"num_sweeps_levels": 0}}, "lidar_config num_sweeps_levels"),
        ({"lidar_config": {"num_sweeps_levels": 1.5}}, "lidar_config num_sweeps_levels"),
        ({"lidar_config": {"max_range": 0}}, "lidar_config max_range"),
        ({"deg_per_sweep_inc": 0.1, "num_sweeps_levels": 300}, "lidar_config num_sweeps_levels"),
        ({"lidar_config": 3}, "lidar_config"),
        ({"cam_config": None}, "cam_config"),
        ({"cam_config": {"img_enc": "GIF"}}, "cam_config img_enc"),
        ({"img_w": -160}, "img_w"),
        ({"img_h": 4}, "img_h"),
        ({"img_w": 10**6}, "img_w"),
        ({"img_w": 2048, "img_h": 2048}, "cam_config img_w x img_h"),
        ({"cam_config_b": {"img_w": 2048, "img_h": 2048}}, "cam_config_b img_w x img_h"),
        ({"cam_resolution": (120, 160, 1)}, "cam_resolution"),
        ({"cam_resolution": (0, 160, 3)}, "cam_resolution"),
        ({"cam_resolution": (60, 80, 3), "img_w": 160}, "cam_resolution"),
        ({"host": ""}, "host"),
        ({"host": "sim:9091"}, "host"),
        ({"host": "http://sim"}, "host"),
        ({"port": "65536"}, "port"),
        ({"port": 9091.5}, "port"),
        ({"exe_path": "/opt/sim"}, "exe_path"),
        ({"exe_path": None}, "exe_path"),
        ({"port": 9091, "frame_limit_sec": 1e9}, "frame_limit_sec"),
        ({"port": 9091, "reconnect": "yes"}, "reconnect"),
        ({"body_rgb": (1, 2)}, "body_rgb"),
        ({"degPerSweepInc": 2}, "degPerSweepInc"),
    ],
)
def test_what_is_wrong_is_named(conf: dict[str, Any], key: str) -> None:
    with pytest.raises(ValueError, match=f"^conf {key} "):
        checked(conf)


GYM_CONF: dict[str, Any] = {
    "body_style": "donkey", "body_rgb": (128, 128, 128), "car_name": "car", "font_size": 100,
    "racer_name": "Your Name", "country": "Place", "bio": "I race robots.", "guid": 0,
    "img_h": "60", "img_w": 80, "img_d": 3, "img_enc": "png", "max_cte": "3.0", "frame_skip": 1,
    "start_delay": 5.0, "log_level": 20, "throttle_min": "0", "throttle_max": 0.5,
    "steer_limit": "0.8",
}  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_donkeycars_gym_conf_is_taken() -> None:
    env = DonkeyEnv(TRACK, dict(GYM_CONF))
    assert env.reset(seed=0)[0].shape == (60, 80, 3)
    high = env.action_space.high.tolist()  # type: ignore[attr-defined]
    assert (env.conf["max_cte"], high) == (
        3.0,
        pytest.approx([0.8, 0.5]),
    )
    message = camera_message(env.conf)
    assert (message["img_w"], message["img_h"], message["img_enc"]) == ("80", "60", "PNG")


def test_a_flat_lidar_is_upstreams() -> None:
    flat = {"deg_per_sweep_inc": "3", "deg_ang_down": 3, "num_sweeps_levels": 4.0, "offset_y": 1}
    nested = checked({"lidar_config": flat, "offset_y": 1})
    assert lidar_message(checked(flat)) == lidar_message(nested)
    assert lidar_message(nested)["numSweepsLevels"] == "4"
    assert camera_message(checked(flat))["offset_y"] == "1"
    assert lidar_message(checked({"offset_y": 1})) == {}


def test_grey_pictures_are_of_three_equal_channels() -> None:
    env = DonkeyEnv(TRACK, {"img_d": 1, "cam_config_b": {"img_d": 1}})
    for picture in (env.reset(seed=0)[0], env.step(env.action_space.sample())[4]["image_b"]):
        assert picture.shape == (120, 160, 3) and picture.std() > 5.0
        assert (picture == picture[:, :, :1]).all()


def test_further_keys_are_ignored_with_one_warning_that_names_them() -> None:
    conf = {"max_ctr": 3, "colour": "red", "cam_config": {"zoom": 2}, "lidar_config": {"x": 1}}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        env = DonkeyEnv(TRACK, conf)
    (warning,) = said
    named = "max_ctr (did you mean max_cte?), colour, cam_config.zoom, lidar_config.x"
    assert str(warning.message) == f"conf keys that are not known are ignored: {named}"
    assert warning.filename == __file__
    assert env.conf["max_cte"] == 8.0 and lidar_message(env.conf) == {}


@pytest.mark.parametrize("where", [{"exe_path": "remote"}, {"exe_path": "manual"}, {}])
def test_a_simulator_that_somebody_else_starts(where: dict[str, Any]) -> None:
    with simulator() as (port, met):
        conf = {**where, "host": "[127.0.0.1]", "port": str(port), "start_delay": 5.0, **LIMITS}
        env = DonkeyEnv(TRACK, conf)
        env.reset()
        env.close()
    assert len(met) == 1
    remote = checked({"exe_path": "remote"})
    assert (remote["host"], remote["port"]) == ("127.0.0.1", 9091)
    assert "port" not in checked({})


def test_a_host_alone_makes_a_policys_environment_one_on_a_port() -> None:
    with pytest.raises(RuntimeError, match="no simulator answers on 127"):
        make_env("donkey-generated-track-v0", host="127.0.0.1", port=1, exe_path="remote")
    with pytest.raises(RuntimeError, match=r"no simulator answers on \[::1\]:1 "):
        make_env("donkey-generated-track-v0", host="::1", port=1)
