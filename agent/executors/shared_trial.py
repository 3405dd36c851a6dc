"""One trial on a node that sees the controller's files: run, watched and ended there.

    python shared_trial.py FOLDER

Slurm, or whoever starts it, need not know what a trial is. The trial's folder holds all that
passes: ``job.json`` says what to run, ``outcome.json`` what became of it. The trial is ended at its
limits, with its whole tree, when this process is told to (SIGTERM, or ``end.txt``), and when the
controller is gone: that touches the file ``alive`` again and again, and removes it when it closes.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.errors import EXIT_INTERRUPTED
from agent.config.plain import read_object
from agent.config.provenance import Provenance
from agent.executors.base import Limits, Outcome
from agent.executors.processes import OrphanReaper
from agent.executors.trial_process import TrialProcess

JOB = "job.json"
OUTCOME = "outcome.json"
END = "end.txt"
POLL_SEC = 0.1
LOOK_EVERY_SEC = 0.5  # at the shared folder
# Chosen: a controller that is suspended or computes for so long is taken for gone.
SILENCE_SEC = 180.0
REAPER_WAIT_SEC = 10.0
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class SharedJob:
    """Work of a node.

    :param command: program and arguments
    :param limits: limits at which it is ended
    :param threads: of numeric libraries
    :param workspace: see ``workspace_id``
    :param alive: file that the controller touches
    """

    command: list[str]
    limits: Limits
    threads: int
    workspace: str
    alive: str

    def write(self, folder: Path) -> None:
        """Leaves it in the trial's folder."""
        document = asdict(self) | {"limits": self.limits._asdict()}
        write_bytes(folder / JOB, f"{json.dumps(document)}\n".encode())

    @classmethod
    def read(cls, folder: Path) -> SharedJob:
        """Reads it in the trial's folder.

        :raises OSError: there is none
        """
        document = read_object(folder / JOB)
        return cls(**{**document, "limits": Limits(**document["limits"])})


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Leaves the outcome in the trial's folder, whole or not at all."""
    write_bytes(folder / OUTCOME, f"{json.dumps(asdict(outcome))}\n".encode())


def read_outcome(folder: Path) -> Outcome | None:
    """Returns the outcome in a trial's folder; ``None`` while there is none."""
    try:
        document: dict[str, Any] = read_object(folder / OUTCOME)
    except (OSError, ValueError):
        return None
    return Outcome(**{**document, "provenance": Provenance(**document["provenance"])})


class Pulse:
    """Tells whether the controller lives, by a file that it touches.

    The clocks of two machines differ, so only changes count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: float | None = None
        self._changed = time.monotonic()

    def is_gone(self) -> bool:
        """True once the file is, or has not changed for ``SILENCE_SEC``."""
        try:
            touched = self._path.stat().st_mtime
        except FileNotFoundError:
            return True
        except OSError:  # a file system that hiccups says nothing
            touched = self._seen or 0.0
        if touched != self._seen:
            self._seen = touched
            self._changed = time.monotonic()
        return time.monotonic() - self._changed > SILENCE_SEC


def run(folder: Path) -> Outcome:
    """Runs the trial in ``folder`` to its end and returns what became of it."""
    told: list[int] = []
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, _: told.append(number))
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # with which submitit announces a time limit
    job = SharedJob.read(folder)
    pulse = Pulse(Path(job.alive))
    reaper = OrphanReaper(job.workspace)
    process = TrialProcess(
        job.command, folder, job.limits, workspace=job.workspace, threads=job.threads
    )
    looked = 0.0
    asked = False
    try:
        while True:
            outcome = process.poll()
            if outcome is not None:
                return _with_what_was_told(outcome, told)
            if told:
                return process.stop()
            if time.monotonic() - looked >= LOOK_EVERY_SEC:
                looked = time.monotonic()
                if (folder / END).exists() or pulse.is_gone():
                    return process.stop()
                if not asked and (folder / files.STOP).exists():
                    asked = True
                    process.ask_to_stop((folder / files.STOP).read_text().strip())
            time.sleep(POLL_SEC)
    finally:
        reaper.close(REAPER_WAIT_SEC)


def _with_what_was_told(outcome: Outcome, told: list[int]) -> Outcome:
    """Returns an outcome, as stopped where whoever ends this process ended the trial's with it.

    :param outcome: of the trial's process
    :param told: signals that have come
    """
    if outcome.exit_code not in (-signal.SIGTERM, EXIT_INTERRUPTED):
        return outcome
    time.sleep(2.0 * POLL_SEC)  # a signal to both may reach the trial first
    return replace(outcome, status="interrupted", stopped=True) if told else outcome


def main(folder: Path) -> int:
    """Runs the trial in ``folder``; returns 0, for whoever started this knows no trials."""
    write_outcome(run(folder), folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
