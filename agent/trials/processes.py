"""Ending processes for certain: a trial's whole group, and strays that left it.

Every process of a trial inherits an environment mark that names the controller and the trial. The mark
is what makes the stale-process kill of FR-009 exact: only processes of a trial whose controller is
gone are ended, never another controller's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from platform import node

import psutil

MARK = "DONKEYCAR_TRIAL"


def new_mark() -> str:
    """A value for ``DONKEYCAR_TRIAL`` that no other trial has: host, controller's pid and start, unique id."""
    return f"{node()}:{os.getpid()}:{psutil.Process().create_time():.2f}:{uuid.uuid4().hex}"


def marked() -> Iterator[tuple[psutil.Process, str]]:
    """Every other process that belongs to some trial, with its mark."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mark = process.environ().get(MARK)
            if mark and process.pid != os.getpid():
                yield process, mark


def kill_strays(mark: str) -> int:
    """Kill what is left of the trial with this mark; returns how many processes that were."""
    return _kill([process for process, found in marked() if found == mark])


def kill_orphans() -> int:
    """Kill the processes of trials whose controller is gone; returns how many that were."""
    return _kill([process for process, found in marked() if _is_orphan(found)])


def stop_group(process: subprocess.Popen[bytes], grace_sec: float) -> None:
    """Ask the group that ``process`` leads to end, then end it: SIGTERM, ``grace_sec``, SIGKILL."""
    try:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_sec)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _is_orphan(mark: str) -> bool:
    # A container's processes are visible from its host under other pids, so only this host's marks are judged.
    host, pid, start, _ = (mark.split(":") + [""] * 4)[:4]
    if host != node() or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != start
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _kill(processes: list[psutil.Process]) -> int:
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    psutil.wait_procs(processes, timeout=5.0)
    return len(processes)
