"""The progress of a training run: lines for a log, a bar for a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

from agent.training.callbacks import TrainingCallback

LINES = 10  # of a whole training; chosen


class ProgressLines(TrainingCallback):
    """Prints a line for every tenth of training: for logs.

    :param timesteps: of the whole training
    """

    def __init__(self, timesteps: int) -> None:
        super().__init__()
        self.timesteps = timesteps

    def _on_training_start(self) -> None:
        self.started = time.perf_counter()
        self.first_step = self.num_timesteps
        self.reported = self.first_step * LINES // self.timesteps
        self.reward_sum = 0.0
        self.reward_count = 0

    def _on_step(self) -> bool:
        self.reward_sum += float(self.rewards.sum())
        self.reward_count += self.rewards.size
        part = self.num_timesteps * LINES // self.timesteps
        if part > self.reported:
            self.reported = part
            self._report()
        return True

    def _report(self) -> None:
        elapsed_sec = time.perf_counter() - self.started
        rate = (self.num_timesteps - self.first_step) / elapsed_sec
        left_sec = max(self.timesteps - self.num_timesteps, 0) / rate
        reward = self.reward_sum / self.reward_count
        percent = min(100, 100 * self.num_timesteps // self.timesteps)
        print(
            f"training {percent} %: {self.num_timesteps} of {self.timesteps} steps,"
            f" {rate:.0f} steps/s, ETA {left_sec:.0f} s, reward per step {reward:.4f}",
            flush=True,
        )
        self.reward_sum = 0.0
        self.reward_count = 0


class ProgressBar(TrainingCallback):
    """Shows a bar with the time left: for terminals.

    :param timesteps: of the whole training
    """

    def __init__(self, timesteps: int) -> None:
        super().__init__()
        self.timesteps = timesteps
        self.bar: Any = None

    def _on_training_start(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns)
        self.task = self.bar.add_task("training", total=self.timesteps)
        self.bar.start()

    def _on_step(self) -> bool:
        self.bar.update(self.task, completed=min(self.num_timesteps, self.timesteps))
        return True

    def _on_training_end(self) -> None:
        self.close()

    def close(self) -> None:
        """Gives the terminal back; harmless when there is nothing to give."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def progress_callback(timesteps: int) -> ProgressLines | ProgressBar:
    """A bar where a person watches, lines where a file is written."""
    return ProgressBar(timesteps) if sys.stdout.isatty() else ProgressLines(timesteps)
