"""Runs a function in a fork of this process, so that the memory that it takes is given back.

A suggestion from a thousand trials needs some fifty megabytes for a moment. A process mostly keeps
such memory: heap, arenas, the work space of the linear algebra. The controller runs for weeks and
should not grow.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

T = TypeVar("T")
LIMIT_SEC = 120.0  # chosen: a suggestion takes a fraction of a second
CHUNK = 1 << 16  # bytes, what a pipe holds
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_in_fork(work: Callable[[], T], limit_sec: float = LIMIT_SEC) -> T:
    """Returns what ``work()`` returns, or raises what it raises; nothing else changes here.

    It runs in this process where forking is not safe, on anything but Linux. It also does after a
    fork that sent nothing for ``limit_sec``. Such a fork waits for a lock that another thread held
    when it began, and that nobody releases in it.

    :param work: its result and its exceptions can be pickled
    :param limit_sec: limit of the fork's time
    :raises OSError: the fork was killed
    """
    if sys.platform != "linux":
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _send_result(work, writing)
    os.close(writing)
    message = None
    try:
        message = _read(reading, limit_sec)
    finally:
        os.close(reading)
        if message is None:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if message is None:
        return work()
    exit_code = os.waitstatus_to_exitcode(status)
    if exit_code != 0:
        raise OSError(
            f"the search's own process ended with {exit_code} (-9: the kernel, for want of memory)"
        )
    value, error = pickle.loads(message)
    if error is not None:
        raise error
    result: T = value
    return result


def _read(reading: int, limit_sec: float) -> bytes | None:
    """Reads a pipe until its other end is closed; ``None`` if that takes longer than the limit."""
    deadline = time.monotonic() + limit_sec
    chunks: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([reading], [], [], max(0.0, left))
        if not ready:
            return None
        chunk = os.read(reading, CHUNK)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _send_result(work: Callable[[], object], writing: int) -> NoReturn:
    """Sends the result through the pipe and leaves with ``os._exit``.

    So no handler that the parent registered for its own end runs here.
    """
    try:
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        _close_files_but(writing)
        result: tuple[object, Exception | None]
        try:
            result = work(), None
        except Exception as error:
            result = None, error
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(result))
        os._exit(0)
    finally:
        os._exit(1)


def _close_files_but(kept: int) -> None:
    """Closes what was inherited, except ``kept`` and the standard streams.

    The lock of the results folder and the orphan reaper's pipe must not stay open here when the
    controller is gone.
    """
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, kept):
            with suppress(OSError):
                os.close(int(name))
