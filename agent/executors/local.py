"""Running one trial in a process of its own, and saying in words what became of it.

The process leads its own session, so that its whole tree can be ended at its limits, when the controller is
interrupted, and after it has left children behind. All output goes to ``log.txt`` in the trial's folder.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.config.trial import (
    EXIT_BAD_ARGUMENTS,
    EXIT_DIVERGED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PRUNED,
    EXIT_SIM_LOST,
    STOP_NAME,
)
from agent.executors.processes import new_tag, start, stop_tree, tree_bytes

LOG_NAME = "log.txt"
GRACE_SEC = 5.0
STOP_SEC = 30.0  # what a trial that was told to stop has for saving its model; it needs about one
POLL_SEC = 0.1
MEMORY_POLL_SEC = 1.0
TAIL_BYTES = 4096
LOG_LIMIT_BYTES = 64 * 1024**2  # a trial that floods its log is ended before it fills the disk

BAD_ARGUMENTS = "bad_arguments"
STATUS_OF_EXIT = {
    EXIT_OK: "ok",
    EXIT_BAD_ARGUMENTS: BAD_ARGUMENTS,
    EXIT_SIM_LOST: "sim_lost",
    EXIT_DIVERGED: "diverged",
    EXIT_PRUNED: "pruned",
    EXIT_INTERRUPTED: "interrupted",
    # SIGKILL that we did not send: the kernel ended the trial for its memory. 137 is a shell's name for it.
    -signal.SIGKILL: "out_of_memory",
    128 + signal.SIGKILL: "out_of_memory",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a trial's process.

    ``status`` is a record's ``run_status``, or ``bad_arguments``, which is never recorded.
    ``stopped`` tells that the controller itself was asked to stop meanwhile.
    """

    status: str
    exit_code: int
    elapsed_sec: float
    last_line: str
    cause: str | None = None
    stopped: bool = False


@dataclass(frozen=True)
class Limits:
    """What a trial may take.

    :param timeout_sec: wall clock after which its whole tree is ended
    :param memory_bytes: resident memory of the tree, ``None`` for no limit
    :param grace_sec: time between SIGTERM and SIGKILL
    """

    timeout_sec: float
    memory_bytes: int | None = None
    grace_sec: float = GRACE_SEC


class RunningTrial:
    """A trial's process from start to outcome; nothing of it is alive once there is an outcome.

    :param folder: where ``log.txt`` goes; it must exist
    :param threads: of numeric libraries
    :param verbose: show the trial's output on the console as it appears
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
        self.folder, self.limits, self.verbose = folder, limits, verbose
        self.mark = new_tag(workspace)
        self.started = self.ended = self._memory_seen = time.monotonic()
        self._shown = 0
        self._told: tuple[float, str] | None = None
        self.process = start(command, self._log_path, self.mark, OMP_NUM_THREADS=str(threads))

    @property
    def _log_path(self) -> Path:
        return self.folder / LOG_NAME

    def poll(self) -> Outcome | None:
        """The outcome, or ``None`` while the trial runs within its limits; ends it where it does not."""
        if self.verbose:
            self._show()
        if self.process.poll() is not None:
            return self._end(None, None, 0.0)
        now = time.monotonic()
        if self._told is not None and now - self._told[0] > STOP_SEC:
            return self._end(
                "pruned",
                f"{self._told[1]}; killed, it did not end by itself",
                self.limits.grace_sec,
            )
        if now - self.started > self.limits.timeout_sec:
            limit = f"killed at the limit of {self.limits.timeout_sec:g} s; raise --timeout or train less"
            return self._end("timeout", limit, self.limits.grace_sec)
        if now - self._memory_seen > MEMORY_POLL_SEC:
            self._memory_seen = now
            if cause := self._over_limit():
                return self._end("out_of_memory", cause, 0.0)
            if self._log_path.stat().st_size > LOG_LIMIT_BYTES:
                return self._end(
                    "crashed", f"killed with {LOG_LIMIT_BYTES // 1024**2} MB of output", 0.0
                )
        return None

    @property
    def told(self) -> bool:
        """Whether it was told to stop."""
        return self._told is not None

    def tell(self, cause: str) -> None:
        """Have it save its model and end as ``pruned``: it looks for this file at every step."""
        scratch = self.folder / f".{STOP_NAME}"
        scratch.write_text(cause + "\n", encoding="utf-8")
        os.replace(scratch, self.folder / STOP_NAME)
        self._told = time.monotonic(), cause

    def warn(self) -> None:
        """Ask it to end, without waiting."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGTERM)

    def stop(self) -> Outcome:
        """End the trial because the controller was asked to stop."""
        outcome = self._end(
            "interrupted", "the controller was asked to stop", self.limits.grace_sec
        )
        return Outcome(**(vars(outcome) | {"stopped": True}))

    def _over_limit(self) -> str | None:
        if self.limits.memory_bytes is None:
            return None
        used = tree_bytes(self.process.pid)
        if used <= self.limits.memory_bytes:
            return None
        used_mb, limit_mb = used // 1024**2, self.limits.memory_bytes // 1024**2
        return f"killed with {used_mb} MB resident, over its limit of {limit_mb} MB; raise --memory-limit"

    def _end(self, status: str | None, cause: str | None, grace_sec: float) -> Outcome:
        stop_tree(self.process, self.mark, grace_sec)
        self.ended = time.monotonic()
        if self.verbose:
            self._show()
        code, last_line = self.process.returncode, _last_line(self._log_path)
        if status is None:
            status = STATUS_OF_EXIT.get(code, "crashed")
            cause = (
                None
                if status == "ok"
                else f"{_exit_in_words(code)}: {last_line or 'it printed nothing'}"
            )
        return Outcome(status, code, self.ended - self.started, last_line, cause)

    def _show(self) -> None:
        with self._log_path.open("rb") as log:
            log.seek(self._shown)
            data = log.read()
        self._shown += len(data)
        sys.stdout.write(data.decode(errors="replace"))
        sys.stdout.flush()


def launch(
    command: list[str], folder: Path, limits: Limits, *, workspace: str, verbose: bool = False
) -> Outcome:
    """Run ``command`` to its end, or to ours; nothing of it is alive afterwards."""
    trial = RunningTrial(command, folder, limits, workspace=workspace, verbose=verbose)
    try:
        while (outcome := trial.poll()) is None:
            time.sleep(POLL_SEC)
        return outcome
    except KeyboardInterrupt:
        return trial.stop()


def _last_line(log_path: Path) -> str:
    with log_path.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
        lines = log.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _exit_in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
