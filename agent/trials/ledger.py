"""The ledger: an append-only file of records, one JSON object per line.

A record is one ``write`` on a descriptor opened for appending, under a lock, followed by ``fsync``. A
process that died half-way through a line leaves a torn tail; the next append starts on a line of its
own, so the tear costs that one line and never its successor.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from agent.trials.config import UserError
from agent.trials.record import Record

SWEEP_LEDGER = "clean_sweep_results.jsonl"
SEARCH_LEDGER = "autoresearch_results.jsonl"
EXCERPT_CHARS = 60
LOCK_TIMEOUT_SEC = 30.0


@dataclass(frozen=True)
class Ledger:
    """Records in ``path``, shared safely between processes of one machine."""

    path: Path

    def append(self, record: Record) -> None:
        """Add a line and see it safely on disk.

        :raises ValueError: the record holds NaN or infinity
        :raises OSError: the disk took no more
        """
        line = record.to_line().encode() + b"\n"
        with FileLock(str(self.path) + ".lock", timeout=LOCK_TIMEOUT_SEC):
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                data = b"\n" + line if _is_torn(descriptor) else line
                written = os.write(descriptor, data)
                if written != len(data):
                    raise OSError(f"only {written} of {len(data)} bytes fit into {self.path}; free some disk space")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def load(self) -> list[Record]:
        """Every readable record, oldest first; an absent file has none.

        An unreadable line is reported in one line on stderr, skipped, and left as it is on disk.

        :raises UserError: the file itself cannot be read
        """
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"cannot read the ledger {self.path}: {error.strerror}; mend it or move it away") from None
        records = []
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                records.append(Record.from_line(line))
            except ValueError as error:
                self._warn(number, line, error)
        return records

    def _warn(self, number: int, line: str, error: ValueError) -> None:
        excerpt = line if len(line) <= EXCERPT_CHARS else line[:EXCERPT_CHARS] + "..."
        print(
            f"warning: {self.path}:{number}: no record in {excerpt!r} ({error}); "
            "skipped and left on disk, mend or delete that line",
            file=sys.stderr,
            flush=True,
        )


def _is_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
