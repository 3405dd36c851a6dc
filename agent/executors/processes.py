"""Processes that end for certain: a whole tree, strays that left it, and all of them when the
controller dies.

Every process that a controller starts inherits a tag in its environment: the host, the controller's
pid and start, its workspace (the folder of its models), and a part of its own. The tag makes the
killing of stale processes (FR-009) exact. It ends processes of this workspace whose controller is
gone, never another controller's or workspace's.

No process is known by the time of day at which it started: that changes for all of them when the
clock is set.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from platform import node

import psutil

TAG = "AUTORESEARCH_TRIAL"  # name of the environment variable
KILL_ROUNDS = 5  # chosen: a tree may fork while it is being killed
KILL_WAIT_SEC = 1.0
DETACHED = "--detached"  # has the reaper leave its parent
REAPER_START_SEC = 30.0  # chosen: it takes a twentieth of a second
ORPHAN_REAPER = Path(__file__).with_name("orphan_reaper.py")
# Places in Linux' /proc/PID/stat behind the command's name, which may hold spaces and brackets.
STATE = 0
START_TICKS = 19


def workspace_id(folder: Path) -> str:
    """Part of a tag that tells one folder of models from another."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]


def controller_tag(workspace: str) -> str:
    """First part of the tags of all processes that this controller starts."""
    return f"{node()}:{os.getpid()}:{_start_in_tag(os.getpid())}:{workspace}:"


