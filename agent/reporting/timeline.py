"""Pictures of the trials in the order of time: their scores, how they ended, how fast they came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from agent.reporting.history import Configuration, Trial, running_best
from agent.reporting.style import (
    BLACK,
    GREEN,
    GREY,
    SCORE,
    VERMILION,
    WIDTH,
    colour_of,
    note,
    number,
)
from agent.trials.record import RUN_STATUSES

MARKERS = {"sweep": "s", "search": "o", "replicate": "^", "confirm": "D"}
REPLICATED_SHOWN = 12
MOST_BINS = 24
TRIALS_PER_BIN = 4  # at least, on average: fewer would show noise


def draw_scores(trials: Sequence[Trial], found: Sequence[Configuration]) -> Figure:
    """Every score with its episodes' spread and the running best; beside it the seeds of replicated configurations."""
    replicated = sorted(
        (each for each in found if len(each.scores) > 1), key=lambda each: -each.mean
    )
    shown = replicated[:REPLICATED_SHOWN]
    figure = Figure(figsize=(WIDTH, 4.6))
    if not shown:
        _draw_score_axes(figure, figure.subplots(), trials)
        return figure
    ratios = [10 - min(5, 1 + len(shown) / 2), min(5, 1 + len(shown) / 2)]
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=ratios)
    _draw_score_axes(figure, left, trials)
    for x, each in enumerate(shown):
        right.plot([x, x], [min(each.scores), max(each.scores)], color=GREY, linewidth=1.5)
        colour = colour_of(each.trials[0].agent)
        right.plot([x] * len(each.scores), each.scores, "o", color=colour, markersize=5, alpha=0.8)
        right.plot([x - 0.25, x + 0.25], [each.mean] * 2, color=BLACK, linewidth=2)
    right.set_title(
        "Seed spread"
        + (f": best {len(shown)} of {len(replicated)}" if replicated[len(shown) :] else "")
    )
    right.set_xticks(
        range(len(shown)),
        [each.trials[0].name for each in shown],
        rotation=60,
        ha="right",
        fontsize=8,
    )
    right.set_xlim(-0.6, len(shown) - 0.4)
    right.set_xlabel("by first trial; bar: mean", fontsize=8)
    return figure


def _draw_score_axes(figure: Figure, axes: Axes, trials: Sequence[Trial]) -> None:
    scored = [trial for trial in trials if trial.score is not None]
    axes.set_title("Score of every trial")
    if not scored:
        note(
            axes,
            f"no trial has a score yet ({len(trials)} without)"
            if trials
            else "the ledgers hold no trial yet",
        )
        return
    size = 30 if len(trials) <= 200 else 12
    groups = dict.fromkeys((trial.agent, trial.record.kind) for trial in scored)
    for agent, kind in groups:
        mine = [trial for trial in scored if (trial.agent, trial.record.kind) == (agent, kind)]
        x, y = [trial.place for trial in mine], [trial.score or 0.0 for trial in mine]
        spread = [trial.record.std_reward or 0.0 for trial in mine]
        axes.errorbar(x, y, spread, fmt="none", ecolor=colour_of(agent), alpha=0.35, elinewidth=1.2)
        axes.scatter(
            x,
            y,
            size,
            color=colour_of(agent),
            marker=MARKERS.get(kind, "o"),
            alpha=0.85,
            label=f"{agent}, {kind}",
        )
    places = [trial.place for trial in trials]
    axes.step(
        places, running_best(trials), where="post", color=BLACK, linewidth=1.5, label="best so far"
    )
    failed = [trial.place for trial in trials if trial.score is None]
    if failed:
        label = f"no score ({len(failed)})"
        axes.plot(
            failed,
            [0.015] * len(failed),
            "x",
            color=VERMILION,
            transform=axes.get_xaxis_transform(),
            label=label,
        )
    axes.set_xlabel(
        "trial, in the order of time; error bars: ±1 standard deviation over its episodes"
    )
    axes.set_ylabel(SCORE)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.5, len(trials) + 0.5)
    axes.margins(y=0.1)
    figure.legend(loc="outside upper right", fontsize=8, ncols=7)


def draw_statuses(trials: Sequence[Trial]) -> Figure:
    """How many trials ended in which way."""
    figure = Figure(figsize=(WIDTH / 2, 3.2))
    axes = figure.subplots()
    axes.set_title("How the trials ended")
    counts = Counter(trial.record.run_status for trial in trials)
    if not counts:
        note(axes, "the ledgers hold no trial yet")
        return figure
    names = [name for name in RUN_STATUSES if counts[name]][::-1]
    bars = axes.barh(
        names,
        [counts[name] for name in names],
        color=[GREEN if n == "ok" else VERMILION for n in names],
    )
    axes.bar_label(bars, padding=3)
    axes.set_ylim(len(names) - 1 - max(3, len(names)) + 0.4, len(names) - 0.4)
    axes.set_xlabel("trials")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    return figure


def draw_throughput(trials: Sequence[Trial]) -> Figure:
    """Trials that ended per hour of the clock, pauses between invocations included."""
    figure = Figure(figsize=(WIDTH / 2, 3.2))
    axes = figure.subplots()
    axes.set_title("Trials per hour")
    timed = [(trial.began, trial.ended) for trial in trials if trial.began and trial.ended]
    start = min((began for began, _ in timed), default=None)
    hours = (
        np.array([(ended - start).total_seconds() / 3600 for _, ended in timed])
        if start
        else np.zeros(0)
    )
    span = float(hours.max(initial=0.0))
    if span <= 0.0:
        note(axes, "no trial with a time yet")
        return figure
    bins = int(np.clip(len(hours) // TRIALS_PER_BIN, 1, MOST_BINS))
    counts, edges = np.histogram(hours, bins=bins, range=(0.0, span))
    unit, per_hour = ("hours", 1.0) if span >= 2.0 else ("minutes", 60.0)
    axes.stairs(counts / np.diff(edges), per_hour * edges, fill=True, color="#9CC9E3")
    rate = len(hours) / span
    axes.axhline(rate, color=BLACK, linewidth=1.5, label=f"all: {number(rate, 3)} per hour")
    axes.set_xlabel(
        f"{unit} since the first trial began; each bar {number(60 * span / bins, 2)} min"
    )
    axes.set_ylabel("trials ended per hour")
    axes.legend(loc="lower right", frameon=True, fontsize=8)
    axes.set_ylim(bottom=0)
    return figure
