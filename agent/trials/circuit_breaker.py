"""The circuit breaker: the same failure again and again is no trial's fault, so it ends the study.

NaN in training does not count. It is the parameters' fault, and the search learns to avoid them.
Nor does a node that is lost. It says nothing about a trial, so failures around it stay in a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from agent.config.files import shown_path
from agent.trials.record import Record

MAX_FAILURES = 3  # chosen
FAILURES = ("crashed", "sim_lost", "out_of_memory", "timeout")


class CircuitBrokenError(Exception):
    """The same failure happened so often in a row that more trials would only repeat it."""


@dataclass
class CircuitBreaker:
    """Failures in a row that are the same but for the numbers in their cause."""

    _failures: list[str] = field(default_factory=list)

    def note(self, record: Record, log: Path) -> None:
        """Takes notice of a trial that has ended.

        :param record: the trial
        :param log: file of its output
        :raises CircuitBrokenError: it is the last of ``MAX_FAILURES`` equal failures
        """
        if record.lost:
            return
        if record.run_status not in FAILURES:
            self._failures.clear()
            return
        failure = f"{record.run_status}: {re.sub(r'[0-9]+', '#', record.cause or '')}"
        self._failures = [each for each in self._failures if each == failure] + [failure]
        if len(self._failures) >= MAX_FAILURES:
            raise CircuitBrokenError(
                f"{MAX_FAILURES} trials in a row ended the same way, {record.run_status} "
                f"({record.cause}); mend that and start again, the log is {shown_path(log)}"
            )
