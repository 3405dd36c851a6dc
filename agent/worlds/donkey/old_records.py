"""Parameters of records from before algorithms had settings of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BINS = {"n_steer", "n_throttle"}


def modern_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters of a record of any version as today's have them.

    An old record has the action bins of every algorithm, which are dropped, and means four pictures
    in an observation.
    """
    if not params.keys() >= BINS or "gamma" in params:
        return params
    dropped = () if params.get("agent", "ppo") == "dqn" else BINS
    kept = {name: value for name, value in params.items() if name not in dropped}
    return {"frame_stack": 4} | kept
