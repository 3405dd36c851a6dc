"""Stopping rule over time: asked again of the ledger as it was after earlier trials."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.reporting.history import Trial
from agent.reporting.style import BLUE, GREY, ORANGE, VERMILION, WIDTH, note
from agent.search.space import Space
from agent.search.stopping import DELTA, Convergence, assess
from agent.study.observations import observations
from agent.trials.task import of_task

POINTS = 12  # of the curve, chosen: each costs a fit and a thousand draws


@dataclass(frozen=True)
class Assessment:
    """Answer of the stopping rule once the trial of that ``index`` had ended."""

    index: int
    convergence: Convergence


def assess_over_time(trials: Sequence[Trial], space: Space | None) -> list[Assessment]:
    """Asks the rule after up to ``POINTS`` trials, evenly spread, the last one among them.

    Only trials of the last one's task count, as in the search.
    """
    if space is None or not trials:
        return []
    of_last_task = _of_last_task(trials)
    assessments = []
    for count in sorted({round(end) for end in np.linspace(1, len(of_last_task), POINTS)}):
        records = [replace(trial.record, params=trial.params) for trial in of_last_task[:count]]
        with suppress(ValueError):  # no score yet that the rule could judge by
            convergence = assess(space, observations(space, records), np.random.default_rng(count))
            assessments.append(Assessment(of_last_task[count - 1].index, convergence))
    return assessments


def draw_convergence(assessments: Sequence[Assessment]) -> Figure:
    """Draws the probability of being good enough, and beside it what may be missed."""
    figure = Figure(figsize=(WIDTH, 3.4))
    if not assessments:
        axes = figure.subplots()
        axes.set_title("When to stop")
        note(axes, "no trial yet that the stopping rule could judge by")
        return figure
    left, right = figure.subplots(1, 2)
    _draw_probability(left, assessments)
    _draw_regret(right, assessments)
    for axes in (left, right):
        axes.set_xlabel("trial, in the order of time")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _of_last_task(trials: Sequence[Trial]) -> list[Trial]:
    records = of_task([trial.record for trial in trials], trials[-1].record.params)
    wanted = {id(record) for record in records}
    return [trial for trial in trials if id(trial.record) in wanted]


def _draw_probability(axes: Axes, assessments: Sequence[Assessment]) -> None:
    axes.set_title("Probability of being good enough")
    threshold = 1.0 - DELTA
    label = f"stop from {threshold:g}"
    axes.axhline(threshold, color=VERMILION, linewidth=1, linestyle="--", label=label)
    indices = [each.index for each in assessments]
    probabilities = [each.convergence.probability for each in assessments]
    axes.plot(indices, probabilities, "o-", color=BLUE, markersize=4)
    stops = [each for each in assessments if each.convergence.converged]
    axes.plot(
        [each.index for each in stops],
        [each.convergence.probability for each in stops],
        "o",
        color=ORANGE,
        markersize=9,
        markerfacecolor="none",
        label="the rule says stop",
    )
    axes.set_ylim(-0.03, 1.03)
    axes.legend(loc="best", fontsize=8)


def _draw_regret(axes: Axes, assessments: Sequence[Assessment]) -> None:
    axes.set_title("What may be missed")
    indices = [each.index for each in assessments]
    bounds = [each.convergence.regret_bound for each in assessments]
    stds = [each.convergence.largest_std for each in assessments]
    axes.plot(indices, bounds, "o-", color=BLUE, markersize=4, label="regret bound")
    axes.plot(indices, stds, "o-", color=GREY, markersize=4, label="largest std")
    axes.set_ylabel("score")
    axes.set_ylim(bottom=0.0)
    axes.legend(loc="best", fontsize=8)
