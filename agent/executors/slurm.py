"""The executor of a Slurm cluster: a job for each trial, over a folder that all nodes share.

submitit writes the batch script and submits it. What runs on the node is ``shared_trial``. The
trial's folder tells how it goes, and Slurm is asked only for jobs that leave no outcome there:
those whose node failed, or that somebody else ended.

Slurm requeues nothing: a trial that is lost with its node is the loop's to try again.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import submitit

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.provenance import Provenance
from agent.executors.base import BAD_ARGUMENTS, LOST, Job, Outcome, read_progress
from agent.executors.processes import controller_is_gone, controller_tag
from agent.executors.shared_trial import END, JOB, OUTCOME, SILENCE_SEC, SharedJob, read_outcome
from agent.executors.slurm_cluster import MARGIN_SEC, Request, ask, states_of

SHARED_TRIAL = Path(__file__).with_name("shared_trial.py")
FOLDER = ".slurm"  # of the batch scripts and their logs, beside the trials
ALIVE = "alive"
TOUCH_EVERY_SEC = 10.0
LOOK_EVERY_SEC = 0.5  # at a trial's files; a shared file system is asked no more often
ASK_EVERY_SEC = 5.0  # Slurm for the states of jobs, all of them at once
# Chosen: a file that was written on a node is seen here within so long.
SETTLE_SEC = 10.0
STOP_SEC = 20.0  # chosen, beside the grace: a node looks at its files twice a second
SUBMIT_SEC = 120.0  # chosen: a Slurm that is being restarted is back within so long
SUBMIT_AGAIN_SEC = 5.0
OWN_MEMORY_BYTES = 512 * 1024**2  # chosen, beside the trial's: two small Pythons, and the log
STOPPED = "the controller was asked to stop"
PENDING = ("PENDING", "CONFIGURING", "REQUEUED", "UNKNOWN")
AT_WORK = ("RUNNING", "COMPLETING", "SUSPENDED", "STAGE_OUT", "SIGNALING")
# Ends of a job that are its limits', with the record's words for them. Others that no trial asked
# for (NODE_FAIL, PREEMPTED, CANCELLED by somebody) lose it.
LIMIT_STATES = {"TIMEOUT": "timeout", "OUT_OF_MEMORY": "out_of_memory"}
OWN_END = ("COMPLETED", "FAILED", "FINISHED")


class SlurmTrial:
    """The ``Handle`` of a trial in a job."""

    def __init__(self, executor: SlurmExecutor, job: Job, submitted: Any) -> None:
        """Begins to watch it.

        :param executor: that submitted it
        :param job: the trial
        :param submitted: submitit's job
        """
        self.executor = executor
        self.job = job
        self.submitted = submitted
        self.ended: float | None = None
        self._looked = 0.0
        self._progress: list[tuple[int, float]] = []
        self._progress_read = 0.0
        self._began: float | None = None  # when its log was seen first
        self._left: float | None = None  # when Slurm said first that the job has ended
        self._shown_bytes = 0

    @property
    def name(self) -> str:
        """The job as a person may ask Slurm for it."""
        return f"Slurm job {self.submitted.job_id}"

    def poll(self) -> Outcome | None:
        """Returns the outcome once it is in the folder, or will never be; ``None`` until then."""
        self.executor.touch()
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_SEC:
            return None
        self._looked = now
        self._show_new_output()
        outcome = read_outcome(self.job.folder)
        if outcome is not None:
            return self._end(self._judged(outcome))
        self._has_begun()
        return self._without_outcome(now)

    def progress(self) -> list[tuple[int, float]]:
        """Timesteps and score of every intermediate evaluation so far."""
        now = time.monotonic()
        if now - self._progress_read >= LOOK_EVERY_SEC or self.ended is not None:
            self._progress_read = now
            self._progress = read_progress(self.job.folder)
        return self._progress

    def ask_to_stop(self, cause: str) -> None:
        """Leaves the file that the trial, and its node, look for."""
        write_bytes(self.job.folder / files.STOP, f"{cause}\n".encode())

    def terminate(self) -> None:
        """Has its node end the trial, without waiting; one that has not begun never will."""
        (self.job.folder / END).touch()
        if not self._has_begun():
            self.executor.cancel(self.submitted)

    def stop(self) -> Outcome:
        """Ends the trial because the controller was asked to stop."""
        self.terminate()
        deadline = time.monotonic() + self.job.limits.grace_sec + STOP_SEC
        outcome = read_outcome(self.job.folder)
        while outcome is None and self._has_begun() and time.monotonic() < deadline:
            self.executor.touch()
            time.sleep(LOOK_EVERY_SEC / 2.0)
            outcome = read_outcome(self.job.folder)
        if outcome is None:
            self.executor.cancel(self.submitted)
            outcome = self._nothing(LOST, STOPPED)
        return self._end(replace(outcome, status="interrupted", cause=STOPPED, stopped=True))

    def _has_begun(self) -> bool:
        """True once its process was started."""
        if self._began is None and (self.job.folder / files.TRIAL_LOG).exists():
            self._began = time.monotonic()
        return self._began is not None

    def _judged(self, outcome: Outcome) -> Outcome:
        """Returns an outcome of the node's; one that nobody here asked for is a loss."""
        if not outcome.stopped:
            return outcome
        cause = f"{self.name} was ended on {outcome.provenance.host} by somebody else"
        return replace(outcome, status=LOST, stopped=False, cause=cause)

    def _without_outcome(self, now: float) -> Outcome | None:
        """Returns the outcome of a job that has left none and cannot any more."""
        state = self.executor.state(self.submitted)
        if state not in PENDING and state not in AT_WORK:
            if self._left is None:
                self._left = now
            if now - self._left > SETTLE_SEC:
                return self._end(self._gone(state))
        limit_sec = self.job.limits.timeout_sec + MARGIN_SEC + SILENCE_SEC
        if self._began is not None and now - self._began > limit_sec:
            self.executor.cancel(self.submitted)
            cause = f"nothing was heard of {self.name} for {limit_sec:.0f} s"
            return self._end(self._nothing(LOST, cause))
        return None

    def _gone(self, state: str) -> Outcome:
        """Returns the outcome of a job that Slurm has ended.

        :param state: Slurm's word for it
        """
        if state in LIMIT_STATES:
            return self._nothing(LIMIT_STATES[state], f"{self.name}: {state}")
        if state not in OWN_END:
            return self._nothing(LOST, f"{self.name}: {state}")
        said = self._last_words()
        if said is None:
            refusal = (
                f"{self.name} left nothing in {files.shown_path(self.job.folder)};"
                " give --home a folder that all nodes share"
            )
            return self._nothing(BAD_ARGUMENTS, refusal, f"slurm: error: {refusal}")
        return self._nothing("crashed", f"{self.name}: {state}: {said or 'it printed nothing'}")

    def _last_words(self) -> str | None:
        """Returns the last line of the job's own logs; ``None`` if there are none."""
        found = None
        for path in (self.submitted.paths.stdout, self.submitted.paths.stderr):
            with suppress(OSError):
                lines = path.read_text(errors="replace").strip().splitlines()
                found = lines[-1] if lines else (found or "")
        return found

    def _nothing(self, status: str, cause: str, last_line: str = "") -> Outcome:
        """Returns the outcome of a trial that told none."""
        return Outcome(
            status=status,
            exit_code=-signal.SIGKILL,
            elapsed_sec=time.monotonic() - self._began if self._began is not None else 0.0,
            last_line=last_line,
            provenance=Provenance("", {}, None, None),
            cause=cause,
        )

    def _end(self, outcome: Outcome) -> Outcome:
        self._show_new_output()
        self.ended = time.monotonic()
        self.executor.forget(self.submitted)
        for name in (JOB, OUTCOME, END):
            (self.job.folder / name).unlink(missing_ok=True)
        return outcome

    def _show_new_output(self) -> None:
        if not self.executor.verbose:
            return
        with suppress(OSError), (self.job.folder / files.TRIAL_LOG).open("rb") as log:
            log.seek(self._shown_bytes)
            data = log.read()
            self._shown_bytes += len(data)
            sys.stdout.write(data.decode(errors="replace"))
            sys.stdout.flush()


