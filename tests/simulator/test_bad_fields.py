"""A bad field of a client's message: the others are followed, and one line says what was wrong."""

from __future__ import annotations

from typing import Any

import pytest

from agent.simulator.lens import WIDEST_FOV_DEG, View, lens_for
from agent.simulator.protocol import BadField, BadMessage
from tests.simulator.remote_cars import CAMERA, LIDAR, a_car, drive, picture, show, tell
from tests.simulator.serving import Client, serving

BAD = ("", "x", "nan", "inf", "-inf", "1e400", "9" * 400, "1e9", "0x10")


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("field", ["fov", "fish_eye_x", "offset_z", "rot_x", "rot_y", "img_d"])
def test_a_bad_field_of_a_camera_does_not_lose_the_size(field: str, bad: str) -> None:
    car = a_car()
    with pytest.raises(BadField, match=f"cam_config: {field}"):
        tell(car, "cam_config", **{**CAMERA, "img_w": "64", "img_h": "48", field: bad})
    assert car.camera.view == View(width=64, height=48)


@pytest.mark.parametrize("field", ["img_w", "img_h"])
@pytest.mark.parametrize("bad", [*BAD, "8", "-3", "64.5"])
def test_a_bad_size_does_not_lose_the_field_of_view(field: str, bad: str) -> None:
    car = a_car()
    with pytest.raises(BadField, match="cam_config: "):
        tell(car, "cam_config", **{**CAMERA, "fov": "60", "img_enc": "PNG", field: bad})
    assert (car.camera.view, car.camera.encoding) == (View(fov_deg=60.0), "PNG")


def test_one_bad_number_of_three_keeps_its_own() -> None:
    car = a_car()
    with pytest.raises(BadField, match="offset_x"):
        tell(car, "cam_config", **{**CAMERA, "offset_x": "?", "offset_y": "2", "offset_z": "1"})
    assert car.camera.view.offset_u == (View().offset_u[0], 2.0, 1.0)


@pytest.mark.parametrize("fov", ["10", "150", "170", "179", "200"])
def test_every_field_of_view_of_upstreams_is_drawn(fov: str) -> None:
    car = a_car()
    tell(car, "cam_config", **{**CAMERA, "fov": fov})
    assert car.camera.view.fov_deg == float(fov)
    assert picture(show(car)["image"]).std() > 5.0


def test_beyond_what_a_plane_can_show_the_picture_is_the_widest() -> None:
    widest, wider = (lens_for(View(fov_deg=fov)).optics for fov in (WIDEST_FOV_DEG, 200.0))
    assert wider == widest


@pytest.mark.parametrize("field", ["degPerSweepInc", "maxRange", "noise", "offset_y", "rot_x"])
def test_a_bad_field_of_a_lidar_does_not_lose_the_levels(field: str) -> None:
    car = a_car()
    with pytest.raises(BadField, match=f"lidar_config: {field}"):
        tell(car, "lidar_config", **{**LIDAR, "numSweepsLevels": "3", field: "-1e7"})
    assert car.lidar is not None and car.lidar.levels == 3
    show(car)


def test_too_many_rays_keep_their_number_and_take_the_rest() -> None:
    car = a_car()
    tell(car, "lidar_config", **LIDAR)
    many = {"degPerSweepInc": "0.1", "numSweepsLevels": "100", "maxRange": "7"}
    with pytest.raises(BadField, match="rays"):
        tell(car, "lidar_config", **{**LIDAR, **many})
    assert car.lidar is not None
    assert (car.lidar.levels, car.lidar.deg_per_sweep, car.lidar.max_range_u) == (2, 2.0, 7.0)


def test_a_command_keeps_what_cannot_be_read() -> None:
    car = a_car()
    drive(car, 0.2, 0.3)
    with pytest.raises(BadField, match="control: steering"):
        tell(car, "control", steering="nan", throttle="0.6", brake="0.1")
    assert (car.steering, car.throttle, car.brake) == (0.2, 0.6, 0.1)


def test_a_place_is_taken_without_the_height_and_the_turn_that_cannot_be_read() -> None:
    car = a_car()
    place = {"pos_x": "40", "pos_y": "high", "pos_z": "48"}
    with pytest.raises(BadField, match="pos_y"):
        tell(car, "set_position", **place, Qx="0", Qy="?", Qz="0", Qw="1")
    assert (show(car)["pos_x"], show(car)["yaw"]) == (5.0, pytest.approx(0.0, abs=1e-6))


def test_a_road_is_drawn_without_the_style_that_cannot_be_read() -> None:
    car = a_car("generated_road")
    before = car.world.nodes.copy()
    with pytest.raises(BadField, match="road_style"):
        tell(car, "regen_road", road_style="red", rand_seed="7", turn_increment="2.0")
    assert (before != car.world.nodes).any()


@pytest.mark.parametrize(
    ("msg_type", "fields"),
    [
        ("control", {"steering": "1", "throttle": "1"}),
        ("cam_config", {"fov": "60"}),
        ("set_position", {"pos_x": "?", "pos_y": "0", "pos_z": "0"}),
        ("regen_road", {"road_style": "0", "rand_seed": "?", "turn_increment": "0"}),
        ("node_position", {"index": "?"}),
    ],
)
def test_what_is_incomplete_or_has_no_use_without_the_field_changes_nothing(
    msg_type: str, fields: dict[str, str]
) -> None:
    car = a_car("generated_road")
    before = car.frame()
    with pytest.raises(BadMessage) as refused:
        tell(car, msg_type, **fields)
    assert not isinstance(refused.value, BadField)
    assert car.frame() == before


def test_in_lockstep_a_command_with_a_bad_field_is_answered_and_said_once() -> None:
    def drive_badly(client: Client) -> dict[str, Any]:
        client.send("control", steering="0.25", throttle="full", brake="off")
        return client.expect("telemetry")

    with serving() as server, Client(server) as client:
        client.enter()
        assert [drive_badly(client)["steering_angle"] for _ in range(3)] == [0.25] * 3
        assert server.said == ["ignored a field, control: throttle out of range: 'full'"]
