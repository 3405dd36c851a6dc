"""Picture: scores of checkpoints and the error of imitation, as in docs/results/champion.png.

    python experiments/learning_curves.py OUT.png LABEL=DIR [LABEL=DIR ...]

DIR is a trial's folder, with ``progress.jsonl`` and ``tb/``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.errors import EXIT_BAD_ARGUMENTS, EXIT_OK
from agent.reporting.style import BLUE, DPI, GREEN, ORANGE, PURPLE, SKY, STYLE, VERMILION

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
SIZE = (11.0, 4.2)  # inches
SMOOTHED = 15  # rollouts
IMITATION_LOSS = ("train/imitation_loss", "train/lesson_loss")  # the latter of older trials


def main(argv: list[str]) -> int:
    """Draws the picture that ``argv`` asks for; returns an exit code."""
    if len(argv) < 2 or any("=" not in run for run in argv[1:]):
        print(__doc__, file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE)
        scores, losses = figure.subplots(1, 2)
        for run, colour in zip(argv[1:], COLOURS, strict=False):
            label, _, folder = run.partition("=")
            draw_scores(scores, Path(folder), colour, label)
            draw_losses(losses, Path(folder), colour, label)
        scores.set_title("Checkpoints on random roads in random looks")
        scores.set(xlabel="thousand steps", ylabel="mean reward ± its standard error")
        scores.legend()
        losses.set_title("Error that is left in imitating the expert")
        losses.set(xlabel="thousand steps", ylabel="imitation loss", ylim=(0.0, None))
        figure.savefig(argv[0], dpi=DPI)
    return EXIT_OK


def draw_scores(axes: Axes, folder: Path, colour: str, label: str) -> None:
    """Draw mean reward by steps, with a band of its standard error.

    :param axes: to draw on
    :param folder: of the trial
    :param colour: of its line
    :param label: of its line
    """
    text = (folder / files.PROGRESS).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    steps = np.array([line["timesteps"] for line in lines]) / 1e3
    mean = np.array([line["mean_reward"] for line in lines])
    error = np.array([line["std_reward"] / np.sqrt(len(line["episodes"])) for line in lines])
    axes.plot(steps, mean, "o-", color=colour, label=label)
    axes.fill_between(steps, mean - error, mean + error, color=colour, alpha=0.2)


def draw_losses(axes: Axes, folder: Path, colour: str, label: str) -> None:
    """Draw the moving average of the imitation loss by steps, if the trial imitated.

    :param axes: to draw on
    :param folder: of the trial
    :param colour: of its line
    :param label: of its line
    """
    events = EventAccumulator(str(folder / "tb"))
    events.Reload()
    for tag in IMITATION_LOSS:
        scalars = events.Scalars(tag) if tag in events.Tags()["scalars"] else []
        if len(scalars) < SMOOTHED:
            continue
        window = np.ones(SMOOTHED) / SMOOTHED
        values = np.convolve([scalar.value for scalar in scalars], window, "valid")
        steps = np.array([scalar.step for scalar in scalars]) / 1e3
        axes.plot(steps[SMOOTHED - 1 :], values, color=colour, label=label)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
