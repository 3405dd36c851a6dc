"""Pictures of the Gaussian process: what it expects along each parameter, and which ones matter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from agent.reporting.style import BLUE, CAPTION_GREY, ORANGE, SKY, VERMILION, WIDTH, note, number
from agent.reporting.surface import Importance, Slice
from agent.search.parameter import Choice, Range

MAX_COLUMNS = 3  # of slices
MAX_COUNTED = 20  # an integer parameter with no more values is drawn value by value
CAPTION_PARTS = 4  # of the fixed parameters below a slice, two a line
EXPECTED = "expected score"
ONE_STD = "±1 std"
TWO_STDS = "±2 std"


def draw_slices(found: Sequence[Slice]) -> Figure:
    """Draws each slice: expected score, uncertainty, and the configurations that were tried."""
    rows = max(1, math.ceil(len(found) / MAX_COLUMNS))
    columns = min(MAX_COLUMNS, max(1, len(found)))
    figure = Figure(figsize=(WIDTH, 0.7 + 3.1 * rows))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    if not found:
        note(grid[0, 0], "too few configurations with a score for a Gaussian process")
        return figure
    for axes, each in zip(grid.flat, found, strict=False):
        _draw_slice(axes, each)
    for axes in list(grid.flat)[len(found) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("score")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4, fontsize=9)
    return figure


def draw_importance(found: Sequence[Importance]) -> Figure:
    """Draws the importances by lengthscale, and beside them those by variance."""
    figure = Figure(figsize=(WIDTH, 1.6 + 0.42 * max(2, len(found))))
    left, right = figure.subplots(1, 2, sharey=bool(found))
    left.set_title("Importance by lengthscale")
    right.set_title("Importance by variance (fANOVA)")
    if not found:
        for axes in (left, right):
            note(axes, "too few configurations with a score")
        return figure
    ordered = sorted(found, key=lambda each: each.total)
    y = np.arange(len(ordered))
    left.barh(y, [100 * each.relevance for each in ordered], 0.6, color=BLUE)
    left.set_yticks(y, [each.name for each in ordered])
    left.set_xlabel("share of all reach, %  (reach: range in lengthscales)")
    totals = [100 * each.total for each in ordered]
    alone = [100 * each.first_order for each in ordered]
    right.barh(y + 0.2, totals, 0.4, color=SKY, label="with interactions")
    right.barh(y - 0.2, alone, 0.4, color=ORANGE, label="alone")
    right.set_xlabel("variance of the expected score that it explains, %")
    right.legend(loc="lower right", fontsize=8)
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)
    return figure


def _draw_slice(axes: Axes, each: Slice) -> None:
    if isinstance(each.parameter, Choice):
        _draw_choices(axes, each)
    else:
        _draw_range(axes, each, each.parameter)
    axes.set_title(each.parameter.name)
    axes.set_xlabel(_caption(each), fontsize=8, color=CAPTION_GREY)


def _draw_choices(axes: Axes, each: Slice) -> None:
    x = np.arange(len(each.values))
    _draw_tried(axes, [each.values.index(value) for value in each.tried], each.scores)
    for width, alpha, label in ((2, 0.45, TWO_STDS), (1, 0.9, ONE_STD)):
        axes.errorbar(
            x,
            each.mean,
            width * each.std,
            fmt="none",
            ecolor=SKY,
            elinewidth=10,
            alpha=alpha,
            label=label,
        )
    axes.plot(x, each.mean, "o", color=BLUE, markersize=8, label=EXPECTED)
    axes.set_xticks(x, [number(value) for value in each.values])
    axes.set_xlim(-0.6, len(x) - 0.4)


def _draw_range(axes: Axes, each: Slice, parameter: Range) -> None:
    x = np.array(each.values, dtype=np.float64)
    _draw_tried(axes, each.tried, each.scores)
    for width, alpha, label in ((2, 0.25, TWO_STDS), (1, 0.45, ONE_STD)):
        low = each.mean - width * each.std
        high = each.mean + width * each.std
        axes.fill_between(x, low, high, color=SKY, alpha=alpha, label=label)
    if parameter.integer and len(x) <= MAX_COUNTED:
        axes.plot(x, each.mean, "o-", color=BLUE, linewidth=2, label=EXPECTED)
        axes.xaxis.set_major_locator(MaxNLocator(MAX_COUNTED, integer=True))
    else:
        axes.plot(x, each.mean, "-", color=BLUE, linewidth=2, label=EXPECTED)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    if parameter.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_tried(axes: Axes, values: Sequence[float], scores: Sequence[float]) -> None:
    alpha = min(0.6, max(0.15, 30 / len(values)))
    label = "tried, others anywhere"
    axes.plot(values, scores, "o", color=VERMILION, markersize=4, alpha=alpha, label=label)


def _caption(each: Slice) -> str:
    """The parameters that are fixed, in lines short enough for one picture."""
    if not each.fixed:
        return ""
    parts = [f"{name} {number(value)}" for name, value in each.fixed.items()]
    shown = parts[:CAPTION_PARTS]
    lines = [", ".join(shown[start : start + 2]) for start in range(0, len(shown), 2)]
    text = "at " + "\n".join(lines)
    if len(parts) > CAPTION_PARTS:
        text += " …"
    return text
