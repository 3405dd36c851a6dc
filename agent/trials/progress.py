"""Rungs: what a trial was worth at a quarter, a half and all of its training, and whether to let it go on.

The runner evaluates its policy at every rung and appends a line to ``progress.jsonl``; the controller reads that file
while the trial runs. A trial whose best checkpoint so far is below the median of the earlier trials at the same rung
is stopped there, the median rule. All that reached a rung count for its median, the stopped too: among survivors the
bar would rise by itself. A rung is believed only while it is_predictive: among the trials that ran to their end, scores
there and final scores must correlate by rank. Drivers that all still crash at a quarter of the training would
otherwise be thrown out by lot.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import StatisticsError, correlation, median
from typing import Any, Self

from agent.config.trial import RUNGS

PROGRESS_NAME = "progress.jsonl"
LEAST_EARLIER = 5  # trials that a median, and a correlation, is taken over
FORETELLS = (
    0.5  # rank correlation with the end, at least; published runs have 0.75 to 0.96 at a quarter
)
BY_CHANCE = 1.4  # correlation times the root of one less than the trials: above that by chance once in twelve


@dataclass(frozen=True, slots=True)
class Rung:
    """The best checkpoint's score on the choosing episodes when ``share`` of the training, ``timesteps``, was done."""

    share: float
    timesteps: int
    mean_reward: float

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Read back what ``dataclasses.asdict`` gave.

        :raises ValueError: it is no rung
        """
        try:
            rung = cls(float(data["share"]), int(data["timesteps"]), float(data["mean_reward"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{data!r} is no rung") from None
        if not math.isfinite(rung.mean_reward):
            raise ValueError(f"{data!r} is no rung")
        return rung


def read_progress(folder: Path) -> list[tuple[int, float]]:
    """Timesteps and score of every intermediate evaluation so far; what cannot be read is left out."""
    try:
        lines = (folder / PROGRESS_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            told = json.loads(line)
            steps, score = int(told["timesteps"]), float(told["mean_reward"])
        except (ValueError, KeyError, TypeError):
            continue
        if math.isfinite(score):
            found.append((steps, score))
    return found


def read_rungs(folder: Path, timesteps: int) -> tuple[Rung, ...]:
    """The rungs that the trial in ``folder`` has reached.

    :param timesteps: of its whole training
    """
    progress = read_progress(folder)
    rungs = []
    for share in RUNGS:
        at = next((steps for steps, _ in progress if steps >= share * timesteps), None)
        if at is not None:
            rungs.append(Rung(share, at, max(score for steps, score in progress if steps <= at)))
    return tuple(rungs)


def should_prune(
    mine: Sequence[Rung], earlier: Iterable[tuple[Sequence[Rung], float | None]]
) -> str | None:
    """Why a trial should be stopped at its last rung, in words; ``None`` to let it go on.

    :param earlier: the rungs of the trials before it, with the final score of those that have one
    """
    if not mine or mine[-1].share >= 1.0:
        return None
    last = mine[-1]
    there = [
        (rung.mean_reward, end)
        for rungs, end in earlier
        for rung in rungs
        if rung.share == last.share
    ]
    if len(there) < LEAST_EARLIER or last.mean_reward >= (
        bar := median(score for score, _ in there)
    ):
        return None
    if not is_predictive([(score, end) for score, end in there if end is not None]):
        return None
    return (
        f"stopped at {last.share:.0%} of its training ({last.timesteps} steps): {last.mean_reward:.2f} is below "
        f"{bar:.2f}, the median of {len(there)} trials there"
    )


def is_predictive(scores: Sequence[tuple[float, float]]) -> bool:
    """Whether the first of each pair, a score on the way, says enough about the second, the score at the end."""
    if len(scores) < LEAST_EARLIER:
        return False
    try:
        rho = correlation(
            _ranks([score for score, _ in scores]), _ranks([end for _, end in scores])
        )
    except StatisticsError:  # all the same
        return False
    return rho >= FORETELLS and rho * math.sqrt(len(scores) - 1) >= BY_CHANCE


def _ranks(values: list[float]) -> list[float]:
    """Places in the order of size; equal values share the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2.0 for value in values]
