"""Thinking aside: a function runs in a fork of this process, and the memory that it took ends with it.

A suggestion from a thousand trials needs some fifty megabytes for a moment, and what a process took for a moment it
mostly keeps: heap, arenas, the work space of the linear algebra. The controller lives for weeks and should not grow.
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
LIMIT_SEC = 120.0


def run_in_fork(work: Callable[[], T], limit_sec: float = LIMIT_SEC) -> T:
    """What ``work()`` returns, or what it raises; it changes nothing here.

    Where forking is not safe, on anything but Linux, it runs here, and so it does once a fork has been silent for
    ``limit_sec``: a lock that another thread held when it was forked is never released in it.

    :param work: what it returns or raises can be pickled
    :raises OSError: the fork was killed
    """
    if sys.platform != "linux":
        return work()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(work, writing)
    os.close(writing)
    answer = None
    try:
        answer = _read(reading, limit_sec)
    finally:
        os.close(reading)
        if answer is None:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if answer is None:
        return work()
    if code := os.waitstatus_to_exitcode(status):
        raise OSError(
            f"the search's own process ended with {code} (-9: the kernel, for want of memory)"
        )
    value, error = pickle.loads(answer)
    if error is not None:
        raise error
    found: T = value
    return found


def _read(reading: int, limit_sec: float) -> bytes | None:
    """All that comes through a pipe until its other end is closed; None if that takes longer."""
    deadline, answer = time.monotonic() + limit_sec, b""
    while select.select([reading], [], [], max(deadline - time.monotonic(), 0.0))[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return answer
        answer += part
    return None


def _answer(work: Callable[[], object], writing: int) -> NoReturn:
    """Answer and be gone, without a word of what this process would do at its end."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        # The results folder's lock and the guard's pipe must not outlive the controller in a fork of it.
        for name in os.listdir("/proc/self/fd"):
            if int(name) not in (0, 1, 2, writing):
                with suppress(OSError):
                    os.close(int(name))
        answer: tuple[object, Exception | None]
        try:
            answer = work(), None
        except Exception as error:
            answer = None, error
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(answer))
        os._exit(0)
    finally:
        os._exit(1)
