"""Picture: what trainings' checkpoints were worth, and how their lessons went: docs/results/champion.png.

    python experiments/learning_curves.py OUT.png LABEL=DIR [LABEL=DIR ...]

DIR is a trial's folder, with ``progress.jsonl`` and ``tb/``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agent.reporting.style import BLUE, DPI, GREEN, ORANGE, PURPLE, SKY, STYLE, VERMILION

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
SMOOTHED = 15  # rollouts


def main(argv: list[str]) -> int:
    if len(argv) < 2 or any("=" not in run for run in argv[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    with rc_context(STYLE):
        figure = Figure(figsize=(11.0, 4.2))
        scores, lessons = figure.subplots(1, 2)
        for run, colour in zip(argv[1:], COLOURS, strict=False):
            label, _, folder = run.partition("=")
            lines = [
                json.loads(line)
                for line in (Path(folder) / "progress.jsonl").read_text().splitlines()
            ]
            steps = np.array([line["timesteps"] for line in lines]) / 1e3
            mean = np.array([line["mean_reward"] for line in lines])
            error = np.array(
                [line["std_reward"] / np.sqrt(len(line["episodes"])) for line in lines]
            )
            scores.plot(steps, mean, "o-", color=colour, label=label)
            scores.fill_between(steps, mean - error, mean + error, color=colour, alpha=0.2)
            events = EventAccumulator(str(Path(folder) / "tb"))
            events.Reload()
            if "train/lesson_loss" in events.Tags()["scalars"]:
                scalars = events.Scalars("train/lesson_loss")
                values = np.convolve(
                    [scalar.value for scalar in scalars], np.ones(SMOOTHED) / SMOOTHED, "valid"
                )
                at = [scalar.step / 1e3 for scalar in scalars][SMOOTHED - 1 :]
                lessons.plot(at, values, color=colour, label=label)
        scores.set_title("Checkpoints on random roads in random looks")
        scores.set(xlabel="thousand steps", ylabel="mean reward ± its standard error")
        lessons.set_title("What is left to learn from the teacher")
        lessons.set(xlabel="thousand steps", ylabel="lesson loss", ylim=(0.0, None))
        scores.legend()
        figure.savefig(argv[0], dpi=DPI)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