class TaggedProcess:
    """A process that leads a session of its own, and all that it starts.

    Ctrl-C in the controller's terminal does not reach it: the controller ends it in order.
    """

    def __init__(
        self, command: list[str], log: Path, workspace: str, environment: dict[str, str]
    ) -> None:
        """Starts ``command``.

        :param command: program and arguments
        :param log: file for all its output, unbuffered
        :param workspace: see ``workspace_id``
        :param environment: variables beside this process's own
        """
        self.tag = controller_tag(workspace) + uuid.uuid4().hex
        own = {TAG: self.tag, "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | own | environment,
            )

    @property
    def exit_code(self) -> int | None:
        """``None`` while it runs, negative for the signal that ended it."""
        return self._process.poll()

    def is_running(self) -> bool:
        """True until it has ended."""
        return self.exit_code is None

    def resident_bytes(self) -> int:
        """Resident memory of the process and its descendants; shared pages count for each."""
        total = 0
        with suppress(psutil.Error):
            root = psutil.Process(self._process.pid)
            for process in [root, *_descendants(root.pid)]:
                with suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def terminate(self) -> None:
        """Sends SIGTERM to its process group, without waiting."""
        if self.is_running():
            self._signal_group(signal.SIGTERM)

    def stop(self, grace_sec: float) -> int:
        """Ends its group, its descendants and all that bear its tag; returns the exit code.

        :param grace_sec: time between SIGTERM and SIGKILL
        """
        descendants: list[psutil.Process] = []
        try:
            if self.is_running():
                descendants = _descendants(self._process.pid)
                self._signal_group(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(grace_sec)
        finally:
            self._signal_group(signal.SIGKILL)
            _kill(descendants)
            self._process.wait()
            kill_tagged(self.tag)
        return self._process.returncode

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class OrphanReaper:
    """A process that outlives this one and then kills all that this controller has started."""

    def __init__(self, workspace: str) -> None:
        """Starts it: once this process is gone, SIGKILL included, the kernel closes its input.

        :param workspace: see ``workspace_id``
        """
        self._process = _start_reaper(controller_tag(workspace))

    def close(self, wait_sec: float) -> int | None:
        """Has it kill what is left and end; returns its exit code, ``None`` if that takes longer.

        :param wait_sec: longest wait
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_sec)
        return self._process.returncode


class NodeReaper:
    """The same for a trial on a node; its scratch folder goes too.

    It is nobody's child: Ray ends an actor with all of the actor's children. Of these it does not
    end the children.
    """

    def __init__(self, workspace: str, scratch: Path) -> None:
        """Starts it, and waits until it is nobody's child.

        :param workspace: see ``workspace_id``
        :param scratch: the trial's folder
        :raises OSError: it could not be started
        """
        self._process = _start_reaper(controller_tag(workspace), str(scratch), DETACHED)
        if self._process.wait(REAPER_START_SEC) != 0:
            raise OSError("the node's orphan reaper did not start")

    def close(self) -> None:
        """Has it do its work and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()


def _start_reaper(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(ORPHAN_REAPER), *arguments],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def tagged_processes() -> Iterator[tuple[psutil.Process, str]]:
    """Every other process that belongs to some controller, with its tag."""
    for process in _processes():
        with suppress(psutil.Error, OSError):
            tag = process.environ().get(TAG)
            if tag and process.pid != os.getpid():
                yield process, tag


def kill_tagged(prefix: str) -> int:
    """Kills every process whose tag begins with ``prefix``; returns their number."""
    return _kill_all(lambda _, tag: tag.startswith(prefix))


def kill_orphans(workspace: str) -> int:
    """Kills the processes of this workspace whose controller is gone; returns their number."""
    return _kill_all(lambda process, tag: _is_orphan(process.pid, tag, workspace))


def controller_is_gone(tag: str, workspace: str) -> bool:
    """True of a controller of this machine and workspace that has ended.

    :param tag: see ``controller_tag``
    :param workspace: see ``workspace_id``
    """
    return _is_orphan(os.getpid(), tag, workspace)


def _kill_all(wanted: Callable[[psutil.Process, str], bool]) -> int:
    total = 0
    for _ in range(KILL_ROUNDS):
        found = [process for process, tag in tagged_processes() if wanted(process, tag)]
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


def _processes() -> Iterator[psutil.Process]:
    """Every process as it is now; ``psutil.process_iter`` may remember who had its pid before."""
    for pid in psutil.pids():
        with suppress(psutil.Error):
            yield psutil.Process(pid)


def _descendants(pid: int) -> list[psutil.Process]:
    """Children of a process and theirs, by parents alone: ``children`` compares times of day."""
    children = defaultdict(list)
    for process in _processes():
        with suppress(psutil.Error):
            children[process.ppid()].append(process)
    found = []
    parents = [pid]
    while parents:
        born = children.pop(parents.pop(), [])
        found += born
        parents += [process.pid for process in born]
    return found


def _is_orphan(pid: int, tag: str, workspace: str) -> bool:
    """Returns whether the controller of a tagged process is gone.

    :param pid: of the process
    :param tag: its tag
    :param workspace: see ``workspace_id``
    """
    parts = tag.split(":")
    if len(parts) < 4:
        return False
    host, controller, start, home = parts[:4]
    # A host sees its containers' processes under other pids, so only this host's tags are judged.
    if host != node() or home != workspace or not controller.isdecimal():
        return False
    try:
        found = _started(int(controller))
        if start.isdecimal():
            return found != int(start)
        # A time of day, by an older version or another system: it says nothing, but whoever has
        # the controller's pid and is younger than its process is somebody else.
        return found > _started(pid)
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, ValueError):
        return False


@cache
def _start_in_tag(pid: int) -> str:
    """The start of this process for its tags, the same for all; without a point if exact."""
    started = _started(pid)
    if isinstance(started, int):
        return str(started)
    return f"{started:.2f}"


def _started(pid: int) -> int | float:
    """When a process started, to be compared with others of this moment.

    On Linux in ticks since the machine's start, which identify it together with its pid. Elsewhere
    in seconds of the day, which a step of the clock may change for all.

    :raises psutil.NoSuchProcess: it is gone, or dead and only waits to be noticed
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return psutil.Process(pid).create_time()
    fields = stat.rpartition(b")")[2].split()
    if fields[STATE] in (b"Z", b"X"):
        raise psutil.ZombieProcess(pid)
    return int(fields[START_TICKS])
