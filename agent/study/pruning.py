"""Median pruning: a trial below the median of the earlier trials at the same rung is stopped there.

This is the median rule of Vizier (Golovin et al. 2017). A rung's score is that of the best
checkpoint so far. All trials that reached a rung count for its median, the stopped ones too: among
survivors alone the median would rise by itself.

A rung stops nobody until it is predictive: among the trials that ran to their end, the scores there
and the final scores must correlate by rank. Drivers that all still crash at a quarter of their
training would otherwise be stopped by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from agent.trials.progress import Rung

MIN_TRIALS = 5  # chosen: a median, and a correlation, is taken over no fewer
# Rank correlation of scores at a rung with final scores. Published runs have 0.75 to 0.96 at a
# quarter.
MIN_CORRELATION = 0.5
# The correlation times the root of (trials - 1) is nearly a standard normal if the two are
# independent, so 1.4 is exceeded by chance once in twelve.
MIN_Z_SCORE = 1.4


def should_prune(
    rungs: Sequence[Rung], earlier: Iterable[tuple[Sequence[Rung], float | None]]
) -> str | None:
    """Returns the cause, in words, to stop a trial at its last rung; ``None`` to let it go on.

    :param rungs: those that the trial has reached
    :param earlier: rungs of every trial before it, with the final score of those that have one
    """
    if not rungs or rungs[-1].share >= 1.0:
        return None
    from statistics import median  # which the controller does without until there is a rung

    last = rungs[-1]
    there = [
        (rung.mean_reward, final)
        for others, final in earlier
        for rung in others
        if rung.share == last.share
    ]
    if len(there) < MIN_TRIALS:
        return None
    bar = median(score for score, _ in there)
    if last.mean_reward >= bar:
        return None
    if not is_predictive([(score, final) for score, final in there if final is not None]):
        return None
    return (
        f"stopped at {last.share:.0%} of its training ({last.timesteps} steps): "
        f"{last.mean_reward:.2f} is below {bar:.2f}, the median of {len(there)} trials there"
    )


def is_predictive(scores: Sequence[tuple[float, float]]) -> bool:
    """Tells whether scores at a rung predict final scores.

    :param scores: pairs of both, one of each trial
    """
    if len(scores) < MIN_TRIALS:
        return False
    from statistics import StatisticsError, correlation

    at_rung = _ranks([score for score, _ in scores])
    at_end = _ranks([final for _, final in scores])
    try:
        rho = correlation(at_rung, at_end)
    except StatisticsError:  # one of them is constant
        return False
    return rho >= MIN_CORRELATION and rho * math.sqrt(len(scores) - 1) >= MIN_Z_SCORE


def _ranks(values: list[float]) -> list[float]:
    """Ranks from 0 up; equal values share the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2.0 for value in values]
