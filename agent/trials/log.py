"""The human-readable log: every line goes to the console and, with its time, to a file."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.trials.terminal import Terminal


@dataclass
class TrialLog:
    """Lines for people, appended to ``path``; one that cannot be kept there ends nothing.

    ``terminal`` shows them in colour, with a bar below them; ``None`` where no person watches.
    """

    path: Path
    terminal: Terminal | None = field(default_factory=lambda: _terminal(), init=False)
    _complained: bool = field(default=False, init=False)

    def say(self, line: str) -> None:
        """Shows ``line`` at once and keeps it."""
        if self.terminal is None:
            print(line, flush=True)
        else:
            self.terminal.say(line)
        stamp = datetime.now().isoformat(sep=" ", timespec="seconds")
        try:
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{stamp} {line}\n")
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            print(
                f"log {self.path} cannot be written ({error.strerror}); lines are only shown",
                file=sys.stderr,
                flush=True,
            )


def _terminal() -> Terminal | None:
    if not sys.stdout.isatty():
        return None
    from agent.trials.terminal import Terminal  # takes 50 ms, which a log in a file does without

    return Terminal()
