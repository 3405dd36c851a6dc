"""The loop that the controller and the grid sweep share: launch, record, crown, log, cool down."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.config.trial import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PRUNED,
    EXIT_SIM_LOST,
    STOP_NAME,
    TrialConfig,
    UserError,
    parse_memory,
)
from agent.executors.local import BAD_ARGUMENTS, LOG_NAME, Limits, Outcome, RunningTrial
from agent.executors.processes import kill_orphans, workspace_id
from agent.study.champion_selection import champion_replicates
from agent.trials import champion
from agent.trials.assemble import chosen_score, make_record, read_result
from agent.trials.folders import Folders, Launch, check_disk
from agent.trials.ledger import Ledger
from agent.trials.log import TrialLog
from agent.trials.progress import PROGRESS_NAME, Rung, read_rungs
from agent.trials.record import Record, is_finite, shown_path
from agent.trials.task import of_task
from agent.worlds.donkey.servers import Place

POLL_SEC = 0.05
BREAKER_FAILURES = 3
FAILURES = ("crashed", "sim_lost", "out_of_memory", "timeout")
SIM_RETRY_SEC = 5.0  # a lost simulator gets this long to come back before the one retry

NextLaunch = Callable[[list[Record], list[TrialConfig]], Launch | None]
Prune = Callable[[Launch, tuple[Rung, ...], list[Record]], str | None]


class CircuitBrokenError(Exception):
    """The same failure happened so often in a row that more trials would only repeat it."""


@dataclass
class Running:
    """A launch in a slot: its process, or the time of its second chance."""

    launch: Launch
    slot: int
    process: RunningTrial | None = None
    again_at: float | None = None
    rungs: tuple[Rung, ...] = ()


@dataclass
class TrialLoop:
    """Runs trials, ``workers`` of them side by side, and remembers what became of each.

    :param runner: the script of one trial
    :param min_free_bytes: no trial starts with less free disk
    :param keep_models: see ``Folders.thin``
    :param place: where the trial of a slot drives, see ``simulators``; ``None`` leaves the configuration's own
    :param prune: why a trial should be stopped at the rungs that it has reached, see ``rungs``; ``None`` stops none
    :param confirm_seeds: fresh seeds on which a challenger must win before it has the title, see ``title``; 0 for
        the plain rule, the best score ever
    """

    kind: str
    runner: Path
    folders: Folders
    ledger: Ledger
    journal: TrialLog
    timeout_sec: float
    cooldown_sec: float
    verbose: bool = False
    workers: int = 1
    min_free_bytes: int = 0
    keep_models: dict[str, int] = field(default_factory=dict)
    place: Place | None = None
    prune: Prune | None = None
    confirm_seeds: int = 0
    records: list[Record] = field(default_factory=list, init=False)
    _running: list[Running] = field(default_factory=list, init=False)
    _failures: list[str] = field(default_factory=list, init=False)

    @property
    def champion_dir(self) -> Path:
        """The champion's folder."""
        return self.folders.models_dir / "champion"

    @property
    def workspace(self) -> str:
        """See ``processes``."""
        return workspace_id(self.folders.models_dir)

    def resume(self) -> None:
        """Read the ledger, end what a controller that is gone left running, record what it left unrecorded."""
        self._sweep()
        if told := champion.recover(self.champion_dir):
            self.journal.say(told)
        self.records = [record.slim() for record in self.ledger.read()]
        for launch in self.folders.forgotten(self.records):
            self._remember(launch, self._outcome_of(launch))

    def run(
        self, next_launch: NextLaunch, after: Callable[[Record], None] = lambda _: None
    ) -> None:
        """Run what ``next_launch`` gives until it gives ``None`` and all have ended.

        :param next_launch: the next trial, from the records and the configurations that are running
        :param after: told every record
        :raises UserError: the runner refused its arguments; nothing of that trial is recorded
        :raises CircuitBrokenError: ``BREAKER_FAILURES`` equal failures in a row
        :raises OSError: too little disk
        :raises KeyboardInterrupt: asked to stop; the running trials are recorded as interrupted
        """
        cool_at = [-math.inf] * self.workers
        more, ahead = True, None  # the next trial is chosen while its slot still cools
        try:
            while more or ahead or self._running:
                busy = {each.slot for each in self._running}
                for slot in set(range(self.workers)) - busy:
                    if more and ahead is None:
                        ahead = next_launch(
                            self.records, [each.launch.config for each in self._running]
                        )
                        more = ahead is not None
                    if ahead is not None and time.monotonic() >= cool_at[slot]:
                        self._sweep()
                        check_disk(self.folders.models_dir, self.min_free_bytes)
                        self._running.append(self._started(Running(ahead, slot)))
                        ahead = None
                        break  # choosing takes its time: between two of them all limits are looked at
                for each in list(self._running):
                    if record := self._look_at(each):
                        assert each.process is not None
                        cool_at[each.slot] = each.process.ended + self.cooldown_sec
                        after(record)
                        self._guard(record)
                if self._running or ahead or more:
                    now = time.monotonic()
                    time.sleep(min([POLL_SEC, *(at - now for at in cool_at if at > now)]))
        finally:
            self._stop_all()

    def _outcome_of(self, launch: Launch) -> Outcome:
        """Of a trial that nobody watched end."""
        result = read_result(self.folders.of(launch.trial))
        elapsed_sec = result["elapsed_sec"] if is_finite(result.get("elapsed_sec")) else 0.0
        if result.get("run_status") == "ok":
            return Outcome("ok", EXIT_OK, elapsed_sec, "")
        if result.get("run_status") == "pruned":
            return Outcome("pruned", EXIT_PRUNED, elapsed_sec, "")
        return Outcome("interrupted", EXIT_INTERRUPTED, elapsed_sec, "", "its controller was gone")

    def _started(self, each: Running) -> Running:
        config = each.launch.config
        if self.place is not None:
            config = replace(config, env=self.place(each.slot, each.again_at is not None))
            each.launch = replace(each.launch, config=config)
        folder = self.folders.open(each.launch)
        for name in (
            PROGRESS_NAME,
            STOP_NAME,
        ):  # of a first try, after which its simulator was lost
            (folder / name).unlink(missing_ok=True)
        command = [sys.executable, str(self.runner), *config.to_argv(), "--save-dir", str(folder)]
        limits = Limits(self.timeout_sec, parse_memory(config.memory_limit))
        threads = max(1, (os.cpu_count() or 1) // self.workers)
        each.rungs = ()
        each.process = RunningTrial(
            command, folder, limits, workspace=self.workspace, threads=threads, verbose=self.verbose
        )
        return each

    def _look_at(self, each: Running) -> Record | None:
        """The record of a trial that has ended."""
        if each.process is None:
            if each.again_at is not None and time.monotonic() >= each.again_at:
                self._started(each)
            return None
        outcome = each.process.poll()
        if outcome is None:
            self._consider_pruning(each, each.process)
            return None
        if outcome.status == "sim_lost" and each.again_at is None:
            each.process, each.again_at = None, time.monotonic() + SIM_RETRY_SEC
            self.journal.say(
                f"trial {each.launch.trial}: {outcome.cause}; once more in {SIM_RETRY_SEC:g} s"
            )
            return None
        self._running.remove(each)
        if outcome.status == BAD_ARGUMENTS:
            self.folders.drop(each.launch.trial)
            told = outcome.last_line.partition(": error: ")[2] or outcome.last_line
            raise UserError(
                told
                or f"{self.runner.name} refused its arguments without a word; see {self.runner}"
            )
        return self._remember(each.launch, outcome)

    def _consider_pruning(self, each: Running, process: RunningTrial) -> None:
        if self.prune is None or process.told:
            return
        rungs = read_rungs(process.folder, each.launch.config.timesteps)
        if len(rungs) > len(each.rungs) and (cause := self.prune(each.launch, rungs, self.records)):
            process.tell(cause)
        each.rungs = rungs

    def _remember(self, launch: Launch, outcome: Outcome) -> Record:
        folder = self.folders.of(launch.trial)
        record = make_record(
            launch.trial,
            launch.config,
            outcome,
            folder,
            kind=launch.kind,
            suggestion=launch.suggestion,
        )
        record = replace(record, confirm_seeds=self.confirm_seeds)
        try:
            crowned = self._crowned(record)
            record = replace(
                record, champion=crowned or champion.is_champion(record, self.champion_dir)
            )
        except (UserError, OSError) as error:
            self.journal.say(f"champion not updated: {error}")
        self.ledger.append(record)
        self.records.append(record.slim())
        self.journal.say(summary(record))
        try:
            self.journal.say(champion.describe(self.champion_dir))
        except UserError as error:
            self.journal.say(f"champion unknown: {error}")
        for path in self.folders.thin(self.records, self.keep_models):
            self.journal.say(f"deleted {shown_path(path)} to keep no more than --keep-models says")
        return record

    def _crowned(self, record: Record) -> bool:
        """Give the title to whom it is due now that ``record`` is known; tells whether that changed it."""
        rule: dict[str, Any] = {"rule": f"--confirm-seeds {self.confirm_seeds}"}
        if self.confirm_seeds:
            known = of_task([*self.records, record], record.params)
            held = champion_replicates(known, self.confirm_seeds)
            if held and (crowned := self._confirm(held, rule)) is not None:
                return crowned
            rule |= {
                "standing": "provisional: best score so far, not confirmed",
                "trials": [],
                "seeds": [],
                "scores": [],
            }
        return champion.promote_if_better(record, self._model(record), self.champion_dir, rule)

    def _confirm(self, held: list[Record], rule: dict[str, Any]) -> bool | None:
        """Crown the best model of a configuration that won on fresh seeds; tells whether that changed the champion.

        :param held: its replicates
        :returns: ``None`` when the champion_dir is empty and so are the replicates' folders, as in a fresh clone
        """
        scores = [record.mean_reward or 0.0 for record in held]
        told = rule | {
            "standing": f"confirmed: mean {sum(scores) / len(scores):.2f} on {len(held)} fresh seeds",
            "trials": [record.trial for record in held],
            "seeds": [record.seed for record in held],
            "scores": scores,
        }
        reigning = champion.read_manifest(self.champion_dir)
        there = [record for record in held if self._model(record).is_file()]
        if reigning is not None and (reigning.get("confirmation") == told or not there):
            return False
        if not there:
            return None
        # Chosen on the episodes that chose its checkpoint, reported by those of its final evaluation.
        best = max(there, key=lambda record: chosen_score(self.folders.of(record.trial)))
        champion.promote(best, self._model(best), self.champion_dir, told)
        return reigning is None or (reigning["trial"], reigning.get("kind")) != (
            best.trial,
            best.kind,
        )

    def _model(self, record: Record) -> Path:
        return self.folders.of(record.trial) / champion.MODEL_NAME

    def _guard(self, record: Record) -> None:
        if record.run_status not in FAILURES:
            self._failures.clear()
            return
        failure = f"{record.run_status}: {re.sub(r'[0-9]+', '#', record.cause or '')}"
        self._failures = [each for each in self._failures if each == failure] + [failure]
        if len(self._failures) >= BREAKER_FAILURES:
            raise CircuitBrokenError(
                f"{BREAKER_FAILURES} trials in a row ended the same way, {record.run_status} ({record.cause}); mend "
                f"that and start again, the log is {shown_path(self.folders.of(record.trial) / LOG_NAME)}"
            )

    def _sweep(self) -> None:
        if orphans := kill_orphans(self.workspace):
            self.journal.say(f"killed {orphans} stale processes of a controller that is gone")

    def _stop_all(self) -> None:
        for each in self._running:
            if each.process is not None:
                each.process.warn()
        while self._running:
            each = self._running.pop()
            if each.process is not None:
                self._remember(each.launch, each.process.stop())
            else:
                self._remember(
                    each.launch,
                    Outcome("sim_lost", EXIT_SIM_LOST, 0.0, "", "the simulator was lost"),
                )


def summary(record: Record) -> str:
    """The trial in one line that grep can read."""
    params = record.params
    names = ["learning_rate", "timesteps"] + (
        ["n_steer", "n_throttle"] if params.get("agent") == "dqn" else []
    )
    chosen = " ".join(f"{name} {params[name]:.6g}" for name in names if name in params)
    line = f"{record.kind} trial {record.trial} {record.run_status} in {record.elapsed_sec:.1f} s"
    if record.mean_reward is not None:
        line += f" mean_reward {record.mean_reward:.2f} +- {record.std_reward or 0.0:.2f}"
        line += (
            f" laps {sum(record.score['laps'])}"
            if record.score and record.score.get("laps")
            else ""
        )
        line += " NEW CHAMPION" if record.champion else ""
    else:
        line += f" ({record.cause})"
    return f"{line} | {params.get('agent')} {chosen}"
