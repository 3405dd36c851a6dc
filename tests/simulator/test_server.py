"""The TCP server: handshake, clocks, and clients that misbehave."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator import server as server_module
from agent.simulator.connection import OUTBOX_LIMIT
from agent.simulator.protocol import MESSAGE_LIMIT, ordered
from agent.simulator.server import Server
from agent.simulator.tracks import scene_names
from tests.simulator.serving import CONTROL, TRACK, Client, Serving, serving, wait_until


@pytest.fixture(scope="module")
def track() -> Iterator[Serving]:
    """One server in lockstep for the tests that leave neither a car nor a scene behind."""
    with serving() as server:
        yield server


def test_a_look_is_driven_when_asked_for() -> None:
    with serving(scene="generated_track_2020") as server, Client(server) as client:
        client.enter()
        client.send("exit_scene")
        client.send("get_scene_names")
        names = client.expect("scene_names")["scene_names"]
        assert names == [*ordered(scene_names()), "generated_track_2020"]
        client.send("load_scene", scene_name="generated_track_2020")
        client.enter()


def test_from_the_menu_to_the_track_and_back() -> None:
    with serving(scene=None) as server, Client(server) as client:
        assert client.next() == {"msg_type": "scene_selection_ready", "loaded": "1"}
        client.send("get_protocol_version")
        assert client.next() == {"msg_type": "protocol_version", "version": "2"}
        client.send("get_scene_names")
        assert client.next() == {"msg_type": "scene_names", "scene_names": ordered(scene_names())}
        client.send("load_scene", scene_name="nowhere")
        client.send("control", steering=0, throttle=1, brake=0)
        assert client.is_silent()
        assert server.said == [
            "ignored a message, load_scene: no such scene: 'nowhere'",
            "ignored a message, unknown msg_type in the menu: 'control'",
        ]
        client.send("load_scene", scene_name=TRACK)
        client.enter()
        assert client.drive()["speed"] > 0.0
        client.send("exit_scene")
        client.send("get_scene_names")  # the menu says nothing by itself this time
        client.expect("scene_names")
        client.send("load_scene", scene_name="mini_monaco")
        client.enter()
        with Client(server) as other:
            other.enter()  # the scene is there for whoever comes
            assert server.scene == "mini_monaco"
            client.send("exit_scene")
            client.send("get_scene_names")
            client.expect("scene_names")
            assert server.scene == "mini_monaco"  # somebody drives there
            assert other.drive()["speed"] > 0.0
        assert wait_until(lambda: server.n_cars == 0)


def test_leaving_the_last_car_behind_brings_back_the_menu() -> None:
    with serving() as server:
        with Client(server) as client:
            client.enter()
        with Client(server) as client:
            client.enter()  # a connection that ends leaves the scene loaded
            client.send("exit_scene")
            assert wait_until(lambda: server.scene is None)
        with Client(server) as client:
            client.expect("scene_selection_ready")


def test_lockstep_sends_one_telemetry_for_each_control(track: Serving) -> None:
    with Client(track) as client:
        assert client.enter()["time"] == 0.0
        assert client.is_silent()
        client.socket.sendall(CONTROL * 3)
        assert [client.expect("telemetry")["time"] for _ in range(3)] == [0.05, 0.1, 0.15]
        client.send(
            "car_config", body_style="f1", body_r=1, body_g=2, body_b=3, car_name="x", font_size=10
        )
        client.send("step_mode", step_mode="synchronous", time_step=0.1)
        assert client.is_silent()
        client.send("reset_car")
        assert client.expect("telemetry")["speed"] == 0.0
        client.send("set_position", pos_x=40, pos_y=0, pos_z=40)
        assert client.expect("telemetry")["pos_x"] == 5.0
        assert client.is_silent()


def test_upstreams_reset_sequence_ends_with_a_fresh_frame(track: Serving) -> None:
    with Client(track) as client:
        start = client.enter()
        for _ in range(20):
            client.drive()
        client.send("control", steering=0, throttle=0, brake=1.0)
        client.send("reset_car")
        client.send("control", steering=0, throttle=0, brake=1.0)
        *_, last = (client.expect("telemetry") for _ in range(3))
        assert (last["pos_x"], last["pos_z"], last["speed"]) == (
            start["pos_x"],
            start["pos_z"],
            0.0,
        )


def test_messages_with_line_ends_and_in_pieces(track: Serving) -> None:
    with Client(track) as client:
        client.enter()
        client.socket.sendall(CONTROL + b"\n")
        client.expect("telemetry")
        for k in range(len(CONTROL)):
            client.socket.sendall(CONTROL[k : k + 1])
        client.expect("telemetry")


def test_numbers_that_are_no_strings_are_ignored_and_reported_once(track: Serving) -> None:
    with Client(track) as client:
        client.enter()
        for _ in range(3):
            client.socket.sendall(
                b'{"msg_type":"control","steering":0.5,"throttle":"0","brake":"0"}'
            )
        assert client.is_silent()
        assert sum("control: steering must be a string" in line for line in track.said) == 1
        assert client.drive()["steering_angle"] == pytest.approx(0.1)


def test_cars_do_not_meet(track: Serving) -> None:
    with Client(track) as one, Client(track) as two:
        first, second = one.enter(), two.enter()
        assert second["pos_x"] == pytest.approx(first["pos_x"] - 4.5 / 8)
        moved = [one.drive() for _ in range(10)][-1]
        assert moved["pos_z"] > first["pos_z"]
        two.send("reset_car")
        assert two.expect("telemetry")["pos_z"] == second["pos_z"]
        assert [one.drive()["hit"] for _ in range(5)] == ["none"] * 5


def test_a_place_is_free_at_once_after_a_close(track: Serving) -> None:
    places = []
    for _ in range(5):
        with Client(track) as client:
            places.append(client.enter()["pos_x"])
    assert len(set(places)) == 1
    with Client(track) as client:
        client.enter()
        client.socket.shutdown(socket.SHUT_WR)
        assert wait_until(lambda: track.n_cars == 0)


def test_a_connection_that_breaks_frees_its_car(track: Serving) -> None:
    with Client(track) as client:
        client.enter()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.sendall(CONTROL * 50)
    assert wait_until(lambda: track.n_cars == 0)


def test_quit_ends_only_its_own_connection(track: Serving) -> None:
    with Client(track) as one, Client(track) as two:
        one.enter()
        two.enter()
        one.send("quit_app")
        assert one.is_closed()
        two.drive()


def test_an_endless_message_ends_its_connection(track: Serving) -> None:
    with Client(track) as client, Client(track) as other:
        client.enter()
        other.enter()
        with contextlib.suppress(ConnectionError):
            client.socket.sendall(b'{"msg_type":"' + b"x" * (10 * MESSAGE_LIMIT))
        assert client.is_closed()
        other.drive()
        assert any("without the end of a message" in line for line in track.said)


def test_a_client_that_does_not_read_delays_nobody(track: Serving) -> None:
    with Client(track) as deaf, Client(track) as other:
        deaf.enter()
        other.enter()
        deaf.socket.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            for _ in range(200):  # until the server does not listen to it any more
                deaf.socket.sendall(CONTROL * 1000)
        for _ in range(100):
            other.drive()
        [boxes] = [[len(connection.outbox) for connection in track._connections]]
        assert max(boxes) < OUTBOX_LIMIT + 100_000


def test_clients_are_limited(monkeypatch: pytest.MonkeyPatch, track: Serving) -> None:
    monkeypatch.setattr(server_module, "MOST_CLIENTS", 1)
    with Client(track) as one:
        one.enter()
        with Client(track) as two:
            assert two.is_closed()
        one.drive()
    assert wait_until(lambda: track.n_cars == 0)
    with Client(track) as three:
        three.enter()


@pytest.mark.parametrize("clock", ["lockstep", "4x"])
def test_a_fault_in_one_car_ends_that_connection_only(
    monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    with serving(clock=clock) as server, Client(server) as one, Client(server) as two:
        one.enter()
        two.enter()
        monkeypatch.setattr(server._connections[0].car, "drive", lambda: 1 / 0)
        one.socket.sendall(CONTROL)
        assert one.is_closed()
        two.drive()
        assert sum("ZeroDivisionError" in line for line in server.said) == 1


def test_realtime_keeps_twenty_frames_a_second_and_needs_no_control() -> None:
    with serving(clock="realtime") as server, Client(server) as client:
        client.expect("car_loaded")
        first = client.expect("telemetry")
        began = time.monotonic()
        frames = [client.expect("telemetry") for _ in range(20)]
        assert time.monotonic() - began > 0.8
        assert frames[-1]["time"] - first["time"] == pytest.approx(1.0, abs=0.001)
        client.send("control", steering=0, throttle=1, brake=0)
        speeds = [client.expect("telemetry")["speed"] for _ in range(10)]  # held until replaced
        assert speeds[-1] > speeds[3] > 0.0
        client.send("reset_car")
        assert wait_until(lambda: client.expect("telemetry")["speed"] == 0.0)


def test_realtime_goes_on_for_the_others_when_one_does_not_read() -> None:
    with serving(clock="4x") as server, Client(server) as deaf, Client(server) as other:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other.expect("car_loaded")
        began = time.monotonic()
        for _ in range(80):
            other.expect("telemetry")
        assert time.monotonic() - began > 0.8
        assert all(len(connection.outbox) < 100_000 for connection in server._connections)


def test_a_silent_client_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEP_ALIVE_SEC", 0.2)
    with serving(scene=None) as server, Client(server) as client:
        client.expect("scene_selection_ready")
        began = time.monotonic()
        with client.socket.makefile("rb") as lines:
            assert [lines.readline(), lines.readline()] == [b"{}\n", b"{}\n"]
        assert time.monotonic() - began > 0.35


def test_what_cannot_be_served_is_refused() -> None:
    with pytest.raises(ValueError, match="not at hand"):
        Server(port=0, scene="nowhere")
    with pytest.raises(ValueError, match="clock"):
        Server(port=0, clock="5x")
    with serving(scene=None) as server, pytest.raises(OSError, match="in use"):
        Server(port=server.address[1])


FIELD: st.SearchStrategy[Any] = st.sampled_from(
    ["0", "1", "-1", "0.5", "1e308", "nan", "inf", "", "x", 0.5, None, [], {"a": 1}]
)
MESSAGE = st.fixed_dictionaries(
    {
        "msg_type": st.sampled_from(
            ["control", "reset_car", "set_position", "node_position", "load_scene", "no_such", 7]
        )
    },
    optional=dict.fromkeys(
        ("steering", "throttle", "brake", "pos_x", "pos_y", "pos_z", "index", "scene_name"), FIELD
    ),
).map(lambda message: json.dumps(message).encode())
NOISE = st.lists(
    st.binary(max_size=60) | MESSAGE | MESSAGE.map(lambda m: m[: len(m) // 2]), max_size=6
)


@given(noise=NOISE)
@settings(max_examples=200, deadline=None)
def test_noise_disturbs_nobody(track: Serving, noise: list[bytes]) -> None:
    with Client(track) as noisy, Client(track) as other:
        noisy.enter()
        other.enter()
        for chunk in noise:
            noisy.socket.sendall(chunk)
        assert other.drive()["speed"] > 0.0
        noisy.socket.sendall(b"}\n" + CONTROL)  # whatever was begun is over now
        while noisy.next().get("steering_angle") != pytest.approx(0.1):
            pass
    assert len(track.said) < 40
