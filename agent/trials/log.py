"""The human-readable log: every line goes to the console and, with its time, to a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class TrialLog:
    """Lines for people, appended to ``path``."""

    path: Path

    def say(self, line: str) -> None:
        """Shows ``line`` at once and keeps it."""
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().isoformat(sep=' ', timespec='seconds')} {line}\n")
