"""Picture of what was tried: a line per trial through the searched parameters to its score."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from agent.reporting.history import Trial
from agent.reporting.searched_space import active_names
from agent.reporting.style import DARK_GREY, GREY, SCORE_MAP, WIDTH, note, number
from agent.search.parameter import Choice, Parameter
from agent.search.space import Space

INACTIVE_HEIGHT = -0.13  # below every axis, which run from 0 to 1
MOST_AXES = 8  # in a row, so that their names stand beside each other
NAME_SIZE = 9  # points
LABEL_BOX = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}

Mark = tuple[float, str]  # height on an axis, and its label


class Row(NamedTuple):
    """Some parameters of a space, side by side.

    :param space: the whole
    :param parameters: those of the row
    :param norm: of the scores
    """

    space: Space
    parameters: Sequence[Parameter]
    norm: Normalize


def draw_parallel(trials: Sequence[Trial], space: Space | None) -> Figure:
    """Draws a line per trial through the searched parameters to its score, the best on top.

    Many parameters stand in several rows, each of which ends with the score.
    """
    rows = _rows(space.parameters) if space else []
    figure = Figure(figsize=(WIDTH, max(4.4, 3.6 * len(rows))))
    grid = figure.subplots(max(1, len(rows)), squeeze=False)[:, 0]
    grid[0].set_title("What was tried, and how it scored")
    if space is None:
        note(grid[0], "no parameter varies among the trials yet")
        return figure
    scores = [trial.score for trial in trials if trial.score is not None]
    norm = Normalize(min(scores, default=0.0), max(scores, default=1.0))
    for axes, row in zip(grid, rows, strict=True):
        _draw_row(axes, Row(space, row, norm), trials)
    if scores:
        colours = ScalarMappable(norm, SCORE_MAP)
        figure.colorbar(colours, ax=list(grid), label="score", pad=0.01, aspect=30 * len(rows))
    return figure


def _rows(parameters: Sequence[Parameter]) -> list[Sequence[Parameter]]:
    """Rows of nearly as many parameters each."""
    count = math.ceil(len(parameters) / MOST_AXES)
    ends = [len(parameters) * row // count for row in range(count + 1)]
    return [parameters[start:end] for start, end in itertools.pairwise(ends)]


def _draw_row(axes: Axes, row: Row, trials: Sequence[Trial]) -> None:
    _draw_lines(axes, trials, row)
    for x, parameter in enumerate(row.parameters):
        marks = _marks(parameter)
        if parameter.when is not None:
            marks.append((INACTIVE_HEIGHT, "inactive"))
        _draw_ruler(axes, x, marks)
    failed = any(trial.score is None for trial in trials)
    marks = []
    if any(trial.score is not None for trial in trials):
        marks = _score_marks(row.norm)
    if failed:
        marks.append((INACTIVE_HEIGHT, "no score"))
    _draw_ruler(axes, len(row.parameters), marks)
    conditional = any(parameter.when for parameter in row.parameters)
    _set_frame(axes, row, below=failed or conditional)


def _draw_lines(axes: Axes, trials: Sequence[Trial], row: Row) -> None:
    scored = [trial for trial in trials if trial.score is not None]
    scored.sort(key=lambda trial: trial.score or 0.0)
    failed = [trial for trial in trials if trial.score is None]
    alpha = max(0.25, min(0.9, 30 / max(1, len(trials))))
    dotted = LineCollection(
        [_line(row, trial) for trial in failed],
        colors=GREY,
        linestyles=":",
        linewidths=1,
        alpha=alpha,
    )
    coloured = LineCollection(
        [_line(row, trial) for trial in scored],
        cmap=SCORE_MAP,
        norm=row.norm,
        linewidths=1.8,
        alpha=alpha,
    )
    coloured.set_array(np.array([trial.score for trial in scored], dtype=np.float64))
    axes.add_collection(dotted)
    axes.add_collection(coloured)


def _line(row: Row, trial: Trial) -> list[tuple[float, float]]:
    """Points (x, height) where the trial's line crosses the axes."""
    active = active_names(row.space, trial.params)
    heights = []
    for parameter in row.parameters:
        height = INACTIVE_HEIGHT
        if parameter.name in active:
            height = _height(parameter, trial.params[parameter.name])
        heights.append(height)
    heights.append(_score_height(trial.score, row.norm))
    return [(float(x), height) for x, height in enumerate(heights)]


def _height(parameter: Parameter, value: object) -> float:
    code = parameter.code(value)
    if isinstance(parameter, Choice):
        return (code + 0.5) / parameter.width
    return float(parameter.to_unit(np.array([code]))[0, 0])


def _score_height(score: float | None, norm: Normalize) -> float:
    if score is None:
        return INACTIVE_HEIGHT
    low, high = _ends(norm)
    if high <= low:
        return 0.5
    return (score - low) / (high - low)


def _marks(parameter: Parameter) -> list[Mark]:
    """Every choice, or the ends and the middle of a range."""
    if isinstance(parameter, Choice):
        return [(_height(parameter, choice), number(choice)) for choice in parameter.choices]
    codes = [float(parameter.from_unit(np.array([[unit]]))[0]) for unit in (0.0, 0.5, 1.0)]
    values = dict.fromkeys(parameter.value(code) for code in codes)
    return [(_height(parameter, value), number(value, 3)) for value in values]


def _score_marks(norm: Normalize) -> list[Mark]:
    low, high = _ends(norm)
    return [(0.0, number(low, 3)), (0.5, number((low + high) / 2, 3)), (1.0, number(high, 3))]


def _ends(norm: Normalize) -> tuple[float, float]:
    return float(norm.vmin or 0.0), float(norm.vmax or 0.0)


def _draw_ruler(axes: Axes, x: int, marks: Sequence[Mark]) -> None:
    axes.plot([x, x], [0, 1], color=DARK_GREY, linewidth=1)
    for y, text in marks:
        axes.plot([x], [y], "_", color=DARK_GREY, markersize=7)
        axes.text(x + 0.04, y, text, fontsize=8, va="center", bbox=LABEL_BOX, zorder=5)


def _set_frame(axes: Axes, row: Row, below: bool) -> None:
    """Names the axes; ``below``: something lies at ``INACTIVE_HEIGHT``, so there must be room."""
    count = len(row.parameters) + 1
    names = [parameter.name for parameter in row.parameters]
    axes.set_xticks(np.arange(count), [*names, "score"], fontweight="bold", fontsize=NAME_SIZE)
    axes.set_xlim(-0.35, count - 1 + 0.35)
    bottom = 0.0
    if below:
        bottom = INACTIVE_HEIGHT
    axes.set_ylim(bottom - 0.06, 1.06)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False)
