"""Types of command line arguments: text in, a value out, or a complaint of one line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

from agent.config.errors import UserError

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)
LAST_PORT = 65535


def whole_number(text: str) -> int:
    """A whole number."""
    return _parse(int, text, "whole number")


def number(text: str) -> float:
    """A finite number."""
    return _parse(float, text, "number")


def at_least_int(low: int) -> Callable[[str], int]:
    """A whole number, not below ``low``."""
    return lambda text: _not_below(low, text, whole_number(text))


def at_least_float(low: float) -> Callable[[str], float]:
    """A finite number, not below ``low``."""
    return lambda text: _not_below(low, text, number(text))


def within(low: float, high: float) -> Callable[[str], float]:
    """A finite number between limits, which are allowed themselves."""

    def parsed(text: str) -> float:
        value = number(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"{text} is beyond its limits; give {low:g} to {high:g}"
            )
        return value

    return parsed


def port(text: str) -> int:
    """A TCP port, or 0 for a free one."""
    value = whole_number(text)
    if not 0 <= value <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port; give 0 to {LAST_PORT}")
    return value


def share(text: str) -> float:
    """A share between 0 and 1, written ``2%`` or ``0.02``."""
    digits, percent, rest = text.partition("%")
    try:
        value = float(digits)
    except ValueError:
        value = math.nan
    if percent:
        value /= 100.0
    if rest or not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no share between 0 and 1; write it as 2% or 0.02"
        )
    return value


def showing_user_errors(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """The type that ``parse`` is, with the text of its ``UserError`` as the complaint."""

    def parsed(text: str) -> Value:
        try:
            return parse(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _parse(kind: Callable[[str], Number], text: str, what: str) -> Number:
    try:
        value = kind(text)
        finite = math.isfinite(value)
    except (ValueError, OverflowError):
        finite = False
    if not finite:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}; give one")
    return value


def _not_below(low: Number, text: str, value: Number) -> Number:
    if value < low:
        raise argparse.ArgumentTypeError(f"{text} is too small; give at least {low:g}")
    return value
