"""The standing of an invocation's trials, for who watches them at a terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.trials.record import Record

REFRESH_SEC = 0.5  # chosen: a bar that people watch


@dataclass
class Watch:
    """Trials done of those asked for, and the time that the others will take.

    :param asked: trials of this invocation
    """

    asked: int = 0
    _elapsed: list[float] = field(default_factory=list, init=False)
    _began: dict[int, float] = field(default_factory=dict, init=False)
    _due: float = field(default=-math.inf, init=False)

    @property
    def done(self) -> int:
        """Trials that have ended."""
        return len(self._elapsed)

    def note(self, record: Record) -> None:
        """Counts a trial that has ended."""
        self._elapsed.append(max(0.0, record.elapsed_sec))
        self._began.pop(record.trial, None)

    def due(self) -> bool:
        """True when the bar is to be drawn again: twice a second, if it is known what was asked."""
        now = time.monotonic()
        if not self.asked or now < self._due:
            return False
        self._due = now + REFRESH_SEC
        return True

    def in_words(self, running: Mapping[int, float], slots: int) -> str:
        """Returns the bar's text.

        :param running: share of its training that each running trial has done, by its number
        :param slots: trials side by side
        """
        words = [f"{self.done} of {self.asked} trials"]
        left_sec = self.left_sec(running, slots)
        if left_sec is not None:
            words.append(f"ETA {in_hours(left_sec)}")
        words += [f"trial {trial} {share:.0%}" for trial, share in running.items()]
        return ", ".join(words)

    def left_sec(self, running: Iterable[int], slots: int) -> float | None:
        """Returns the seconds that the rest takes, by the mean of those done; ``None`` before one.

        :param running: numbers of the trials at work
        :param slots: trials side by side
        """
        now = time.monotonic()
        began = {trial: self._began.setdefault(trial, now) for trial in running}
        if not self._elapsed:
            return None
        mean_sec = math.fsum(self._elapsed) / self.done
        waiting = max(0, self.asked - self.done - len(began))
        at_work = math.fsum(max(0.0, mean_sec - (now - began[trial])) for trial in began)
        return (waiting * mean_sec + at_work) / slots


def in_hours(seconds: float) -> str:
    """Returns a time as ``1:23:45`` or ``3:45``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minute:02d}:{second:02d}"
    return f"{minute}:{second:02d}"
