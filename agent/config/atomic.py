"""Files that are whole or absent, whenever the process that writes them dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a scratch file beside ``path`` to write to; once that is on disk, it becomes ``path``.

    The scratch file has the ending of ``path``. An error in the block leaves ``path`` as it was.
    """
    scratch = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield scratch
        sync(scratch)
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes ``data`` to ``path``, whole or not at all."""
    with replacing(path) as scratch:
        scratch.write_bytes(data)


def sync(path: Path) -> None:
    """Waits until the disk has all of the file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
