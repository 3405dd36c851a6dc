"""Thinking aside: a function runs in a fork of this process, and the memory that it took ends with it.

A suggestion from a thousand trials needs some fifty megabytes for a moment, and what a process took for a moment it
mostly keeps: heap, arenas, the work space of the linear algebra. The controller lives for weeks and should not grow.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """What ``work()`` returns, or what it raises; it changes nothing here.

    Where forking is not safe, on anything but Linux, it runs here.

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
    try:
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise OSError(f"the search's own process ended with {code} (-9: the kernel, for want of memory)")
    value, error = pickle.loads(answer)
    if error is not None:
        raise error
    found: T = value
    return found


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
