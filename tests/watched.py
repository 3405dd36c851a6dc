"""Somebody who watches a folder: touches ``watch`` and keeps the snapshots that appear."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.config import files

Seen = tuple[dict[str, Any], dict[str, bytes]]


def read_snapshot(data: bytes) -> Seen:
    """Facts and pictures of a snapshot."""
    line, _, rest = data.partition(b"\n")
    facts = json.loads(line)
    pictures = {}
    for name, size in facts["pictures"]:
        pictures[name] = rest[:size]
        rest = rest[size:]
    assert rest == b""
    return facts, pictures


def picture_in(data: bytes) -> NDArray[np.uint8]:
    """The picture of a JPEG file, (rows, columns, 3) blue first."""
    picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, dtype=np.uint8)


@contextmanager
def watching(folder: Path) -> Iterator[list[Seen]]:
    """Watches a folder, and gives what was seen."""
    folder.mkdir(parents=True, exist_ok=True)
    seen: list[Seen] = []
    over = threading.Event()

    def watch() -> None:
        last = b""
        while not over.wait(0.005):
            (folder / files.WATCH).touch()
            try:
                data = (folder / files.SNAPSHOT).read_bytes()
            except FileNotFoundError:
                continue
            if data != last:
                seen.append(read_snapshot(data))
                last = data

    (folder / files.WATCH).touch()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
        (folder / files.WATCH).unlink(missing_ok=True)
