"""The task of a trial: what its score was measured on. Only scores of one task compare."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from agent.trials.record import Record
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


def _key(params: Mapping[str, Any]) -> Hashable:
    name = params.get("world", DEFAULT_WORLD)
    return world_named(name).task_key(params) if name in WORLDS else None
