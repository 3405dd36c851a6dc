"""Our client against a scripted simulator: upstream's message order and its habits."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator.lens import View
from agent.simulator.protocol import BadMessage, parse_strictly
from agent.simulator.remote_car import RemoteCar
from agent.simulator.sensor_config import Camera
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.remote.client import Connection, SimulatorLost, as_json
from agent.worlds.donkey.remote.link import rgb_picture
from tests.worlds.donkey.scripted_unity import FULL, LIMITS, REST, driving, simulator


@pytest.mark.parametrize(
    "habits",
    [
        {"menu": True},
        {},
        {"legacy": True, "sparse": True},
        {"comma": True},
        {"menu": True, "comma": True, "sparse": True},
    ],
    ids=["menu", "loaded", "legacy", "comma", "sparse menu"],
)
def test_upstreams_habits(habits: dict[str, Any]) -> None:
    with simulator(**habits) as (port, met), driving(port) as env:
        for _ in range(2):
            frame, info = env.reset(seed=0)
            assert (
                info["pos"] == pytest.approx((49.69 / 8, 0.5, 47.838 / 8)) and info["speed"] == 0.0
            )
            assert abs(int(frame.mean()) - 20) < 3 and info["progress"] == 0.0
            for _ in range(6):
                frame, reward, terminated, truncated, info = env.step(FULL)
            assert info["speed"] == info["forward_vel"] == 3.0 and not terminated and not truncated
            assert (
                info["progress"] > 0.01
                and info["pos"][2] > 6.3
                and abs(int(frame.mean()) - 200) < 3
            )
            assert reward == pytest.approx(3.0 * (1.0 - abs(info["cte"]) / 8.0))
    (unity,) = met
    heard = [
        message["msg_type"] for message in unity.heard if message["msg_type"] != "node_position"
    ]
    entry = ["get_scene_names", "load_scene"] if habits.get("menu") else []
    assert heard[: len(entry) + 3] == [*entry, "control", "reset_car", "control"]
    assert (
        next(message for message in unity.heard if message["msg_type"] == "control")["brake"]
        == "1.0"
    )
    assert b"\n" not in unity.raw
    assert all(isinstance(value, str) for message in unity.heard for value in message.values())


def test_a_reset_is_over_when_the_car_rests_at_its_start_and_nothing_stale_follows() -> None:
    with simulator() as (port, met), driving(port) as env:
        for _ in range(5):
            env.reset()
            _, _, _, _, info = env.step(REST)
            assert info["pos"][2] == pytest.approx(47.838 / 8) and info["speed"] == 0.0
            for _ in range(4):
                _, _, _, _, info = env.step(FULL)
            assert info["pos"][2] > 47.838 / 8 + 0.1
        met[0].hits.append("cone")
        time.sleep(0.05)
        assert env.reset()[1]["hit"] == "none"


def test_a_car_put_a_little_aside_is_not_taken_to_be_there_before_it_is() -> None:
    with simulator() as (port, met), driving(port, start="jitter") as env:
        for seed in range(5):
            _, info = env.reset(seed=seed)
            x, z, yaw = met[0].target
            assert (info["pos"][0] * 8, info["pos"][2] * 8) == pytest.approx((x, z), abs=0.1)
            assert info["car"][2] == pytest.approx(yaw, abs=3.0)


def test_a_hit_in_a_frame_between_two_steps_is_not_lost() -> None:
    with simulator() as (port, met), driving(port) as env:
        env.reset()
        met[0].hits.append("cone (3)")
        time.sleep(0.1)
        _, reward, terminated, _, info = env.step(REST)
        assert (
            terminated
            and reward == -1.0
            and info["hit"] == "cone (3)"
            and info["end_reason"] == "hit"
        )


def test_episodes_start_where_asked_and_a_path_that_is_lost_by_it_is_our_own() -> None:
    with simulator() as (port, _), driving(port, start="anywhere") as env:
        _, info = env.reset(seed=3)
        x, z = info["pos"][0] * 8, info["pos"][2] * 8
        assert np.hypot(x - 49.69, z - 47.838) > 5.0
        track = env.world.track
        node = track.nearest_node(x, z)
        assert abs(info["cte"]) == pytest.approx(
            np.hypot(*(track.nodes[node, :2] - (x, z))), abs=1.0
        )


def test_another_scene_is_left_for_the_one_asked_for() -> None:
    with simulator(scene="mountain_track") as (port, met), driving(port) as env:
        assert env.reset()[1]["pos"][0] == pytest.approx(49.69 / 8)
    heard = [message["msg_type"] for message in met[0].heard]
    assert heard.index("exit_scene") < heard.index("get_scene_names") < heard.index("load_scene")


def test_the_nodes_of_a_random_road_are_the_simulators() -> None:
    with simulator(menu=True) as (port, met):
        env = DonkeyEnv("generated_road", {"port": port, **LIMITS, "connect_limit_sec": 5.0})
        assert np.allclose(env.world.track.nodes, met[0].track.nodes)
        env.close()


def test_a_camera_is_asked_for_after_the_car_is_loaded() -> None:
    with simulator() as (port, met), driving(port, cam_config={"fov": 80}) as env:
        env.reset()
        assert met[0].heard[0] == {
            "msg_type": "cam_config", "fov": "80", "fish_eye_x": "0", "fish_eye_y": "0",
            "img_w": "160", "img_h": "120", "img_d": "0", "img_enc": "JPG", "offset_x": "0",
            "offset_y": "0", "offset_z": "0", "rot_x": "0", "rot_y": "0", "rot_z": "0",
        }  # fmt: skip


@pytest.mark.parametrize("encoding", ["JPG", "PNG", "TGA"])
def test_every_form_of_a_picture_is_read(encoding: str) -> None:
    car = RemoteCar("generated_track", 0)
    car.camera = Camera(View(width=64, height=48), encoding=encoding)
    message = json.loads(car.frame())
    expected = np.empty((48, 64, 3), dtype=np.uint8)
    car.world.render(expected, car.camera.view)
    read = rgb_picture(base64.b64decode(message["image"]))
    assert read is not None and read.shape == expected.shape
    loss = np.abs(read.astype(int) - expected).mean()
    assert loss < 12.0 if encoding == "JPG" else loss == 0.0


LINES = st.lists(
    st.sampled_from([b'{"msg_type":"telemetry"', b":", b",", b"1,5", b"{", b"}", b"[", b'"', b"\\"])
    | st.binary(max_size=6),
    max_size=12,
).map(b"".join)


@given(LINES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_line_is_a_message_or_is_none(line: bytes) -> None:
    for form in (line, as_json(line)):
        with contextlib.suppress(BadMessage):
            assert isinstance(parse_strictly(form)["msg_type"], str)


def test_a_flood_that_does_not_end_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator() as (port, _), driving(port) as env:
        env.reset()
        monkeypatch.setattr(Connection, "_receive", lambda *_: True)
        with pytest.raises(SimulatorLost, match=r"sends faster than can be read for 0\.3 s"):
            env.step(REST)
