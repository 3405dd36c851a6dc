"""A trial in a process of this machine, watched from its start to its outcome."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.provenance import Provenance
from agent.executors.base import STATUS_OF_EXIT, Limits, Outcome, read_progress
from agent.executors.processes import TaggedProcess

STOP_SEC = 30.0  # chosen, to save a model once asked to stop; that takes about one
MEMORY_POLL_SEC = 1.0
TAIL_BYTES = 4096
LOG_LIMIT_BYTES = 64 * 1024**2  # chosen: a flood of output ends before it fills the disk
MIB = 1024**2


@dataclass(frozen=True)
class BrokenLimit:
    """A limit that a trial is over; it is ended with ``grace_sec`` between SIGTERM and SIGKILL."""

    status: str
    cause: str
    grace_sec: float = 0.0


class TrialProcess:
    """The ``Handle`` of a trial in a process of its own; all its output goes to ``log.txt``.

    The process leads a session of its own. So its whole tree can be ended at its limits, when the
    controller is interrupted, and after it has left children behind.
    """

    def __init__(
        self,
        command: list[str],
        folder: Path,
        limits: Limits,
        *,
        workspace: str,
        threads: int = 1,
        verbose: bool = False,
    ) -> None:
        """Starts the process.

        :param command: program and arguments
        :param folder: the trial's, which exists
        :param limits: limits at which it is ended
        :param workspace: see ``workspace_id``
        :param threads: of numeric libraries
        :param verbose: show its output on the console as it appears
        """
        self.folder = folder
        self.limits = limits
        self.verbose = verbose
        self.started = time.monotonic()
        self.ended = self.started
        self._memory_looked_at = self.started
        self._shown_bytes = 0
        self._asked_to_stop_at: float | None = None
        self._stop_cause = ""
        environment = {"OMP_NUM_THREADS": str(threads)}
        self._process = TaggedProcess(command, self._log_path, workspace, environment)

    @property
    def _log_path(self) -> Path:
        return self.folder / files.TRIAL_LOG

    def poll(self) -> Outcome | None:
        """Returns the outcome, or ``None`` while the trial runs within its limits."""
        self._show_new_output()
        if not self._process.is_running():
            return self._end()
        broken = self._broken_limit(time.monotonic())
        return self._end(broken) if broken else None

    def progress(self) -> list[tuple[int, float]]:
        """Timesteps and score of every intermediate evaluation so far."""
        return read_progress(self.folder)

    def ask_to_stop(self, cause: str) -> None:
        """Leaves a file that the trial looks for at every step."""
        write_bytes(self.folder / files.STOP, f"{cause}\n".encode())
        self._asked_to_stop_at = time.monotonic()
        self._stop_cause = cause

    def terminate(self) -> None:
        """Sends SIGTERM without waiting."""
        self._process.terminate()

    def stop(self) -> Outcome:
        """Ends the trial because the controller was asked to stop."""
        cause = "the controller was asked to stop"
        outcome = self._end(BrokenLimit("interrupted", cause, self.limits.grace_sec))
        return replace(outcome, stopped=True)

    def _broken_limit(self, now: float) -> BrokenLimit | None:
        grace_sec = self.limits.grace_sec
        if self._asked_to_stop_at is not None and now - self._asked_to_stop_at > STOP_SEC:
            cause = f"{self._stop_cause}; killed, it did not end by itself"
            return BrokenLimit("pruned", cause, grace_sec)
        limit_sec = self.limits.timeout_sec
        if now - self.started > limit_sec:
            cause = f"killed at the limit of {limit_sec:g} s; raise --timeout or train less"
            return BrokenLimit("timeout", cause, grace_sec)
        if now - self._memory_looked_at <= MEMORY_POLL_SEC:
            return None
        self._memory_looked_at = now
        return self._broken_memory_limit() or self._broken_log_limit()

    def _broken_memory_limit(self) -> BrokenLimit | None:
        limit_bytes = self.limits.memory_bytes
        if limit_bytes is None:
            return None
        used_bytes = self._process.resident_bytes()
        if used_bytes <= limit_bytes:
            return None
        cause = (
            f"killed with {used_bytes // MIB} MB resident, "
            f"over its limit of {limit_bytes // MIB} MB; raise --memory-limit"
        )
        return BrokenLimit("out_of_memory", cause)

    def _broken_log_limit(self) -> BrokenLimit | None:
        if _size(self._log_path) <= LOG_LIMIT_BYTES:
            return None
        return BrokenLimit("crashed", f"killed with {LOG_LIMIT_BYTES // MIB} MB of output")

    def _end(self, broken: BrokenLimit | None = None) -> Outcome:
        """Makes sure that nothing of the trial is alive.

        :param broken: why it is ended; ``None`` when it has ended by itself
        """
        exit_code = self._process.stop(broken.grace_sec if broken else 0.0)
        self.ended = time.monotonic()
        self._show_new_output()
        last_line = _last_line(self._log_path)
        if broken is not None:
            status = broken.status
            cause: str | None = broken.cause
        else:
            status = STATUS_OF_EXIT.get(exit_code, "crashed")
            cause = f"{_exit_in_words(exit_code)}: {last_line or 'it printed nothing'}"
        return Outcome(
            status=status,
            exit_code=exit_code,
            elapsed_sec=self.ended - self.started,
            last_line=last_line,
            provenance=Provenance.here(),
            cause=None if status == "ok" else cause,
        )

    def _show_new_output(self) -> None:
        if not self.verbose:
            return
        data = _read_from(self._log_path, self._shown_bytes)
        self._shown_bytes += len(data)
        sys.stdout.write(data.decode(errors="replace"))
        sys.stdout.flush()


def _size(log_path: Path) -> int:
    """Returns the size of a log in bytes, 0 of one that somebody has removed."""
    try:
        return log_path.stat().st_size
    except OSError:
        return 0


def _read_from(log_path: Path, start: int) -> bytes:
    """Returns what a log holds from byte ``start`` on, nothing of one that somebody has removed."""
    try:
        with log_path.open("rb") as log:
            log.seek(start)
            return log.read()
    except OSError:
        return b""


def _last_line(log_path: Path) -> str:
    tail = _read_from(log_path, max(0, _size(log_path) - TAIL_BYTES))
    lines = tail.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _exit_in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
