"""How sure the search could be, trial by trial: the stopping rule asked again of the ledger as it was then."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.reporting.history import Trial
from agent.reporting.style import BLUE, GREY, ORANGE, VERMILION, WIDTH, note
from agent.search.space import Space
from agent.search.stopping import DELTA, Convergence, assess
from agent.study.champion_selection import of_task
from agent.study.observations import observations

POINTS = 12  # of the curve: each costs a fit and a thousand draws


@dataclass(frozen=True)
class Outlook:
    """What the search could know once the trial at ``place`` had ended."""

    place: int
    convergence: Convergence


def follow(trials: Sequence[Trial], space: Space | None) -> list[Outlook]:
    """The outlook after up to ``POINTS`` trials, evenly spread, the last one among them.

    Only trials of the last one's task count, as in the search.
    """
    if space is None or not trials:
        return []
    alike = {
        id(record)
        for record in of_task([trial.record for trial in trials], trials[-1].record.params)
    }
    mine = [trial for trial in trials if id(trial.record) in alike]
    found = []
    for end in sorted({round(end) for end in np.linspace(1, len(mine), POINTS)}):
        records = [replace(trial.record, params=trial.params) for trial in mine[:end]]
        with suppress(ValueError):  # nothing to judge by yet
            outlook = assess(space, observations(space, records), np.random.default_rng(end))
            found.append(Outlook(mine[end - 1].place, outlook))
    return found


def draw_convergence(outlooks: Sequence[Outlook]) -> Figure:
    """The probability that the recommended configuration is good enough; beside it regret bound and largest std."""
    figure = Figure(figsize=(WIDTH, 3.4))
    if not outlooks:
        axes = figure.subplots()
        axes.set_title("When to stop")
        note(axes, "no trial yet that the stopping rule could judge by")
        return figure
    left, right = figure.subplots(1, 2)
    places = [each.place for each in outlooks]
    left.set_title("Probability of being good enough")
    left.axhline(
        1.0 - DELTA,
        color=VERMILION,
        linewidth=1,
        linestyle="--",
        label=f"stop from {1.0 - DELTA:g}",
    )
    left.plot(
        places, [each.convergence.probability for each in outlooks], "o-", color=BLUE, markersize=4
    )
    stops = [each for each in outlooks if each.convergence.converged]
    left.plot(
        [each.place for each in stops],
        [each.convergence.probability for each in stops],
        "o",
        color=ORANGE,
        markersize=9,
        markerfacecolor="none",
        label="the rule says stop",
    )
    left.set_ylim(-0.03, 1.03)
    left.legend(loc="best", fontsize=8)
    right.set_title("What may be missed")
    for name, label, colour in (
        ("regret_bound", "regret bound", BLUE),
        ("largest_std", "largest std", GREY),
    ):
        values = [getattr(each.convergence, name) for each in outlooks]
        right.plot(places, values, "o-", color=colour, markersize=4, label=label)
    right.set_ylabel("score")
    right.set_ylim(bottom=0.0)
    right.legend(loc="best", fontsize=8)
    for axes in (left, right):
        axes.set_xlabel("trial, in the order of time")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
