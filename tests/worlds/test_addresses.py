"""Addresses of simulators, as every command takes and writes them."""

from __future__ import annotations

import pytest

from agent.config.errors import UserError
from agent.worlds.base import parse_address, shown_address, split_task


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9091", ("127.0.0.1", 9091)),
        (":9091", ("127.0.0.1", 9091)),
        ("localhost:1", ("localhost", 1)),
        ("sim-1.local:65535", ("sim-1.local", 65535)),
        ("192.168.0.7:9091", ("192.168.0.7", 9091)),
        ("[::1]:9091", ("::1", 9091)),
        ("[2001:db8::7]:9091", ("2001:db8::7", 9091)),
        ("[fe80::1%eth0]:9091", ("fe80::1%eth0", 9091)),
        ("[::ffff:10.0.0.1]:9091", ("::ffff:10.0.0.1", 9091)),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
    assert parse_address(shown_address(*address)) == address
    assert split_task(f"donkey-warren-track-v0@{text}") == ("donkey-warren-track-v0", address)


@pytest.mark.parametrize(
    "text",
    [
        "", "sim", "sim:", "sim:0", "sim:65536", "sim:x", "sim:-1", "sim:9091 ", " 9091",
        "a b:9091", "::1", "::1:9091", "[::1]", "[]:9091", "[::1:9091", "http://sim:9091",
        "me@sim:9091", "sim:9091:9092", "٩٠٩١", "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_forms_of_one(text: str) -> None:
    with pytest.raises(UserError, match=r"write it as 9091, 127.0.0.1:9091 or \[::1\]:9091"):
        parse_address(text)
