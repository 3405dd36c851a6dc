"""The conf of an environment: bad ones are one line, and what a good one asks for is there."""

from __future__ import annotations

from typing import Any

import pytest

from agent.simulator.lens import View
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.env_options import camera_message, checked, lidar, second_view


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"port": 0}, "conf port 0 is no TCP port"),
        ({"exe_path": "/sim"}, "start the simulator and give its port"),
        ({"client": "own"}, "conf client 'own' is for a simulator on a port"),
        ({"port": 9091, "client": "unity"}, "conf client 'unity' is unknown"),
        ({"max_cte": -1}, "max_cte -1 is not positive"),
        ({"cam_resolution": (60, 80, 3), "cam_config": {"img_w": 160}}, "does not fit cam_config"),
        ({"throttle_min": 1.0}, "is not below throttle_max"),
        ({"start": "astray"}, "start 'astray' is unknown; choose from line, jitter"),
        ({"port": 9091, "appearance": "random"}, "changes the embedded world only"),
        ({"port": 9091, "frame_limit_sec": 0}, "frame_limit_sec 0 is not positive"),
    ],
)
def test_bad_conf_is_one_clear_line(conf: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DonkeyEnv("generated_track", conf)


def test_defaults_are_filled_in_and_those_of_a_port_only_with_one() -> None:
    assert checked({"max_cte": 3.0})["max_cte"] == 3.0
    assert "client" not in checked({})
    on_port = checked({"port": 9091})
    assert (on_port["host"], on_port["client"], on_port["reconnect"]) == ("127.0.0.1", "own", False)
    assert on_port["connect_limit_sec"] == 9.0


def test_a_camera_is_asked_for_only_where_it_is_not_the_default() -> None:
    assert camera_message(checked({})) == {}
    assert second_view(checked({})) is None
    assert lidar(checked({})) is None
    asked = checked({"cam_config": {"fov": 80}, "cam_config_b": {"fov": 60}})
    message = camera_message(asked)
    assert (message["fov"], message["img_w"], message["rot_x"]) == ("80", "160", "0")
    second = second_view(asked)
    assert isinstance(second, View) and second.fov_deg == 60.0
