"""The executor of this machine: a process for each trial, a reaper should the controller die."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from agent.config import files
from agent.executors.base import Job
from agent.executors.processes import OrphanReaper, TaggedProcess, kill_orphans
from agent.executors.trial_process import TrialProcess

REAPER_WAIT_SEC = 10.0


class LocalExecutor:
    """Runs trials in processes of this machine, whose cores they share.

    A slot cools down after each trial: the simulator's port must become free, and the cores with
    it.
    """

    def __init__(
        self,
        runner: Path,
        workspace: str,
        *,
        slots: int = 1,
        cooldown_sec: float = 0.0,
        verbose: bool = False,
    ) -> None:
        """Starts nothing yet.

        :param runner: script of one trial
        :param workspace: see ``workspace_id``
        :param slots: trials side by side
        :param cooldown_sec: pause of a slot between two trials
        :param verbose: show the trials' output on the console as it appears
        """
        self.runner = runner
        self.workspace = workspace
        self.slots = slots
        self.cooldown_sec = cooldown_sec
        self.verbose = verbose
        self._latest: dict[int, TrialProcess] = {}
        self._reaper: OrphanReaper | None = None

    def ready_in_sec(self, slot: int) -> float:
        """Seconds that a free slot has still to cool down."""
        if slot not in self._latest:
            return 0.0
        return max(0.0, self._latest[slot].ended + self.cooldown_sec - time.monotonic())

    def submit(self, job: Job) -> TrialProcess:
        """Starts the job's process."""
        for name in (files.PROGRESS, files.STOP):  # of a first try, whose simulator was lost
            (job.folder / name).unlink(missing_ok=True)
        self._start_reaper()
        process = TrialProcess(
            [
                sys.executable,
                str(self.runner),
                *job.config.to_argv(),
                "--save-dir",
                str(job.folder),
            ],
            job.folder,
            job.limits,
            workspace=self.workspace,
            threads=max(1, (os.cpu_count() or 1) // self.slots),
            verbose=self.verbose,
        )
        self._latest[job.slot] = process
        return process

    def start_process(self, command: list[str], log: Path) -> TaggedProcess:
        """Starts a process beside the trials, such as a simulator's server; it too ends with the
        controller.

        :param command: program and arguments
        :param log: file for all its output
        """
        self._start_reaper()
        return TaggedProcess(command, log, self.workspace, {})

    def recover(self) -> str | None:
        """Kills the processes of this workspace whose controller is gone."""
        killed = kill_orphans(self.workspace)
        if not killed:
            return None
        return f"killed {killed} stale processes of a controller that is gone"

    def close(self) -> None:
        """Ends the reaper."""
        if self._reaper is not None:
            self._reaper.close(REAPER_WAIT_SEC)
            self._reaper = None

    def _start_reaper(self) -> None:
        if self._reaper is None:
            self._reaper = OrphanReaper(self.workspace)
