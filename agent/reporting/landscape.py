"""Pictures of the searched space: what was tried, what the Gaussian process expects along it, what matters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from agent.reporting.history import Trial
from agent.reporting.style import BLUE, GREY, ORANGE, SCORE_MAP, SKY, VERMILION, WIDTH, note, number
from agent.reporting.surface import Importance, Slice, active_names
from agent.search.space import Choice, Parameter, Space

INACTIVE_AT = -0.13  # below every axis of the parallel coordinates
COLUMNS = 3  # of the slices
MOST_LEVEL_NAMES = 8  # of axes side by side; more are written aslant
COUNTED = 20  # an integer parameter with no more values is drawn value by value


def draw_parallel(trials: Sequence[Trial], space: Space | None) -> Figure:
    """A line per trial through the searched parameters to its score, the best on top."""
    figure = Figure(figsize=(WIDTH, 4.4))
    axes = figure.subplots()
    axes.set_title("What was tried, and how it scored")
    if space is None:
        note(axes, "no parameter varies among the trials yet")
        return figure
    scores = [trial.score for trial in trials if trial.score is not None]
    norm = Normalize(min(scores, default=0.0), max(scores, default=1.0))
    ordered = sorted(trials, key=lambda trial: -math.inf if trial.score is None else trial.score)
    lines = [[*_heights(space, trial), _score_height(trial.score, norm)] for trial in ordered]
    failed = sum(trial.score is None for trial in ordered)
    xs = np.arange(len(space.parameters) + 1)
    pieces = [np.column_stack([xs, line]) for line in lines]
    alpha = max(0.25, min(0.9, 30 / max(1, len(trials))))
    axes.add_collection(
        LineCollection(pieces[:failed], colors=GREY, linestyles=":", linewidths=1, alpha=alpha)
    )
    coloured = LineCollection(
        pieces[failed:], cmap=SCORE_MAP, norm=norm, linewidths=1.8, alpha=alpha
    )
    coloured.set_array(np.array([trial.score for trial in ordered[failed:]], dtype=np.float64))
    axes.add_collection(coloured)
    for x, parameter in enumerate(space.parameters):
        _draw_ruler(axes, x, _marks(parameter), inactive=parameter.when is not None)
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    ends = [(0.0, number(low, 3)), (0.5, number((low + high) / 2, 3)), (1.0, number(high, 3))]
    _draw_ruler(axes, len(xs) - 1, ends if scores else [], inactive=failed > 0, below="no score")
    axes.set_xticks(xs, [*space.names, "score"], fontweight="bold")
    if len(xs) > MOST_LEVEL_NAMES:
        axes.tick_params(axis="x", labelrotation=30)
    axes.set_xlim(-0.35, len(xs) - 1 + 0.35)
    below = failed > 0 or any(parameter.when for parameter in space.parameters)
    axes.set_ylim(INACTIVE_AT - 0.06 if below else -0.06, 1.06)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False)
    if scores:
        figure.colorbar(
            ScalarMappable(norm, SCORE_MAP), ax=axes, label="score", pad=0.01, aspect=30
        )
    return figure


def _heights(space: Space, trial: Trial) -> list[float]:
    """Where the trial's line crosses each parameter's axis, 0 to 1."""
    active = active_names(space, trial.params)
    return [
        float(_unit(parameter, trial.params[parameter.name]))
        if parameter.name in active
        else INACTIVE_AT
        for parameter in space.parameters
    ]


def _unit(parameter: Parameter, value: object) -> float:
    code = parameter.code(value)
    if isinstance(parameter, Choice):
        return (code + 0.5) / parameter.width
    return float(parameter.to_unit(np.array([code]))[0, 0])


def _marks(parameter: Parameter) -> list[tuple[float, str]]:
    """Labelled places of a parameter's axis."""
    if isinstance(parameter, Choice):
        return [(_unit(parameter, choice), number(choice)) for choice in parameter.choices]
    codes = [float(parameter.from_unit(np.array([[unit]]))[0]) for unit in (0.0, 0.5, 1.0)]
    values = dict.fromkeys(parameter.value(code) for code in codes)
    return [(_unit(parameter, value), number(value, 3)) for value in values]


