from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from agent.config.argument_types import (
    at_least_float,
    at_least_int,
    port,
    share,
    showing_user_errors,
)
from agent.config.errors import UserError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (at_least_int(0), "0", 0),
        (at_least_int(1), "12", 12),
        (at_least_float(0.5), "0.5", 0.5),
        (at_least_float(1.0), "1e3", 1000.0),
        (port, "0", 0),
        (port, "65535", 65535),
        (share, "2%", 0.02),
        (share, "0.02", 0.02),
    ],
)
def test_text_becomes_a_value(parse: Callable[[str], Any], text: str, value: float) -> None:
    assert parse(text) == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize(
    ("parse", "text", "complaint"),
    [
        (at_least_int(1), "0", "0 is too small; give at least 1"),
        (at_least_int(1), "many", "'many' is no whole number; give one"),
        (at_least_int(1), "1.5", "'1.5' is no whole number; give one"),
        (at_least_float(2.0), "1.9", "1.9 is too small; give at least 2"),
        (at_least_float(0.0), "nan", "'nan' is no number; give one"),
        (at_least_int(0), "1" + "0" * 400, "is no whole number; give one"),
        (port, "65536", "65536 is not a port; give 0 to 65535"),
        (port, "-1", "-1 is not a port; give 0 to 65535"),
        (share, "2", "write it as 2% or 0.02"),
        (share, "0%", "write it as 2% or 0.02"),
        (share, "2%x", "write it as 2% or 0.02"),
    ],
)
def test_a_complaint_has_the_value_and_the_remedy(
    parse: Callable[[str], Any], text: str, complaint: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as error:
        parse(text)
    assert complaint in str(error.value)


def test_the_text_of_a_user_error_is_shown() -> None:
    def parse(text: str) -> int:
        raise UserError(f"{text} is odd; give another")

    with pytest.raises(argparse.ArgumentTypeError, match="7 is odd; give another"):
        showing_user_errors(parse)("7")
