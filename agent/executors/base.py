"""The interface of an executor: it is given a job, runs the trial somewhere, and says what became
of it.

A trial is a process of the runner with a folder of its own. What passes between the two sides is an
argument list, files in that folder, an exit code and signals, so any machine can run it. When it
has ended, its files lie in the job's folder.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from agent.config import files
from agent.config.errors import (
    EXIT_BAD_ARGUMENTS,
    EXIT_DIVERGED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PRUNED,
    EXIT_SIM_LOST,
)
from agent.config.plain import is_finite, object_in
from agent.config.provenance import Provenance
from agent.config.trial import TrialConfig

GRACE_SEC = 5.0  # chosen: saving a model takes about one

BAD_ARGUMENTS = "bad_arguments"
SIM_LOST = "sim_lost"
LOST = "lost"  # with the node that it ran on
STATUS_OF_EXIT = {
    EXIT_OK: "ok",
    EXIT_BAD_ARGUMENTS: BAD_ARGUMENTS,
    EXIT_SIM_LOST: SIM_LOST,
    EXIT_DIVERGED: "diverged",
    EXIT_PRUNED: "pruned",
    EXIT_INTERRUPTED: "interrupted",
    # SIGKILL that no executor sent: the kernel ended the trial for its memory. 137 is a
    # shell's name for it.
    -signal.SIGKILL: "out_of_memory",
    128 + signal.SIGKILL: "out_of_memory",
}


class Limits(NamedTuple):
    """Limits at which an executor ends a trial.

    :param timeout_sec: wall clock
    :param memory_bytes: resident memory of its processes together, ``None`` for no limit
    :param grace_sec: time between SIGTERM and SIGKILL
    """

    timeout_sec: float
    memory_bytes: int | None = None
    grace_sec: float = GRACE_SEC


class Job(NamedTuple):
    """A trial to run.

    :param config: parameters of the trial
    :param folder: where its files are to lie, on the controller's machine; it exists
    :param limits: limits at which it is ended
    :param slot: slot of the executor that runs it, from 0
    """

    config: TrialConfig
    folder: Path
    limits: Limits
    slot: int = 0


@dataclass(frozen=True)
class Outcome:
    """End of a trial's process, in words and numbers.

    :param status: a record's ``run_status``, or ``bad_arguments``, which is never recorded;
        ``lost`` if the node was lost that it ran on
    :param exit_code: of the process, negative for the signal that ended it
    :param elapsed_sec: wall clock of the process
    :param last_line: of its output
    :param provenance: machine and code that it ran on
    :param cause: why it is not ``ok``, in words
    :param stopped: True if the executor was asked to stop it
    """

    status: str
    exit_code: int
    elapsed_sec: float
    last_line: str
    provenance: Provenance
    cause: str | None = None
    stopped: bool = False


class Handle(Protocol):
    """A trial that was submitted."""

    def poll(self) -> Outcome | None:
        """Returns the outcome once the trial has ended, ``None`` until then; ends it at its limits.

        Nothing of the trial is alive once there is an outcome, as far as its node still answers.
        """

    def progress(self) -> list[tuple[int, float]]:
        """Timesteps and score of every intermediate evaluation so far."""

    def ask_to_stop(self, cause: str) -> None:
        """Has the trial save its model and end as ``pruned``, for a reason in words."""

    def terminate(self) -> None:
        """Sends SIGTERM without waiting, so that trials which are stopped together end together."""

    def stop(self) -> Outcome:
        """Ends the trial because the controller was asked to stop: SIGTERM, grace, SIGKILL."""


class StartedProcess(Protocol):
    """A process that was started beside the trials."""

    def is_running(self) -> bool:
        """True until it has ended."""

    def stop(self, grace_sec: float) -> object:
        """Ends it: SIGTERM, ``grace_sec``, SIGKILL."""


@runtime_checkable
class StartsProcesses(Protocol):
    """An executor whose trials reach what it starts beside them, such as a simulator's server."""

    def start_process(self, command: list[str], log: Path) -> StartedProcess:
        """Starts a process that ends with the controller at the latest.

        :param command: program and arguments
        :param log: file for all its output
        """


class Executor(Protocol):
    """A place where trials run."""

    @property
    def slots(self) -> int:
        """Trials that run side by side."""

    def ready_in_sec(self, slot: int) -> float:
        """Seconds until a free slot may take a job, 0 for at once."""

    def submit(self, job: Job) -> Handle:
        """Starts the job in its slot, which is free."""

    def recover(self) -> str | None:
        """Ends what a controller that is gone left running; returns what that was, in words.

        So does what it found of its nodes, if it has some. It is asked before every start.

        :raises OSError: there is no place left where a trial could run
        """

    def close(self) -> None:
        """Gives up what the executor holds. All trials have ended."""


def read_progress(folder: Path) -> list[tuple[int, float]]:
    """Timesteps and score of every evaluation in a trial's folder, but for unreadable lines."""
    try:
        text = (folder / files.PROGRESS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    evaluations = []
    for line in text.splitlines():
        with suppress(ValueError):
            evaluation = object_in(line, nan_as_none=True)
            timesteps = evaluation.get("timesteps")
            score = evaluation.get("mean_reward")
            if is_finite(timesteps) and is_finite(score):
                evaluations.append((int(timesteps), float(score)))
    return evaluations
