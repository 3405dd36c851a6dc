"""Framing, reading and writing of the simulator's messages."""

from __future__ import annotations

import contextlib
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator import protocol
from agent.simulator.protocol import (
    BadMessage,
    Oversized,
    Replies,
    Requests,
    integer,
    number,
    parse,
    reply,
    request,
)
from agent.simulator.world import World

CONTROL = request("control", steering=0.5, throttle=-1.0, brake=0.0)


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(place % (len(stream) + 1) for place in cuts)})
    return [stream[a:b] for a, b in pairwise(places)]


def test_a_request_has_strings_and_no_line_end() -> None:
    assert json.loads(CONTROL) == {
        "msg_type": "control",
        "steering": "0.5",
        "throttle": "-1.0",
        "brake": "0.0",
    }
    assert CONTROL.endswith(b"}")


def test_a_reply_is_one_line_with_numbers() -> None:
    line = reply("node_position", index=3, pos_x=0.5)
    assert line == b'{"msg_type":"node_position","index":3,"pos_x":0.5}\n'


@pytest.mark.parametrize(
    ("chunks", "pieces"),
    [
        ([b'{"a":"1"}'], [b'{"a":"1"}']),
        ([b'{"a":"1"}{"b":"2"}'], [b'{"a":"1"}', b'{"b":"2"}']),
        ([b'{"a":"1"}\n', b'{"b":"2"}\r\n'], [b'{"a":"1"}\n', b'{"b":"2"}\r\n']),
        ([b'{"a":"1"}', b"\n", b'{"b":"2"}'], [b'{"a":"1"}', b'{"b":"2"}']),
        ([b'{"a"', b':"1', b'"}'], [b'{"a":"1"}']),
        ([b'{"a":"1"}{', b'"b":"2"}'], [b'{"a":"1"}', b'{"b":"2"}']),
        ([b'"a":"1"}'], [b'{"a":"1"}']),  # text before the first brace gets one
        ([b'junk{"a":"1"}'], [b"{junk", b'{"a":"1"}']),
        ([b'{"lost":{"a":"1"}'], [b'{"lost":', b'{"a":"1"}']),
        ([b'{"a":"1"'], []),
        ([b"", b"\n", b"  "], []),
    ],
)
def test_requests_are_cut_at_every_brace(chunks: list[bytes], pieces: list[bytes]) -> None:
    requests = Requests()
    assert [piece for chunk in chunks for piece in requests.feed(chunk)] == pieces


@given(
    gaps=st.lists(st.sampled_from([b"", b"\n", b"\r\n", b" "]), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_wherever_the_stream_is_cut_the_messages_are_the_same(
    gaps: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(request("control", steering=k) + gap for k, gap in enumerate(gaps))
    requests, replies = Requests(), Replies()
    seen = [parse(piece) for chunk in cut(stream, cuts) for piece in requests.feed(chunk)]
    assert [message["steering"] for message in seen] == [str(k) for k in range(len(gaps))]
    lines = b"".join(reply("node_position", index=k) + b"{}\n" for k in range(len(gaps)))
    received = [parse(line) for chunk in cut(lines, cuts) for line in replies.feed(chunk)]
    assert [message["index"] for message in received] == list(range(len(gaps)))


@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from([b"{", b"}", b'"msg_type":"control"', CONTROL]),
        max_size=20,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(chunks: list[bytes]) -> None:
    requests, replies = Requests(), Replies()
    for chunk in chunks:
        for piece in [*requests.feed(chunk), *replies.feed(chunk)]:
            with contextlib.suppress(BadMessage):
                assert parse(piece)["msg_type"] == "control"


@pytest.mark.parametrize("reader", [Requests, Replies])
def test_a_message_without_an_end_is_oversized(reader: type[Requests | Replies]) -> None:
    cutter = reader()
    cutter.feed(b'{"msg_type":"')
    cutter.feed(b"x" * (protocol.MESSAGE_LIMIT - 100))
    with pytest.raises(Oversized):
        cutter.feed(b"x" * 100)


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b"{nonsense}",
        b'{"msg_type":1}',
        b'{"steering":"0"}',
        b'{"msg_type":"\xff"}',
        b'{"a":' + b"[" * 100_000,
        b'{"msg_type":' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_message_is_refused(piece: bytes) -> None:
    with pytest.raises(BadMessage):
        parse(piece)


@pytest.mark.parametrize(
    "value", [0.5, 1, None, True, [], "", "x", "nan", "inf", "-inf", "1e400", "0x10", "3"]
)
def test_a_number_is_a_string_within_its_limits(value: Any) -> None:
    with pytest.raises(BadMessage):
        number({"msg_type": "control", "steering": value}, "steering", -1.0, 1.0)


def test_numbers_are_read() -> None:
    message = {"msg_type": "cam_config", "fov": "-1.5e1", "img_w": "160", "img_h": "1.5"}
    assert number(message, "fov") == -15.0
    assert integer(message, "img_w") == 160
    with pytest.raises(BadMessage, match="not whole"):
        integer(message, "img_h")
    with pytest.raises(BadMessage, match="must be a string"):
        number(message, "rot_x")


def test_a_complaint_is_short_and_says_its_kind() -> None:
    error = BadMessage("not JSON", "é\x1b" * 1000)
    assert error.kind == "not JSON"
    assert len(str(error)) < 120
    assert str(error).isascii()


def test_scenes_stand_in_upstreams_order() -> None:
    assert protocol.ordered(["zoo", "mountain_track", "arena", "generated_road"]) == [
        "generated_road", "mountain_track", "arena", "zoo",
    ]  # fmt: skip


def test_telemetry_has_upstreams_fields_in_their_order() -> None:
    world = World("generated_track")
    world.step(0.3, 0.5)
    line = protocol.telemetry(
        world.telemetry(),
        steering=0.3,
        throttle=0.5,
        image=b"aW1n",
        image_b=b"Yg==",
        lidar=[(1.234, 2.0, -1.0)],
        rotations=(1.5, 2.5),
        hit='a "cone"',
        time_sec=0.05,
    )
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    message = json.loads(line)
    fields = (
        "msg_type steering_angle throttle image imageb lidar fl fr rl rr hit time speed"
        " accel_x accel_y accel_z gyro_x gyro_y gyro_z pitch yaw roll cte activeNode totalNodes"
        " pos_x pos_y pos_z vel_x vel_y vel_z"
    )
    assert " ".join(message) == fields
    assert {name for name, value in message.items() if isinstance(value, str)} == {
        "msg_type",
        "image",
        "imageb",
        "hit",
    }
    assert message["lidar"] == [{"d": 1.23, "rx": 2.0, "ry": -1.0}]
    assert message["hit"] == 'a "cone"'
    seen = world.telemetry()
    assert message["cte"] == pytest.approx(seen.cte, abs=1e-5)  # Unity units, unlike the rest
    assert message["speed"] == pytest.approx(seen.speed, rel=1e-6)
    assert (message["pos_x"], message["pos_z"]) == pytest.approx(
        (seen.pos[0], seen.pos[2]), rel=1e-6
    )
    assert (message["activeNode"], message["totalNodes"]) == (seen.active_node, seen.total_nodes)
    bare = protocol.telemetry(
        seen,
        steering=0.0,
        throttle=0.0,
        image=b"",
        image_b=None,
        lidar=None,
        rotations=(0.0, 0.0),
        hit="none",
        time_sec=0.0,
    )
    assert not {"imageb", "lidar"} & set(json.loads(bare))
