"""The ledger: an append-only file of records, one JSON object per line.

An append takes a lock, looks at the tail, and writes one line on a descriptor opened for appending, followed by
``fsync``. A process that died half-way through a line leaves a torn tail: the next append ends it if the record in
it is whole, and otherwise moves it to ``*.torn`` beside the ledger. No complete line is ever changed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from agent.config.trial import UserError
from agent.trials.record import Record

SWEEP_LEDGER = "clean_sweep_results.jsonl"
SEARCH_LEDGER = "autoresearch_results.jsonl"
EXCERPT_CHARS = 60
LOCK_TIMEOUT_SEC = 30.0
TAIL_LIMIT_BYTES = 16 * 1024**2


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
                self._mend_tail(descriptor)
                size = os.fstat(descriptor).st_size
                try:
                    _write_whole(descriptor, line)
                except OSError:
                    os.ftruncate(descriptor, size)  # a full disk leaves no torn line
                    raise
            finally:
                os.close(descriptor)

    def _mend_tail(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 1, size - 1) == b"\n":
            return
        torn = os.pread(
            descriptor, min(size, TAIL_LIMIT_BYTES), max(0, size - TAIL_LIMIT_BYTES)
        ).rpartition(b"\n")[2]
        try:
            Record.from_line(torn.decode())
        except ValueError:
            aside = os.open(f"{self.path}.torn", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                _write_whole(aside, torn + b"\n")
            finally:
                os.close(aside)
            os.ftruncate(descriptor, size - len(torn))
        else:
            _write_whole(descriptor, b"\n")

    def load(self) -> list[Record]:
        """``read``, all at once."""
        return list(self.read())

    def read(self) -> Iterator[Record]:
        """Every readable record, oldest first and one at a time; an absent file has none.

        An unreadable line is reported in one line on stderr, skipped, and left as it is on disk.

        :raises UserError: the file itself cannot be read
        """
        try:
            with self.path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if record := self._record(number, line.decode(errors="replace").strip("\r\n")):
                        yield record
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(
                f"cannot read the ledger {self.path}: {error.strerror}; mend it or move it away"
            ) from None

    def _record(self, number: int, line: str) -> Record | None:
        if not line.strip():
            return None
        try:
            return Record.from_line(line)
        except ValueError as error:
            self._warn(number, line, error)
            return None

    def _warn(self, number: int, line: str, error: ValueError) -> None:
        excerpt = line if len(line) <= EXCERPT_CHARS else line[:EXCERPT_CHARS] + "..."
        print(
            f"warning: {self.path}:{number}: no record in {excerpt!r} ({error}); "
            "skipped and left on disk, mend or delete that line",
            file=sys.stderr,
            flush=True,
        )


def _write_whole(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(28, f"only {written} of {len(data)} bytes fit on the disk; free some space")
    os.fsync(descriptor)
