"""A client's car: its answer to each message, and what it shows."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.protocol import BadMessage
from agent.simulator.remote_car import RemoteCar
from tests.simulator.remote_cars import CAMERA, LIDAR, a_car, drive, picture, show, tell


def pursuit(car: RemoteCar) -> float:
    """Steering towards a point of the path a little ahead."""
    seen = car.world.telemetry()
    x, z, _ = car.world.nodes[(seen.active_node + 3) % seen.total_nodes]
    bearing = math.atan2(x - 8 * seen.pos[0], z - 8 * seen.pos[2]) - math.radians(seen.car[2])
    return 3.0 * math.remainder(bearing, 2 * math.pi)


def test_control_is_clamped_and_held() -> None:
    car = a_car()
    seen = drive(car, 7.0, 1e30, -3.0)
    assert (seen["steering_angle"], seen["throttle"]) == (1.0, 1.0)
    speed = seen["speed"]
    car.drive()
    assert show(car)["speed"] > speed > 0.0


def test_the_path_is_left_of_a_car_with_positive_cte() -> None:
    car = a_car()
    start = show(car)["cte"]
    for _ in range(20):
        seen = drive(car, 0.5, 0.4)
    assert seen["cte"] > start
    assert seen["yaw"] > 0.0
    assert seen["vel_z"] > abs(seen["vel_x"])


def test_reset_is_at_once() -> None:
    car = a_car()
    first = show(car)
    for _ in range(30):
        drive(car, 0.3, 0.8)
    tell(car, "reset_car")
    seen = show(car)
    for name in (
        "speed",
        "vel_x",
        "vel_z",
        "accel_x",
        "accel_z",
        "gyro_y",
        "steering_angle",
        "throttle",
    ):
        assert seen[name] == 0.0, name
    assert [seen[name] for name in ("pos_x", "pos_z", "yaw", "cte")] == [
        first[name] for name in ("pos_x", "pos_z", "yaw", "cte")
    ]
    assert seen["time"] == pytest.approx(1.5)  # the clock goes on


def test_the_brake_holds_after_a_reset_until_the_next_control() -> None:
    car = a_car("mountain_track")
    tell(car, "reset_car")
    before = show(car)
    for _ in range(40):
        car.drive()
    after = show(car)
    assert (after["pos_x"], after["pos_z"], after["speed"]) == (
        before["pos_x"],
        before["pos_z"],
        0.0,
    )
    assert car.brake == 10.0
    drive(car, 0.0, 0.5)
    assert car.brake == 0.0


def test_a_hit_is_reported_once() -> None:
    car = a_car()
    cone = car.world.scene.obstacles[0]
    tell(car, "set_position", pos_x=str(cone["x"]), pos_y="0.5", pos_z=str(cone["z"] - 6.0))
    hits = [drive(car, 0.0, 1.0)["hit"] for _ in range(60)]
    assert [hit for hit in hits if hit != "none"] == [cone["name"]]
    assert car.world.telemetry().hit == cone["name"]  # it still touches


def test_a_hit_waits_for_the_next_frame() -> None:
    car = a_car()
    cone = car.world.scene.obstacles[0]
    tell(car, "set_position", pos_x=str(cone["x"]), pos_y="0.5", pos_z=str(cone["z"] - 6.0))
    tell(car, "control", steering="0", throttle="1", brake="0")
    for _ in range(60):
        car.drive()
    assert [show(car)["hit"], show(car)["hit"]] == [cone["name"], "none"]


def test_crossing_the_line_is_reported_and_the_stamps_give_the_lap_time() -> None:
    car = a_car()
    messages: list[dict[str, Any]] = []
    for _ in range(2000):
        tell(car, "control", steering=str(pursuit(car)), throttle="0.3", brake="0")
        car.drive()
        if car.world.telemetry().line_crossings > len(messages):
            *crossings, _ = (json.loads(line) for line in car.frame().splitlines())
            messages += crossings
        if len(messages) == 3:
            break
    assert [message["msg_type"] for message in messages] == ["collision_with_starting_line"] * 3
    assert {message["starting_line_index"] for message in messages} == {0}
    stamps = [message["timeStamp"] for message in messages]
    assert np.diff(stamps) == pytest.approx(car.world.telemetry().lap_times, abs=2e-3)
    assert len(car.frame().splitlines()) == 1


def test_wheels_count_their_turns() -> None:
    car = a_car()
    for _ in range(40):
        seen = drive(car, 1.0, 0.3)
    assert seen["fl"] == seen["rl"] > seen["fr"] == seen["rr"] > 0.0


def test_later_cars_stand_to_the_left_and_behind() -> None:
    poses = [a_car(slot=slot).world.telemetry() for slot in range(4)]
    places = [(8 * pose.pos[0], 8 * pose.pos[2]) for pose in poses]
    x, z = places[0]
    assert places == [
        pytest.approx(place) for place in ((x, z), (x - 4.5, z), (x, z - 5.0), (x - 4.5, z - 5.0))
    ]
    car = a_car(slot=3)
    drive(car, 0.0, 1.0)
    tell(car, "reset_car")
    assert (8 * car.world.telemetry().pos[0], 8 * car.world.telemetry().pos[2]) == pytest.approx(
        (x - 4.5, z - 5.0)
    )


def test_set_position_keeps_the_velocity_and_turns_by_the_quaternion() -> None:
    car = a_car()
    for _ in range(20):
        drive(car, 0.0, 0.5)
    speed = show(car)["speed"]
    half = math.radians(30.0) / 2
    turn = {"Qx": "0", "Qy": str(math.sin(half)), "Qz": "0", "Qw": str(math.cos(half))}
    tell(car, "set_position", pos_x="40", pos_y="0.5", pos_z="48", **turn)
    seen = show(car)
    assert (seen["pos_x"], seen["pos_z"], seen["yaw"]) == pytest.approx((5.0, 6.0, 30.0), abs=1e-4)
    assert seen["speed"] == pytest.approx(speed)
    tell(car, "set_position", pos_x="40", pos_y="0.5", pos_z="48", Qx="0")
    assert show(car)["yaw"] == pytest.approx(0.0, abs=1e-6)


def test_node_positions() -> None:
    car = a_car()
    [node] = tell(car, "node_position", index="20")
    x, z, height = car.world.nodes[20]
    assert (node["pos_x"], node["pos_y"], node["pos_z"]) == pytest.approx((x, height, z))
    ahead = car.world.nodes[21] - car.world.nodes[20]
    assert 2 * math.atan2(node["Qy"], node["Qw"]) == pytest.approx(math.atan2(ahead[0], ahead[1]))
    assert tell(car, "node_position", index=str(len(car.world.nodes))) == []
    assert tell(car, "node_position", index="-1") == []


def test_regen_road_is_for_the_random_road() -> None:
    car = a_car("generated_road")
    for _ in range(10):
        drive(car, 0.0, 1.0)
    before = car.world.nodes.copy()
    tell(car, "regen_road", road_style="0", rand_seed="7", turn_increment="2.0")
    assert not np.array_equal(before, car.world.nodes)
    assert show(car)["speed"] == 0.0
    with pytest.raises(BadMessage, match="generated_road"):
        tell(a_car(), "regen_road", road_style="0", rand_seed="7", turn_increment="0")


@pytest.mark.parametrize("encoding", ["JPG", "PNG"])
def test_the_picture_has_the_size_asked_for(encoding: str) -> None:
    car = a_car()
    assert picture(show(car)["image"]).shape == (120, 160, 3)
    tell(car, "cam_config", **{**CAMERA, "img_w": "64", "img_h": "48", "img_enc": encoding})
    data = base64.b64decode(show(car)["image"])
    assert data.startswith(b"\xff\xd8" if encoding == "JPG" else b"\x89PNG")
    assert picture(show(car)["image"]).shape == (48, 64, 3)


def test_png_is_what_the_camera_drew() -> None:
    car = a_car()
    frame = np.empty((120, 160, 3), np.uint8)
    car.world.render(frame)
    tell(car, "cam_config", **{**CAMERA, "img_enc": "PNG"})
    assert np.array_equal(picture(show(car)["image"])[:, :, ::-1], frame)


def test_tga_is_what_the_camera_drew() -> None:
    car = a_car()
    frame = np.empty((120, 160, 3), np.uint8)
    car.world.render(frame)
    tell(car, "cam_config", **{**CAMERA, "img_enc": "TGA"})
    data = base64.b64decode(show(car)["image"])
    assert data[:18] == bytes([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 160, 0, 120, 0, 24, 32])
    assert np.array_equal(
        np.frombuffer(data[18:], np.uint8).reshape(120, 160, 3)[:, :, ::-1], frame
    )


def test_grey_is_three_equal_channels() -> None:
    car = a_car()
    colour = np.empty((120, 160, 3), np.uint8)
    car.world.render(colour)
    tell(car, "cam_config", **{**CAMERA, "img_d": "1", "img_enc": "PNG"})
    grey = picture(show(car)["image"])
    assert (
        np.abs(grey - (colour @ [0.2126, 0.7152, 0.0722])[:, :, None]).max() <= 0.52
    )  # rounded twice
    tell(car, "cam_config", **CAMERA)  # zeros keep what there is
    assert np.array_equal(picture(show(car)["image"]), grey)


def test_the_second_camera_is_sent_once_asked_for() -> None:
    car = a_car()
    assert "imageb" not in show(car)
    tell(car, "cam_config_b", **CAMERA)
    seen = show(car)
    assert picture(seen["imageb"]).shape == (120, 160, 3)
    assert seen["imageb"] != seen["image"]


def test_zeros_keep_the_view_and_triples_change_as_a_whole() -> None:
    car = a_car()
    before = car.camera
    tell(car, "cam_config", **CAMERA)
    assert car.camera == before
    tell(car, "cam_config", **{**CAMERA, "offset_y": "2", "rot_x": "5", "rot_y": "1", "fov": "60"})
    view = car.camera.view
    assert (view.offset_u, view.rotation_deg, view.fov_deg) == (
        (0.0, 2.0, 0.0),
        (5.0, 1.0, 0.0),
        60.0,
    )
    tell(car, "cam_config", **CAMERA)
    assert car.camera.view == view


@pytest.mark.parametrize(
    "field",
    [
        {"img_w": "100000", "img_h": "1"},
        {"img_w": "2048", "img_h": "2048"},
        {"fov": "nan"},
        {"fish_eye_x": "9"},
        {"img_w": "8"},
    ],
)
def test_an_impossible_camera_changes_nothing(field: dict[str, str]) -> None:
    car = a_car()
    before = car.camera
    with pytest.raises(BadMessage):
        tell(car, "cam_config", **{**CAMERA, **field})
    with pytest.raises(BadMessage):
        tell(car, "cam_config", fov="60")
    assert car.camera is before


def test_lidar_is_sent_once_asked_for() -> None:
    car = a_car()
    assert "lidar" not in show(car)
    tell(car, "lidar_config", **LIDAR)
    hits = show(car)["lidar"]
    assert {tuple(hit) for hit in hits} == {("d", "rx", "ry")}
    assert {hit["ry"] for hit in hits} == {0.0, -1.0}
    assert all(0.0 < hit["d"] <= 50.0 and 0.0 <= hit["rx"] < 360.0 for hit in hits)
    with pytest.raises(BadMessage, match="rays"):
        tell(car, "lidar_config", **{**LIDAR, "degPerSweepInc": "0.1", "numSweepsLevels": "100"})


def test_looks_change_nothing_and_unknown_messages_are_refused() -> None:
    car = a_car()
    before = car.frame()
    tell(
        car,
        "car_config",
        body_style="f1",
        body_r="1",
        body_g="2",
        body_b="3",
        car_name="x",
        font_size="9",
    )
    tell(car, "racer_info", racer_name="x")
    tell(car, "step_mode", step_mode="synchronous", time_step="0.1")
    assert car.frame() == before
    with pytest.raises(BadMessage, match="unknown"):
        tell(car, "load_scene", scene_name="warren")


def test_the_same_commands_give_the_same_bytes() -> None:
    lines = []
    for _ in range(2):
        car = a_car("generated_road")
        for k in range(30):
            tell(car, "control", steering=str(math.sin(k)), throttle="0.5", brake="0")
            car.drive()
        lines.append(car.frame())
    assert lines[0] == lines[1]


def test_the_seed_draws_the_random_road() -> None:
    one, same, other = (RemoteCar("generated_road", seed).world.nodes for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
