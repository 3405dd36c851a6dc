"""Checks of single values of a scene file; a wrong one is one line with its key and the remedy.

A check is called with the value's key and the value, and raises ``ValueError`` or returns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from math import isfinite
from typing import Any

Check = Callable[[str, Any], None]

SHOWN = 60  # chosen: characters of a wrong value that its complaint repeats
MOST_ITEMS = 20_000  # chosen: a longer list is a mistake


def wrong(key: str, value: object, complaint: str) -> ValueError:
    """Returns the error for a value.

    :param key: where it stands, such as ``obstacles[3].height_u``
    :param value: as the file has it
    :param complaint: what is wrong with it; what to give
    """
    shown = repr(value)
    if len(shown) > SHOWN:
        shown = shown[:SHOWN] + "..."
    return ValueError(f"{key} {shown} {complaint}")


def _number(key: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(key, value, f"is no number; give one from {low:g} to {high:g}")
    if isinstance(value, float) and not isfinite(value):
        raise wrong(key, value, f"is not finite; give a number from {low:g} to {high:g}")
    if value < 0.0 <= low:
        raise wrong(key, value, f"is negative; give a number from {low:g} to {high:g}")
    if not low <= value <= high:
        raise wrong(key, value, f"is beyond its limits; give a number from {low:g} to {high:g}")


def number(low: float, high: float) -> Check:
    """Returns the check of a finite number within limits."""
    return partial(_number, low=low, high=high)


def whole(low: int, high: int) -> Check:
    """Returns the check of a whole number within limits."""

    def check(key: str, value: Any) -> None:
        _number(key, value, low, high)
        if not isinstance(value, int):
            raise wrong(key, value, "is not whole; give a whole number")

    return check


def flag(key: str, value: Any) -> None:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise wrong(key, value, "is neither true nor false; give one")


def text(key: str, value: Any) -> None:
    """Check for text that is not empty."""
    if not isinstance(value, str) or not value:
        raise wrong(key, value, "is no text; give some")


def choice(*words: str) -> Check:
    """Returns the check for one of several words."""

    def check(key: str, value: Any) -> None:
        if not isinstance(value, str) or value not in words:
            raise wrong(key, value, f"is unknown;{_meant(value, words)} {_choose(words)}")

    return check


def list_of(check_item: Check, least: int = 0, most: int = MOST_ITEMS) -> Check:
    """Returns the check of a list.

    :param check_item: of every item
    :param least: number of items
    :param most: number of items
    """

    def check(key: str, value: Any) -> None:
        if not isinstance(value, list):
            raise wrong(key, value, "is no list; give one")
        if not least <= len(value) <= most:
            raise wrong(key, value, f"has {len(value)} items; give {_amount(least, most)}")
        for k, item in enumerate(value):
            check_item(f"{key}[{k}]", item)

    return check


def row(*checks: Check) -> Check:
    """Returns the check of a list with one item for each of ``checks``."""

    def check(key: str, value: Any) -> None:
        if not isinstance(value, list) or len(value) != len(checks):
            raise wrong(key, value, f"is no list of {len(checks)}; give one")
        for k, (check_item, item) in enumerate(zip(checks, value, strict=True)):
            check_item(f"{key}[{k}]", item)

    return check


def rising(check_item: Check) -> Check:
    """Returns the check of two items, the least and the most."""

    def check(key: str, value: Any) -> None:
        row(check_item, check_item)(key, value)
        if value[0] > value[1]:
            raise wrong(key, value, "has its most before its least; exchange them")

    return check


def either(first: Check, several: Check) -> Check:
    """Returns the check of one value, or of a list where it is one.

    :param first: of what is no list
    :param several: of a list
    """

    def check(key: str, value: Any) -> None:
        if isinstance(value, list):
            several(key, value)
        else:
            first(key, value)

    return check


def or_null(check_it: Check) -> Check:
    """Returns the check of what may also be null."""

    def check(key: str, value: Any) -> None:
        if value is not None:
            check_it(key, value)

    return check


def table(needed: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Returns the check of an object.

    :param needed: the checks of keys that it must have
    :param optional: those of others that it may have
    """
    known = {**needed, **(optional or {})}

    def check(key: str, value: Any) -> None:
        _object(key, value)
        for name, item in value.items():
            if name not in known:
                raise _unknown_key(_below(key, name), name, list(known))
            known[name](_below(key, name), item)
        for name in needed:
            if name not in value:
                raise ValueError(f"{_below(key, name)} is missing; add it")

    return check


def names_of(check_item: Check) -> Check:
    """Returns the check of an object whose keys are names that the file chooses."""

    def check(key: str, value: Any) -> None:
        _object(key, value)
        for name, item in value.items():
            text(f"{key}: a name", name)
            check_item(_below(key, name), item)

    return check


def by_kind(kinds: Mapping[str, Check], default: str | None = None) -> Check:
    """Returns the check of an object whose ``kind`` says which keys it has.

    :param kinds: the check of each kind
    :param default: the kind of what names none, None where it must
    """

    def check(key: str, value: Any) -> None:
        _object(key, value)
        if "kind" not in value and default is None:
            raise ValueError(f"{_below(key, 'kind')} is missing; {_choose(kinds)}")
        kind = value.get("kind", default)
        choice(*kinds)(_below(key, "kind"), kind)
        kinds[kind](key, value)

    return check


def with_rule(check_it: Check, rule: Check) -> Check:
    """Returns a check that is followed by another, which may rely on it."""

    def check(key: str, value: Any) -> None:
        check_it(key, value)
        rule(key, value)

    return check


def below(low: str, high: str) -> Check:
    """Returns the rule that one number of an object is below another, where it has both."""

    def check(key: str, value: Any) -> None:
        if low in value and high in value and not value[low] < value[high]:
            raise wrong(
                _below(key, high), value[high], f"is not above {low}, {value[low]:g}; raise it"
            )

    return check


def _object(key: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise wrong(key or "the file", value, "is no object; give one in braces")


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _unknown_key(key: str, name: str, known: list[str]) -> ValueError:
    return ValueError(f"{key} is an unknown key;{_meant(name, known)} {_choose(known)}")


def _meant(value: Any, known: Any) -> str:
    near = get_close_matches(str(value), list(known), n=1, cutoff=0.6)
    return f" did you mean {near[0]}?" if near else ""


def _choose(known: Any) -> str:
    return f"choose from {', '.join(known)}"


def _amount(least: int, most: int) -> str:
    return f"at least {least}" if most == MOST_ITEMS else f"{least} to {most}"
