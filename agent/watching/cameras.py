"""Live pictures of running trials and of simulators, while a page looks at them.

A page asks for all that it shows in one request, and says which pictures it has. The answer waits
until one is newer, so a page is as quick as it can draw, and never behind. No connection is held
open for a picture: browsers have six for one host.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agent.config import files

MOST_AT_ONCE = 16  # pictures of a request
WAIT_SEC = 1.0  # for a newer one; a trial that learns or loads has none for a while
LOOK_EVERY_SEC = 0.03
TOUCH_EVERY_SEC = 1.0  # a watch is young for three
LARGEST_BYTES = 4 * 1024**2  # of a snapshot


class Wanted(NamedTuple):
    """A picture that a page wants.

    :param key: by which the page knows it
    :param folder: of its snapshots
    :param stamp: of the snapshot that the page has
    """

    key: str
    folder: Path
    stamp: str


async def newer_pictures(wanted: Sequence[Wanted]) -> bytes:
    """Snapshots that are newer than what a page has, once there is one or ``WAIT_SEC`` is over.

    :param wanted: at most ``MOST_AT_ONCE`` of them count
    :returns: a line of JSON, a list of [key, stamp, bytes]; then the snapshots
    """
    wanted = wanted[:MOST_AT_ONCE]
    for each in wanted:
        touch(each.folder)
    deadline = time.monotonic() + WAIT_SEC
    while True:
        found = [(each.key, *read) for each in wanted if (read := _newer(each)) is not None]
        if found or time.monotonic() > deadline:
            head = [[key, stamp, len(data)] for key, stamp, data in found]
            return b"".join(
                [json.dumps(head).encode(), b"\n", *(data for _, _, data in found)],
            )
        await asyncio.sleep(LOOK_EVERY_SEC)


def touch(folder: Path) -> None:
    """Tells who writes snapshots that somebody watches; where that cannot be told, nothing."""
    path = folder / files.WATCH
    with suppress(OSError):
        if abs(time.time() - path.stat().st_mtime) < TOUCH_EVERY_SEC:
            return
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            os.utime(descriptor)
        finally:
            os.close(descriptor)


def _newer(wanted: Wanted) -> tuple[str, bytes] | None:
    """Stamp and contents of a snapshot that the page does not have."""
    path = wanted.folder / files.SNAPSHOT
    try:
        status = path.stat()
        stamp = str(status.st_mtime_ns)
        if stamp == wanted.stamp or status.st_size > LARGEST_BYTES:
            return None
        return stamp, path.read_bytes()
    except OSError:
        return None
