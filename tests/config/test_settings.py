from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from agent.config.errors import UserError
from agent.config.settings import (
    Facts,
    Part,
    SearchRange,
    facts_of,
    inherited,
    part,
    setting,
)


@part
class Engine(Part):
    power: float = setting(1.0, "of the engine", above=0.0, high=9.0, search=SearchRange(1, 2))
    gears: int = setting(5, "forward ones", low=1, common=True)
    fuel: str = setting("diesel", "to burn", choices=("diesel", "petrol"))
    turbo: bool = setting(False, "with a turbine")
    parts: list[str] = setting(["crank"], "what it is made of")
    maker: str | None = setting(None, "who made it")


@part
class Strong(Engine):
    power: float = inherited(Engine, "power", 5.0, high=99.0)


def test_kind_and_default_come_from_the_annotation_and_the_field() -> None:
    facts = facts_of(Engine)
    assert [each.kind for each in facts.values()] == [float, int, str, bool, list, str]
    assert [name for name, each in facts.items() if each.optional] == ["maker"]
    assert facts["parts"].default == ["crank"]
    assert [name for name, each in facts.items() if each.common] == ["gears"]


def test_an_inherited_field_keeps_its_facts_but_for_those_that_are_given() -> None:
    power = facts_of(Strong)["power"]
    assert (power.default, power.high, power.above, power.help) == (5.0, 99.0, 0.0, "of the engine")
    assert power.search == SearchRange(1, 2)
    assert list(facts_of(Strong)) == list(facts_of(Engine))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"power": 0.0}, "power 0.0 is too small; give more than 0.0"),
        ({"power": 10.0}, "power 10.0 is too large; give at most 9.0"),
        ({"power": float("nan")}, "power nan is not a finite number; give one"),
        ({"power": "much"}, "power 'much' is not a number; give one"),
        ({"power": True}, "power True is not a number; give one"),
        ({"gears": 0}, "gears 0 is too small; give at least 1"),
        ({"gears": 2.5}, "gears 2.5 is not a whole number; give one"),
        ({"fuel": "hay"}, "fuel 'hay' is unknown; choose from diesel, petrol"),
        ({"turbo": "yes"}, "turbo 'yes' is not true or false; give one"),
        ({"parts": "crank"}, "parts 'crank' is not a list of texts; give one"),
        ({"parts": [1]}, r"parts \[1\] is not a list of texts; give one"),
        ({"maker": 3}, "maker 3 is not a text; give one"),
        ({"gears": None}, "gears None is not a whole number; give one"),
    ],
)
def test_a_value_of_another_kind_or_beyond_its_limits_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=f"^{message}$"):
        Engine(**values)


def test_possible_values_pass() -> None:
    assert Engine() == Engine(power=1.0)
    other = Engine(power=9, gears=1, fuel="petrol", turbo=True, parts=[], maker="us")
    assert other != Engine()
    assert other.fuel == "petrol"


def test_a_part_is_frozen_and_has_no_other_values() -> None:
    with pytest.raises(FrozenInstanceError):
        Engine().power = 2.0
    with pytest.raises(TypeError, match="wings"):
        Engine(wings=2)


def test_a_value_may_be_none_where_the_annotation_says_so() -> None:
    Facts("", optional=True, low=1.0, kind=float).check("name", None)
