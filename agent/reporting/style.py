"""Look of every picture: sizes, a palette for colour-blind readers too, and numbers as text."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

# Okabe & Ito 2008, "Color Universal Design".
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
BLACK = "#000000"
# Tints beside that palette, chosen.
GREY = "#8A8A8A"
DARK_GREY = "#404040"
CAPTION_GREY = "#505050"
PALE_BLUE = "#9CC9E3"

AGENT_COLOURS = {"ppo": BLUE, "dqn": ORANGE}
SCORE_MAP = "cividis"  # its lightness grows evenly for every kind of colour vision
WIDTH = 11.0  # inches
EMPTY_HEIGHT = 1.2  # inches
DPI = 110
MAX_WORD_CHARS = 24
SCORE_LABEL = "score: mean reward of the evaluation episodes"

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
    """Returns the colour of an algorithm; those without one of their own share purple."""
    return AGENT_COLOURS.get(agent, PURPLE)


def number(value: Any, digits: int = 4) -> str:
    """Returns a value as short text: few significant digits, long words cut."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _shortened(str(value))
    if isinstance(value, int) and abs(value) < 10**7:
        return str(value)
    return f"{value:.{digits}g}"


def _shortened(text: str) -> str:
    if len(text) <= MAX_WORD_CHARS:
        return text
    return text[: MAX_WORD_CHARS - 1] + "…"


def note(axes: Axes, text: str) -> None:
    """Writes into an empty picture why it is empty, and makes it flat."""
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
