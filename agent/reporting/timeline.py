"""Pictures of the trials in the order of time: scores, outcomes, trials per hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.reporting.history import Configuration, Trial, last_run, running_best
from agent.reporting.style import (
    BLACK,
    GREEN,
    GREY,
    PALE_BLUE,
    SCORE_LABEL,
    VERMILION,
    WIDTH,
    colour_of,
    note,
    number,
)
from agent.trials.fields import RUN_STATUSES

MARKERS = {"sweep": "s", "search": "o", "replicate": "^"}
MAX_REPLICATED = 12  # configurations beside the scores, chosen: their names stay legible
MANY_TRIALS = 200  # chosen: above it markers are small
MAX_BINS = 24
MIN_TRIALS_PER_BIN = 4  # on average, chosen: fewer show noise
MIN_STATUS_ROWS = 3  # so that a single bar is no wall


def draw_scores(trials: Sequence[Trial], found: Sequence[Configuration]) -> Figure:
    """Draws every score and the best so far, and beside them the seeds of each configuration.

    :param trials: all trials, in the order of time
    :param found: their configurations, of which those with several seeds are shown
    """
    replicated = [configuration for configuration in found if len(configuration.scores) > 1]
    replicated.sort(key=lambda configuration: -configuration.mean)
    shown = replicated[:MAX_REPLICATED]
    figure = Figure(figsize=(WIDTH, 4.6))
    if not shown:
        _draw_score_axes(figure, figure.subplots(), trials)
        return figure
    seeds_width = min(5, 1 + len(shown) / 2)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[10 - seeds_width, seeds_width])
    _draw_score_axes(figure, left, trials)
    _draw_seeds(right, shown)
    title = "Seed spread"
    if len(replicated) > len(shown):
        title += f": best {len(shown)} of {len(replicated)}"
    right.set_title(title)
    return figure


def draw_statuses(trials: Sequence[Trial]) -> Figure:
    """Draws how many trials ended in which way."""
    figure = Figure(figsize=(WIDTH / 2, 3.2))
    axes = figure.subplots()
    axes.set_title("How the trials ended")
    counts = Counter(trial.record.run_status for trial in trials)
    if not counts:
        note(axes, "the ledgers hold no trial yet")
        return figure
    names = [name for name in reversed(RUN_STATUSES) if counts[name]]
    colours = dict.fromkeys(names, VERMILION) | {"ok": GREEN}
    bars = axes.barh(
        names, [counts[name] for name in names], color=[colours[name] for name in names]
    )
    axes.bar_label(bars, padding=3)
    axes.set_ylim(len(names) - 1 - max(MIN_STATUS_ROWS, len(names)) + 0.4, len(names) - 0.4)
    axes.set_xlabel("trials")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    return figure


def draw_throughput(trials: Sequence[Trial]) -> Figure:
    """Draws the trials of the last run that ended per hour of the clock, pauses included."""
    figure = Figure(figsize=(WIDTH / 2, 3.2))
    axes = figure.subplots()
    axes.set_title("Trials per hour, last run")
    hours = _hours_to_end(last_run(trials))
    span = max(hours, default=0.0)
    if span <= 0.0:
        note(axes, "no trial with a time yet")
        return figure
    bins = int(np.clip(len(hours) // MIN_TRIALS_PER_BIN, 1, MAX_BINS))
    counts, edges = np.histogram(hours, bins=bins, range=(0.0, span))
    unit = "hours"
    per_hour = 1.0
    if span < 2.0:
        unit = "minutes"
        per_hour = 60.0
    axes.stairs(counts / np.diff(edges), per_hour * edges, fill=True, color=PALE_BLUE)
    rate = len(hours) / span
    axes.axhline(rate, color=BLACK, linewidth=1.5, label=f"all: {number(rate, 3)} per hour")
    bar_min = 60 * span / bins
    axes.set_xlabel(f"{unit} since its first trial began; each bar {number(bar_min, 2)} min")
    axes.set_ylabel("trials ended per hour")
    axes.legend(loc="lower right", frameon=True, fontsize=8)
    axes.set_ylim(bottom=0)
    return figure


def _draw_seeds(axes: Axes, shown: Sequence[Configuration]) -> None:
    for x, each in enumerate(shown):
        axes.plot([x, x], [min(each.scores), max(each.scores)], color=GREY, linewidth=1.5)
        colour = colour_of(each.trials[0].agent)
        axes.plot([x] * len(each.scores), each.scores, "o", color=colour, markersize=5, alpha=0.8)
        axes.plot([x - 0.25, x + 0.25], [each.mean] * 2, color=BLACK, linewidth=2)
    names = [each.trials[0].name for each in shown]
    axes.set_xticks(range(len(shown)), names, rotation=60, ha="right", fontsize=8)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("by first trial; bar: mean", fontsize=8)


def _draw_score_axes(figure: Figure, axes: Axes, trials: Sequence[Trial]) -> None:
    scored = [trial for trial in trials if trial.score is not None]
    axes.set_title("Score of every trial")
    if not trials:
        note(axes, "the ledgers hold no trial yet")
        return
    if not scored:
        note(axes, f"no trial has a score yet ({len(trials)} without)")
        return
    size = 30
    if len(trials) > MANY_TRIALS:
        size = 12
    for agent, kind in dict.fromkeys((trial.agent, trial.record.kind) for trial in scored):
        group = [trial for trial in scored if (trial.agent, trial.record.kind) == (agent, kind)]
        _draw_group(axes, group, size)
    _draw_best(axes, trials)
    _draw_failures(axes, trials)
    axes.set_xlabel(
        "trial, in the order of time; error bars: ±1 standard deviation over its episodes"
    )
    axes.set_ylabel(SCORE_LABEL)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.5, len(trials) + 0.5)
    axes.margins(y=0.1)
    figure.legend(loc="outside upper right", fontsize=8, ncols=7)


def _draw_group(axes: Axes, group: Sequence[Trial], size: int) -> None:
    """Draws the scores of one algorithm and kind, with the spread of their episodes."""
    agent = group[0].agent
    kind = group[0].record.kind
    colour = colour_of(agent)
    x = [trial.index for trial in group]
    y = [trial.score or 0.0 for trial in group]
    spread = [trial.record.std_reward or 0.0 for trial in group]
    axes.errorbar(x, y, spread, fmt="none", ecolor=colour, alpha=0.35, elinewidth=1.2)
    marker = MARKERS.get(kind, "o")
    axes.scatter(x, y, size, color=colour, marker=marker, alpha=0.85, label=f"{agent}, {kind}")


def _draw_best(axes: Axes, trials: Sequence[Trial]) -> None:
    indices = [trial.index for trial in trials]
    best = running_best(trials)
    axes.step(indices, best, where="post", color=BLACK, linewidth=1.5, label="best so far")


def _draw_failures(axes: Axes, trials: Sequence[Trial]) -> None:
    failed = [trial.index for trial in trials if trial.score is None]
    if failed:
        axes.plot(
            failed,
            [0.015] * len(failed),
            "x",
            color=VERMILION,
            transform=axes.get_xaxis_transform(),
            label=f"no score ({len(failed)})",
        )


def _hours_to_end(trials: Sequence[Trial]) -> list[float]:
    """Hours from the first trial's begin to each one's end; trials without times are left out."""
    begins = [trial.began for trial in trials if trial.began and trial.ended]
    ends = [trial.ended for trial in trials if trial.began and trial.ended]
    start = min(begins, default=None)
    if start is None:
        return []
    return [(end - start).total_seconds() / 3600 for end in ends]
