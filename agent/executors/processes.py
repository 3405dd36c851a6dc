"""Ending processes for certain: a trial's whole tree, strays that left it, and everything when the controller dies.

Every process that a controller starts inherits a mark in its environment: host, the controller's pid and start, its
workspace (the folder of its models) and the trial. The mark makes the stale-process kill of FR-009 exact: only
processes of this workspace whose controller is gone are ended, never another controller's or another workspace's.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from platform import node

import psutil

MARK = "DONKEYCAR_TRIAL"
SWEEPS = 5  # a tree that forks while it is being killed is looked at again
KILL_WAIT_SEC = 1.0
GUARD = Path(__file__).with_name("orphan_reaper.py")


def workspace_id(folder: Path) -> str:
    """What tells one folder of models from another in a mark."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]


def controller_tag(workspace: str) -> str:
    """What the marks of all processes of this controller begin with."""
    return f"{node()}:{os.getpid()}:{psutil.Process().create_time():.2f}:{workspace}:"


def new_tag(workspace: str) -> str:
    """A mark that no other trial has."""
    return controller_tag(workspace) + uuid.uuid4().hex


def start(command: list[str], log: Path, mark: str, **environment: str) -> subprocess.Popen[bytes]:
    """A process that leads a session of its own, bears ``mark`` and writes all it says into ``log``, unbuffered.

    Ctrl-C in the controller's terminal does not reach it: the controller ends it in order.
    """
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {MARK: mark, "PYTHONUNBUFFERED": "1"} | environment,
        )


def marked() -> Iterator[tuple[psutil.Process, str]]:
    """Every other process that belongs to some controller, with its mark."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mark = process.environ().get(MARK)
            if mark and process.pid != os.getpid():
                yield process, mark


def kill_tagged(prefix: str) -> int:
    """Kill every process whose mark begins so; returns how many that were."""
    return _kill_all(lambda mark: mark.startswith(prefix))


def kill_orphans(workspace: str) -> int:
    """Kill the processes of this workspace whose controller is gone; returns how many that were."""
    return _kill_all(lambda mark: _is_orphan(mark, workspace))


def tree_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants, bytes; shared pages count for each."""
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def stop_tree(process: subprocess.Popen[bytes], mark: str, grace_sec: float) -> None:
    """End ``process``, its group, its descendants and every bearer of ``mark``: SIGTERM, ``grace_sec``, SIGKILL."""
    descendants: list[psutil.Process] = []
    with suppress(psutil.Error):
        descendants = psutil.Process(process.pid).children(recursive=True)
    try:
        if process.poll() is None:
            _signal_group(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace_sec)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        _kill(descendants)
        process.wait()
        kill_tagged(mark)


def start_orphan_reaper(workspace: str) -> subprocess.Popen[bytes]:
    """A process that outlives this one and kills all that bears its mark; closing its stdin is its sign.

    The kernel closes it even when this process is killed with SIGKILL.
    """
    return subprocess.Popen(
        [sys.executable, str(GUARD), controller_tag(workspace)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _kill_all(wanted: Callable[[str], bool]) -> int:
    total = 0
    for _ in range(SWEEPS):
        found = [process for process, mark in marked() if wanted(mark)]
        if not found:
            break
        total += len(found)
        _kill(found)
    return total


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    psutil.wait_procs(processes, timeout=KILL_WAIT_SEC)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _is_orphan(mark: str, workspace: str) -> bool:
    # A container's processes are visible from its host under other pids, so only this host's marks are judged.
    host, pid, start, home = (mark.split(":") + [""] * 4)[:4]
    if host != node() or home != workspace or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != start
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
