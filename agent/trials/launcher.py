"""Running one trial in a process of its own, and saying in words what became of it.

The process leads its own session, so that its whole tree can be ended at the time limit, when the
controller is interrupted, and after it has left children behind. All output goes to ``log.txt`` in
the trial's folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent.trials.config import (
    EXIT_BAD_ARGUMENTS,
    EXIT_DIVERGED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PRUNED,
    EXIT_SIM_LOST,
)
from agent.trials.processes import MARK, kill_strays, new_mark, stop_group

LOG_NAME = "log.txt"
GRACE_SEC = 5.0
POLL_SEC = 0.2
TAIL_BYTES = 4096

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


def launch(
    command: list[str], folder: Path, *, timeout_sec: float, grace_sec: float = GRACE_SEC, verbose: bool = False
) -> Outcome:
    """Run ``command`` to its end, or to ours; nothing of it is alive afterwards.

    :param folder: where ``log.txt`` goes; it must exist
    :param timeout_sec: wall clock after which the whole group is ended
    :param grace_sec: time between SIGTERM and SIGKILL
    :param verbose: show the trial's output on the console as it appears
    """
    log_path, mark, started = folder / LOG_NAME, new_mark(), time.monotonic()
    status = cause = None
    stopped = False
    with log_path.open("wb") as log, log_path.open("rb") as shown:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {MARK: mark, "PYTHONUNBUFFERED": "1"},
        )
        try:
            if not _wait(process, started + timeout_sec, shown if verbose else None):
                status, cause = "timeout", f"killed at the limit of {timeout_sec:g} s; raise --timeout or train less"
        except KeyboardInterrupt:
            status, cause, stopped = "interrupted", "the controller was asked to stop", True
        finally:
            stop_group(process, grace_sec if process.poll() is None else 0.0)
            kill_strays(mark)
        if verbose:
            _show(shown)
    code, last_line = process.returncode, _last_line(log_path)
    if status is None:
        status = STATUS_OF_EXIT.get(code, "crashed")
        cause = None if status == "ok" else f"{_exit_in_words(code)}: {last_line or 'it printed nothing'}"
    return Outcome(status, code, time.monotonic() - started, last_line, cause, stopped)


def _wait(process: subprocess.Popen[bytes], deadline: float, shown: BinaryIO | None) -> bool:
    while True:
        left = deadline - time.monotonic()
        try:
            process.wait(max(0.0, min(POLL_SEC, left)))
            return True
        except subprocess.TimeoutExpired:
            if left <= POLL_SEC and time.monotonic() >= deadline:
                return False
        if shown is not None:
            _show(shown)


def _show(log: BinaryIO) -> None:
    sys.stdout.write(log.read().decode(errors="replace"))
    sys.stdout.flush()


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
