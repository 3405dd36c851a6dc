"""The task of a trial: what its score was measured on. Only scores of one task compare."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from agent.trials.record import Record, task_names
from agent.worlds.base import DEFAULT_WORLD, WORLDS, world_named


def of_task(records: Iterable[Record], params: Mapping[str, Any]) -> list[Record]:
    """Returns the records whose scores compare with those of ``params``, by the world's own key.

    A parameter that a record is too old to name is taken from ``params``.
    """
    wanted = _key(params)
    same_world = params.get("world", DEFAULT_WORLD)
    return [
        record
        for record in records
        if record.world == same_world and _key({**params, **record.params}) == wanted
    ]


def same_task(params: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """True if scores of both compare; a parameter that one of them lacks is taken as equal."""
    same_world = params.get("world", DEFAULT_WORLD) == others.get("world", DEFAULT_WORLD)
    return same_world and _key({**others, **params}) == _key({**params, **others})


def task_name(params: Mapping[str, Any]) -> tuple[str, Hashable]:
    """Returns the name of a task in words, its first environment's, and its key."""
    first = next(iter(task_names(params)), "")
    return first, (params.get("world", DEFAULT_WORLD), _key(params))


def _key(params: Mapping[str, Any]) -> Hashable:
    name = params.get("world", DEFAULT_WORLD)
    return world_named(name).task_key(params) if name in WORLDS else None
