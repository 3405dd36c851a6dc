"""The ledger: an append-only file of records, one JSON object per line.

An append takes a lock, looks at the tail, and writes one line on a descriptor opened for appending,
followed by ``fsync``. A process that died in the middle of a line leaves a torn tail. The next
append ends that line if the record in it is whole, and otherwise moves it to ``*.torn`` beside the
ledger. No complete line is ever changed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from filelock import FileLock

from agent.config.errors import UserError
from agent.trials.record import Record

EXCERPT_CHARS = 60
LOCK_TIMEOUT_SEC = 30.0
LINE_LIMIT_BYTES = 16 * 1024**2  # chosen: a record of 10,000 episodes has a tenth of that


@dataclass(frozen=True)
class Ledger:
    """Records in ``path``, shared safely between processes of one machine."""

    path: Path

    def append(self, record: Record) -> None:
        """Adds a line and waits until the disk has it.

        :raises ValueError: the record holds NaN or infinity
        :raises OSError: the disk took no more
        """
        line = record.to_line().encode() + b"\n"
        lock = FileLock(str(self.path) + ".lock", timeout=LOCK_TIMEOUT_SEC)
        with lock, _opened(self.path, os.O_RDWR) as descriptor:
            self._mend_tail(descriptor)
            size = os.fstat(descriptor).st_size
            try:
                _write_whole(descriptor, line)
            except OSError:
                os.ftruncate(descriptor, size)  # a full disk leaves no torn line
                raise

    def load(self) -> list[Record]:
        """``read``, all at once."""
        return list(self.read())

    def read(self) -> Iterator[Record]:
        """Gives every readable record, oldest first and one at a time; an absent file has none.

        An unreadable line is reported in one line on stderr, skipped, and left as it is on disk.

        :raises UserError: the file itself cannot be read
        """
        try:
            with self.path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    text = line.decode(errors="replace").strip("\r\n")
                    record = self._read_line(number, text)
                    if record is not None:
                        yield record
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(
                f"cannot read the ledger {self.path}: {error.strerror}; mend it or move it away"
            ) from None

    def identity(self) -> str | None:
        """Returns a digest of the first line, by which a ledger is known; ``None`` without one.

        A ledger that was deleted and begun anew is another.
        """
        try:
            with self.path.open("rb") as lines:
                first = lines.readline()
        except OSError:
            return None
        return hashlib.sha256(first).hexdigest()[:16] if first else None

    def _mend_tail(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
            return
        with mmap(descriptor, 0, access=ACCESS_READ) as whole:
            torn = whole[whole.rfind(b"\n") + 1 :]
        if _is_record(torn):
            _write_whole(descriptor, b"\n")
            return
        with _opened(Path(f"{self.path}.torn"), os.O_WRONLY) as kept:
            _write_whole(kept, torn + b"\n")
        os.ftruncate(descriptor, size - len(torn))

    def _read_line(self, number: int, line: str) -> Record | None:
        if not line.strip():
            return None
        try:
            if len(line) > LINE_LIMIT_BYTES:
                raise ValueError(f"{len(line)} characters are too many")
            return Record.from_line(line)
        except ValueError as error:
            self._warn(number, line, error)
            return None

    def _warn(self, number: int, line: str, error: ValueError) -> None:
        excerpt = line
        if len(line) > EXCERPT_CHARS:
            excerpt = line[:EXCERPT_CHARS] + "..."
        print(
            f"warning: {self.path}:{number}: no record in {excerpt!r} ({error}); "
            "skipped and left on disk, mend or delete that line",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def _opened(path: Path, access: int) -> Iterator[int]:
    """Gives a descriptor that appends to the file, which is made when absent.

    :param access: ``os.O_RDWR`` or ``os.O_WRONLY``
    """
    descriptor = os.open(path, access | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_record(line: bytes) -> bool:
    try:
        Record.from_line(line.decode())
    except ValueError:
        return False
    return True


def _write_whole(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(
            errno.ENOSPC,
            f"only {written} of {len(data)} bytes fit on the disk; free some space",
        )
    os.fsync(descriptor)