def _score_height(score: float | None, norm: Normalize) -> float:
    if score is None:
        return INACTIVE_AT
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    return (score - low) / (high - low) if high > low else 0.5


def _draw_ruler(
    axes: Axes, x: int, marks: Sequence[tuple[float, str]], inactive: bool, below: str = "inactive"
) -> None:
    axes.plot([x, x], [0, 1], color="#404040", linewidth=1)
    for y, text in [*marks, *([(INACTIVE_AT, below)] if inactive else [])]:
        axes.plot([x], [y], "_", color="#404040", markersize=7)
        box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}
        axes.text(x + 0.04, y, text, fontsize=8, va="center", bbox=box, zorder=5)


def draw_slices(found: Sequence[Slice]) -> Figure:
    """The expected score along each parameter, its uncertainty, and the configurations that were tried."""
    rows = max(1, math.ceil(len(found) / COLUMNS))
    columns = min(COLUMNS, max(1, len(found)))
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


def _draw_slice(axes: Axes, each: Slice) -> None:
    parameter = each.parameter
    choice = isinstance(parameter, Choice)
    x = np.arange(len(each.values)) if choice else np.array(each.values, dtype=np.float64)
    tried = [each.values.index(value) for value in each.tried] if choice else each.tried
    faint = min(0.6, max(0.15, 30 / len(tried)))
    axes.plot(
        tried,
        each.scores,
        "o",
        color=VERMILION,
        markersize=4,
        alpha=faint,
        label="tried, others anywhere",
    )
    if isinstance(parameter, Choice):
        axes.errorbar(
            x,
            each.mean,
            2 * each.std,
            fmt="none",
            ecolor=SKY,
            elinewidth=10,
            alpha=0.45,
            label="±2 std",
        )
        axes.errorbar(
            x, each.mean, each.std, fmt="none", ecolor=SKY, elinewidth=10, alpha=0.9, label="±1 std"
        )
        axes.plot(x, each.mean, "o", color=BLUE, markersize=8, label="expected score")
        axes.set_xticks(x, [number(value) for value in each.values])
        axes.set_xlim(-0.6, len(x) - 0.4)
    else:
        axes.fill_between(
            x,
            each.mean - 2 * each.std,
            each.mean + 2 * each.std,
            color=SKY,
            alpha=0.25,
            label="±2 std",
        )
        axes.fill_between(
            x, each.mean - each.std, each.mean + each.std, color=SKY, alpha=0.45, label="±1 std"
        )
        counted = parameter.integer and len(x) <= COUNTED
        axes.plot(
            x, each.mean, "o-" if counted else "-", color=BLUE, linewidth=2, label="expected score"
        )
        axes.xaxis.set_major_locator(MaxNLocator(COUNTED if counted else 6, integer=counted))
        if parameter.log:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(parameter.name)
    axes.set_xlabel(_in_words(each), fontsize=8, color="#505050")


def _in_words(each: Slice) -> str:
    """What was held, in lines short enough for one picture."""
    if not each.held:
        return ""
    parts = [f"{name} {number(value)}" for name, value in each.held.items()]
    lines = [", ".join(parts[start : start + 2]) for start in range(0, min(4, len(parts)), 2)]
    return "at " + "\n".join(lines) + (" …" if len(parts) > 4 else "")


def draw_importance(found: Sequence[Importance]) -> Figure:
    """Two answers side by side: from the lengthscales, and from the variance of the expected score over the space."""
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
    left.barh(y, [100 * each.reach for each in ordered], 0.6, color=BLUE)
    left.set_yticks(y, [each.name for each in ordered])
    left.set_xlabel("share of all reach, %  (reach: range in lengthscales)")
    right.barh(
        y + 0.2, [100 * each.total for each in ordered], 0.4, color=SKY, label="with interactions"
    )
    right.barh(y - 0.2, [100 * each.alone for each in ordered], 0.4, color=ORANGE, label="alone")
    right.set_xlabel("variance of the expected score that it explains, %")
    right.legend(loc="lower right", fontsize=8)
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)
    return figure
