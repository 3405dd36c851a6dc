"""Progress of a trial, as its runner reports it: the rungs that its evaluations have reached.

The runner evaluates its policy at every rung, a quarter, a half and all of the training, and
appends a line to ``progress.jsonl``. The controller reads it while the trial runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agent.config.parts import RUNGS
from agent.config.plain import is_finite, shown
from agent.executors.base import read_progress


@dataclass(frozen=True, slots=True)
class Rung:
    """Score of the best checkpoint so far when ``share`` of the training, ``timesteps``, was done.

    The score is a mean over the episodes that choose a checkpoint.
    """

    share: float
    timesteps: int
    mean_reward: float

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Reads back what ``dataclasses.asdict`` gave.

        :raises ValueError: it is no rung
        """
        names = ("share", "timesteps", "mean_reward")
        if not isinstance(data, dict) or not all(is_finite(data.get(name)) for name in names):
            raise ValueError(f"{shown(data)} is no rung")
        share, timesteps, mean_reward = (data[name] for name in names)
        return cls(float(share), int(timesteps), float(mean_reward))


def rungs_reached(progress: Sequence[tuple[int, float]], timesteps: int) -> tuple[Rung, ...]:
    """Returns the rungs that a trial has reached.

    :param progress: timesteps and score of its evaluations, in their order
    :param timesteps: of its whole training
    """
    rungs = []
    for share in RUNGS:
        reached_at = next((steps for steps, _ in progress if steps >= share * timesteps), None)
        if reached_at is not None:
            best = max(score for steps, score in progress if steps <= reached_at)
            rungs.append(Rung(share, reached_at, best))
    return tuple(rungs)


def read_rungs(folder: Path, timesteps: int) -> tuple[Rung, ...]:
    """Returns the rungs that the trial in ``folder`` has reached.

    :param timesteps: of its whole training
    """
    return rungs_reached(read_progress(folder), timesteps)


def best_choosing_score(folder: Path) -> float:
    """Returns the best score on the episodes that chose a trial's checkpoint; -inf without one."""
    return max((score for _, score in read_progress(folder)), default=-math.inf)
