"""Values of ``--set``: parameters that every trial of a study has and the search leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.config.errors import UserError, did_you_mean
from agent.config.flat import facts_in, new_names_in
from agent.config.plain import is_finite
from agent.config.settings import Facts
from agent.worlds.base import DEFAULT_WORLD

TRUTH = {"true": True, "false": False}
# Parameters that ``--set`` cannot hold: each trial has a seed of its own, and the world decides
# which parameters there are.
OPTIONS_ONLY = ("seed", "world")


def settings(texts: Sequence[str], world: str = DEFAULT_WORLD) -> dict[str, Any]:
    """Parameters of a trial from ``NAME=VALUE`` each; those that are lists take several.

    :raises UserError: no such parameter, no value of its kind, or one that is given twice
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, value = _setting(text, world)
        if isinstance(value, list):
            value = [*found.get(name, []), *value]
        elif found.get(name, value) != value:
            raise UserError(f"--set {name} is given as {found[name]} and as {value}; drop one")
        found[name] = value
    return found


def _setting(text: str, world: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not value:
        raise UserError(f"--set {text!r} is not understood; write it as gamma=0.99")
    name = new_names_in(world).get(name, name)
    known = facts_in(world)
    if name not in known:
        near = did_you_mean(name, known)
        raise UserError(
            f"--set {name!r} is no parameter of a trial;{near} choose from {', '.join(known)}"
        )
    if name in OPTIONS_ONLY:
        raise UserError(f"--set cannot hold {name}; write it as --{name}")
    return name, _value(name, known[name], value)


def _value(name: str, facts: Facts, text: str) -> Any:
    """The value that ``text`` stands for."""
    if facts.kind is bool:
        if text.lower() not in TRUTH:
            raise UserError(f"--set {name}: {text!r} is neither true nor false")
        return TRUTH[text.lower()]
    if facts.kind is list:
        return [text]
    if facts.kind is str:
        return text
    try:
        value = facts.kind(text)
    except ValueError:
        value = None
    if not is_finite(value):
        number = "whole number" if facts.kind is int else "number"
        raise UserError(f"--set {name}: {text!r} is no {number}; give one")
    return value
