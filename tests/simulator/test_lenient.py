"""Messages that are almost JSON: what Unity's reader takes is taken."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulator.lenient import read_fields
from agent.simulator.protocol import BadMessage, Requests, parse
from tests.simulator.serving import Client, Serving, serving, wait_until

FIELDS = b'"steering":"0.5","throttle":"0.3","brake":"0"'
SPOILED = {
    "comma after the last field": b'{"msg_type":"control",' + FIELDS + b",}",
    "commas without fields": b'{,"msg_type":"control",,' + FIELDS + b",,}",
    "unknown escape": b'{"msg_type":"control","car":"a\\q\\xb",' + FIELDS + b"}",
    "escape cut short": b'{"msg_type":"control","car":"\\u12",' + FIELDS + b"}",
    "line break in a text": b'{"msg_type":"control","car":"a\nb",' + FIELDS + b"}",
    "value that is none": b'{"msg_type":"control","x":bogus,"y":0x1F,' + FIELDS + b"}",
    "value missing": b'{"msg_type":"control","x":,' + FIELDS + b"}",
    "number as in a shop": b'{"msg_type":"control","x":+.5e,"y":01,' + FIELDS + b"}",
    "list without an end": b'{"msg_type":"control",' + FIELDS + b',"x":[1,2}',
    "text after a text": b'{"msg_type":"control","x":"a"b,' + FIELDS + b"}",
    "name without a value": b'{"msg_type":"control","x",' + FIELDS + b"}",
    "brace too many": b'{"msg_type":"control",' + FIELDS + b"}}",
    "bytes that are no UTF-8": b'{"msg_type":"control","car":"\xff\xfe",' + FIELDS + b"}",
    "byte order mark": b"\xef\xbb\xbf" + b'{"msg_type":"control",' + FIELDS + b"}",
    "empty lines around": b"\r\n\n \t" + b'{"msg_type":"control",' + FIELDS + b"}\n\n",
    "unknown field": b'{"msg_type":"control","clutch":"1",' + FIELDS + b"}",
    "null": b'{"msg_type":"control","x":null,"y":TRUE,' + FIELDS + b"}",
}


@pytest.fixture(scope="module")
def track() -> Iterator[Serving]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("name", SPOILED)
def test_what_unitys_reader_takes_is_taken(track: Serving, name: str) -> None:
    with Client(track) as client:
        client.enter()
        client.socket.sendall(SPOILED[name])
        seen = client.expect("telemetry")
        assert (seen["steering_angle"], seen["throttle"]) == (0.5, pytest.approx(0.3))
        client.socket.sendall(SPOILED[name] * 2)  # two in one packet
        assert client.expect("telemetry")["time"] < client.expect("telemetry")["time"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"a":"1",}', {"a": "1"}),
        ('{"a":bogus,"b":2}', {"a": None, "b": 2}),
        (r'{"a":"x\qy","b":"\u0041"}', {"a": r"x\qy", "b": "A"}),
        (r'{"a":"say \"hi, {you}\""}', {"a": 'say "hi, {you}"'}),
        ('{"a":[1,"x,y"],"b":"2",}', {"a": [1, "x,y"], "b": "2"}),
        ('{"a":"1","a":"2",}', {"a": "1"}),
        ('{"a":"1"}rest,"b":"2"', {"a": "1"}),
        ('{"a":"1', {}),
        ("", {}),
        ("{", {}),
        ('"', {}),
    ],
)
def test_fields_are_read_by_themselves(written: str, read: dict[str, Any]) -> None:
    assert read_fields(written) == read


@pytest.mark.parametrize(
    "long",
    ['"\\"' * 300_000, '{"a":' + "[" * 900_000, '{"a":1,' * 130_000, '"' * 900_000, "\\" * 900_000],
)
def test_a_long_text_is_read_in_one_pass(long: str) -> None:
    began = time.process_time()
    read_fields(long)
    assert time.process_time() - began < 2.0


NAMES = st.sampled_from(["msg_type", "steering", "throttle", "x", "", "ü"])
TEXTS = st.text(st.characters(exclude_characters='"\\{}'), max_size=8)
SCALARS = TEXTS | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()


@given(st.dictionaries(NAMES, SCALARS))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_good_json_is_read_as_json_reads_it(fields: dict[str, Any]) -> None:
    assert read_fields(json.dumps(fields, ensure_ascii=False)) == fields


NOISE = st.lists(
    st.sampled_from(
        [b"{", b"}", b'"', b"\\", b":", b",", b"[", b"]", b"\n", b"\xff", b"0.1", b"null"]
    )
    | st.just(b'"msg_type":"control"')
    | st.binary(max_size=5),
    max_size=12,
).map(b"".join)


@given(before=NOISE, inside=NOISE)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_noise_is_read_or_refused_and_nothing_after_it_is_lost(
    before: bytes, inside: bytes
) -> None:
    requests = Requests()
    whole = b'{"msg_type":"reset_car"}'
    pieces = requests.feed(before) + requests.feed(b"{" + inside + b"}") + requests.feed(whole)
    for piece in pieces:
        with contextlib.suppress(BadMessage):
            assert isinstance(parse(piece)["msg_type"], str)
    assert parse(pieces[-1]) == {"msg_type": "reset_car"}


def test_line_ends_for_ever_are_no_message_without_an_end(track: Serving) -> None:
    with Client(track) as client:
        client.enter()
        for _ in range(20):
            client.socket.sendall(b"\n" * (1 << 17))
        assert client.drive()["speed"] >= 0.0


def test_the_menu_reads_as_leniently() -> None:
    with serving(scene=None) as server, Client(server) as client:
        client.expect("scene_selection_ready")
        client.socket.sendall(b'{"msg_type":"load_scene","scene_name":"warren","why":"\\d",}')
        client.enter()
        assert wait_until(lambda: server.scene == "warren")
