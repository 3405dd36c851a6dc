"""The task of a trial: what its score was measured on. Only scores of one task compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.trials.record import Record, tracks


def of_task(records: Iterable[Record], params: dict[str, Any]) -> list[Record]:
    """Returns the records whose scores compare with those of ``params``.

    They have the same tracks, and their episodes end alike. A parameter that a record is too old to
    name is taken from ``params``.
    """
    wanted = _task(params)
    return [record for record in records if _task(params | record.params) == wanted]


def _task(params: dict[str, Any]) -> tuple[Any, ...]:
    return tracks(params), params.get("max_episode_steps"), params.get("max_cte")
