"""Snapshots: pictures and numbers of this moment, written only while somebody watches.

Who watches keeps the file ``watch`` in a folder young. Who is watched looks at its age now and
then, which costs nothing beside a step, and writes ``snapshot.bin`` while it is young: a line of
JSON, then the pictures that it names, one after the other.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.config import files

YOUNG_SEC = 3.0
LOOK_EVERY_SEC = 0.25  # while nobody watches
SHOW_EVERY_SEC = 0.1


class Snapshots:
    """Snapshots of one folder.

    :param folder: of both files
    """

    def __init__(self, folder: Path) -> None:
        self._watch = folder / files.WATCH
        self._snapshot = folder / files.SNAPSHOT
        self._scratch = folder / f".{files.SNAPSHOT}.{os.getpid()}"
        self._due = 0.0

    def due(self) -> bool:
        """True when a snapshot is to be written: somebody watches, and the last is a while ago."""
        now = time.monotonic()
        if now < self._due:
            return False
        watched = is_young(self._watch)
        self._due = now + (SHOW_EVERY_SEC if watched else LOOK_EVERY_SEC)
        return watched

    def write(self, pictures: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
        """Writes a snapshot, whole; where that is not possible nobody sees one.

        :param pictures: files by name, such as JPEGs
        :param facts: what JSON has
        """
        head = {
            "time": time.time(),
            "pictures": [[name, len(data)] for name, data in pictures.items()],
            **facts,
        }
        with suppress(OSError, ValueError):
            lines = [json.dumps(head, allow_nan=False).encode(), b"\n", *pictures.values()]
            self._scratch.write_bytes(b"".join(lines))
            os.replace(self._scratch, self._snapshot)

    def clear(self) -> None:
        """Removes both files: there is nothing to be seen any more."""
        for path in (self._scratch, self._snapshot, self._watch):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def is_young(watch: Path) -> bool:
    """True if somebody has touched the file a moment ago."""
    try:
        touched = os.stat(watch).st_mtime
    except OSError:
        return False
    return abs(time.time() - touched) < YOUNG_SEC