class SlurmExecutor:
    """Runs trials as jobs of Slurm, as many at once as it has slots; Slurm may let them wait.

    A slot is no node: Slurm places each job where there is room.
    """

    def __init__(
        self,
        runner: Path,
        workspace: str,
        models_dir: Path,
        request: Request,
        *,
        slots: int = 1,
        cooldown_sec: float = 0.0,
        verbose: bool = False,
        cluster: str = "slurm",
    ) -> None:
        """Starts nothing yet.

        :param runner: script of one trial, which all nodes see
        :param workspace: see ``workspace_id``
        :param models_dir: folder of the trials, which all nodes see
        :param request: what each trial asks of the cluster
        :param slots: jobs at once
        :param cooldown_sec: pause of a slot between two trials
        :param verbose: show the trials' output on the console as it comes
        :param cluster: ``slurm``, or ``local`` for submitit's processes of this machine
        """
        self.runner = runner
        self.workspace = workspace
        self.request = request
        self.slots = slots
        self.cooldown_sec = cooldown_sec
        self.verbose = verbose
        self.cluster = cluster
        self._parent = models_dir.resolve() / FOLDER
        self._folder = self._parent / uuid.uuid4().hex
        self._submitter: Any = None
        self._touched = 0.0
        self._latest: dict[int, SlurmTrial] = {}
        self._at_work: dict[str, Any] = {}
        self._states: dict[str, str] = {}
        self._asked = 0.0

    def ready_in_sec(self, slot: int) -> float:
        """Seconds that a free slot has still to cool down."""
        self.touch()
        latest = self._latest.get(slot)
        if latest is None or latest.ended is None:
            return 0.0
        return max(0.0, latest.ended + self.cooldown_sec - time.monotonic())

    def submit(self, job: Job) -> SlurmTrial:
        """Submits the job's batch script.

        :raises OSError: Slurm does not take it
        """
        for name in (files.PROGRESS, files.STOP, files.TRIAL_LOG, OUTCOME, END):  # of a first try
            (job.folder / name).unlink(missing_ok=True)
        self.touch()
        command = [sys.executable, str(self.runner), *job.config.to_argv()]
        folder = job.folder.resolve()
        SharedJob(
            command=[*command, "--save-dir", str(folder)],
            limits=job.limits,
            threads=self.request.cpus,
            workspace=self.workspace,
            alive=str(self._folder / ALIVE),
        ).write(folder)
        submitted = self._submit([sys.executable, str(SHARED_TRIAL), str(folder)])
        self._at_work[submitted.job_id] = submitted
        trial = SlurmTrial(self, job, submitted)
        self._latest[job.slot] = trial
        return trial

    def touch(self) -> None:
        """Tells the nodes that the controller lives."""
        if time.monotonic() - self._touched < TOUCH_EVERY_SEC and self._touched:
            return
        if not self._touched:
            self._folder.mkdir(parents=True)
            (self._folder / ALIVE).write_text(controller_tag(self.workspace))
        self._touched = time.monotonic()
        (self._folder / ALIVE).touch()

    def state(self, submitted: Any) -> str:
        """Returns Slurm's word for the state of a job, which may be seconds old."""
        if self.cluster == "local":
            return str(submitted.state)
        if time.monotonic() - self._asked > ASK_EVERY_SEC:
            self._asked = time.monotonic()
            self._states |= states_of(self._at_work)
        return self._states.get(submitted.job_id, "UNKNOWN")

    def cancel(self, submitted: Any) -> None:
        """Has Slurm end a job, without waiting; one that has ended already is left alone."""
        if self.cluster == "local":
            submitted.cancel(check=False)
            return
        ask(["scancel", submitted.job_id])

    def forget(self, submitted: Any) -> None:
        """Asks Slurm no more for a job."""
        self._at_work.pop(submitted.job_id, None)

    def recover(self) -> str | None:
        """Has the nodes end what controllers that are gone left running.

        One of another machine is gone once it is silent. The time of a file system is the same for
        all of its files.
        """
        self.touch()
        ended = 0
        now = (self._folder / ALIVE).stat().st_mtime
        for alive in self._parent.glob(f"*/{ALIVE}"):
            with suppress(OSError):
                silent = now - alive.stat().st_mtime > SILENCE_SEC
                if silent or controller_is_gone(alive.read_text(), self.workspace):
                    alive.unlink()
                    ended += 1
        if not ended:
            return None
        return f"jobs of a controller that is gone end now ({ended} such controllers)"

    def close(self) -> None:
        """Removes what the batch scripts needed; all trials have ended."""
        (self._folder / ALIVE).unlink(missing_ok=True)
        for folder in self._parent.glob("*"):
            if not (folder / ALIVE).exists():
                shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            self._parent.rmdir()

    def _submit(self, command: list[str]) -> Any:
        """Returns submitit's job.

        :raises OSError: Slurm has not taken it within ``SUBMIT_SEC``
        """
        deadline = time.monotonic() + SUBMIT_SEC
        while True:
            try:
                return self._submitit().submit(submitit.helpers.CommandFunction(command))
            except (submitit.core.utils.FailedJobError, subprocess.SubprocessError) as error:
                if time.monotonic() > deadline:
                    said = str(error).strip().splitlines()[-1]
                    raise OSError(f"Slurm has taken no job for {SUBMIT_SEC:g} s: {said}") from None
            self.touch()
            time.sleep(SUBMIT_AGAIN_SEC)

    def _submitit(self) -> Any:
        if self._submitter is None:
            self._submitter = submitit.AutoExecutor(folder=self._folder, cluster=self.cluster)
            self._submitter.update_parameters(
                name=f"autoresearch-{self.workspace}",
                timeout_min=self.request.minutes,
                slurm_use_srun=False,  # it hands fewer cores on than the job has
                slurm_signal_delay_s=1,
                slurm_additional_parameters=self.request.sbatch_options() | {"no-requeue": True},
            )
        return self._submitter
