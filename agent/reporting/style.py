"""How every picture looks: sizes, a palette that colour-blind readers can tell apart, numbers in words."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

# Okabe & Ito 2008, "Color Universal Design".
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, YELLOW, BLACK, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#000000", "#8A8A8A"
AGENT_COLOURS = {"ppo": BLUE, "dqn": ORANGE}
SCORE_MAP = "cividis"  # its lightness grows evenly for every kind of colour vision
WIDTH, EMPTY_HEIGHT = 11.0, 1.2  # inches
DPI = 110
NAME_CHARS = 24
SCORE = "score: mean reward of the evaluation episodes"


STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "text.parse_math": False,
}


def colour_of(agent: str) -> str:
    """The colour of an algorithm."""
    return AGENT_COLOURS.get(agent, PURPLE)


def number(value: Any, digits: int = 4) -> str:
    """A value as a reader wants it: a few significant digits, words cut short."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        text = str(value)
        return text if len(text) <= NAME_CHARS else text[: NAME_CHARS - 1] + "…"
    if isinstance(value, int) and abs(value) < 10**7:
        return str(value)
    return f"{value:.{digits}g}"


def note(axes: Axes, text: str) -> None:
    """Say in the middle of an empty picture, which is made flat, why it is empty."""
    axes.set_axis_off()
    axes.figure.set_figheight(EMPTY_HEIGHT)  # type: ignore[union-attr]
    axes.text(
        0.5,
        0.5,
        text,
        ha="center",
        va="center",
        transform=axes.transAxes,
        color=GREY,
        fontsize=12,
        wrap=True,
    )
