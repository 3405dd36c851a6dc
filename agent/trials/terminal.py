"""A terminal on which the trials are watched: lines in colour, and a bar below them."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

# The first text that a line holds decides on its colour.
COLOURS = {
    "NEW CHAMPION": "bold green",
    "champion: ": "bold",
    "  candidate ": "dim",
    "recommended: ": "cyan",
    "warning": "yellow",
    " ok in ": "green",
    " pruned in ": "yellow",
    " interrupted in ": "yellow",
    " crashed in ": "red",
    " diverged in ": "red",
    " timeout in ": "red",
    " sim_lost in ": "red",
    " lost in ": "red",
    " out_of_memory in ": "red",
}


class Terminal:
    """Shows lines, and a bar that stays below them until it is closed.

    It is drawn again when it is told to, by no thread: the process forks.
    """

    def __init__(self) -> None:
        self.console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self.bar: Progress | None = None

    def say(self, line: str) -> None:
        """Shows a line."""
        self.console.print(Text(line, style=colour_of(line)), soft_wrap=True)

    def show(self, done: float, asked: int, text: str) -> None:
        """Draws the bar.

        :param done: trials, and what is done of the running ones
        :param asked: trials altogether
        :param text: beside the bar
        """
        if self.bar is None:
            columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
            self.bar = Progress(*columns, console=self.console, auto_refresh=False, transient=True)
            self.bar.add_task(text)
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done, total=asked, description=text)
        self.bar.refresh()

    def close(self) -> None:
        """Takes the bar away."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def colour_of(line: str) -> str:
    """Returns the colour of a line, empty for the terminal's own."""
    return next((colour for text, colour in COLOURS.items() if text in line), "")
