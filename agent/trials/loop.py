"""The loop that search and grid search share: launch a trial, record it, promote it, cool down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.config import files
from agent.config.errors import UserError
from agent.config.memory import parse_memory
from agent.config.trial import TrialConfig
from agent.executors.base import (
    BAD_ARGUMENTS,
    LOST,
    SIM_LOST,
    Executor,
    Handle,
    Job,
    Limits,
    Outcome,
)
from agent.trials import champion
from agent.trials.assemble import make_record, unwatched_outcome
from agent.trials.circuit_breaker import CircuitBreaker
from agent.trials.folders import Folders, Launch, check_disk
from agent.trials.ledger import Ledger
from agent.trials.log import TrialLog
from agent.trials.progress import Rung, rungs_reached
from agent.trials.promotion import Promotion, SelectChampion
from agent.trials.record import Record
from agent.trials.summary import summary
from agent.trials.watch import Watch
from agent.worlds.capabilities import AssignEnvs

POLL_SEC = 0.05
SIM_RETRY_SEC = 5.0  # chosen: time for a lost simulator to come back, before the one retry

# The next trial, from all records and the configurations that are running; None for no more.
NextLaunch = Callable[[list[Record], list[TrialConfig]], Launch | None]
# Why to stop a trial at the rungs that it has reached; None to let it go on.
Prune = Callable[[Launch, tuple[Rung, ...], list[Record]], str | None]


@dataclass
class Running:
    """A launch in a slot: its handle, or the time of its retry while it has none."""

    launch: Launch
    slot: int
    handle: Handle | None = None
    rungs: tuple[Rung, ...] = ()
    asked_to_stop: bool = False
    lost: Outcome | None = None  # of the try before, whose simulator or node was lost
    lost_statuses: set[str] = field(default_factory=set)  # of all tries before
    retry_at: float = 0.0

    def share_done(self) -> float:
        """Returns the share of its training after which its last evaluation was."""
        if self.handle is None:
            return 0.0
        steps = max((timesteps for timesteps, _ in self.handle.progress()), default=0)
        return min(1.0, steps / self.launch.config.trial.timesteps)


@dataclass
class NextTrial:
    """The next trial; it is chosen once a slot is free, while that slot still cools down."""

    choose: Callable[[], Launch | None]
    launch: Launch | None = None
    exhausted: bool = False

    def look(self) -> Launch | None:
        """Returns it and leaves it there; ``None`` if there are no more."""
        if self.launch is None and not self.exhausted:
            self.launch = self.choose()
            self.exhausted = self.launch is None
        return self.launch

    def clear(self) -> None:
        """Takes it away, now that it has started."""
        self.launch = None


@dataclass
class TrialLoop:
    """Runs trials, as many side by side as the executor has slots, and records each.

    :param kind: a record's ``kind``, of trials that say no other
    :param executor: runs them
    :param folders: their files
    :param ledger: their records
    :param log: lines for people
    :param timeout_sec: limit of a trial's wall clock
    :param min_free_bytes: no trial starts with less free disk
    :param keep_models: see ``Folders.thin``
    :param assign_envs: gives the environments of a slot; ``None`` leaves the configuration's own
    :param prune: tells why a trial should be stopped; ``None`` stops none
    :param select_champion: see ``Promotion``
    :param confirm_seeds: see ``Promotion``
    :param searched: names of the parameters that the log's line about a trial shows; see
        ``summary``
    :param watch: for who watches at a terminal
    """

    kind: str
    executor: Executor
    folders: Folders
    ledger: Ledger
    log: TrialLog
    timeout_sec: float
    min_free_bytes: int = 0
    keep_models: dict[str, int] = field(default_factory=dict)
    assign_envs: AssignEnvs | None = None
    prune: Prune | None = None
    select_champion: SelectChampion | None = None
    confirm_seeds: int = 0
    searched: Sequence[str] = ()
    watch: Watch = field(default_factory=Watch)
    records: list[Record] = field(default_factory=list, init=False)
    _running: list[Running] = field(default_factory=list, init=False)
    _breaker: CircuitBreaker = field(default_factory=CircuitBreaker, init=False)

    def resume(self) -> None:
        """Reads the ledger and catches up with what a controller that is gone left behind.

        Its processes are ended, its change of champion is finished or undone, and the trials that
        it left unrecorded are recorded.
        """
        self._recover_executor()
        for recovered in self.folders.titles.recover():
            self.log.say(recovered)
        self.records = [record.slim() for record in self.ledger.read()]
        for launch in self.folders.unrecorded(self.records):
            self._record(launch, unwatched_outcome(self.folders.of(launch.trial)))

    def run(
        self, next_launch: NextLaunch, after: Callable[[Record], None] = lambda _: None
    ) -> None:
        """Runs what ``next_launch`` gives until it gives ``None`` and all have ended.

        :param next_launch: chooses the next trial
        :param after: called with every record
        :raises UserError: the runner refused its arguments; nothing of that trial is recorded
        :raises CircuitBrokenError: equal failures in a row
        :raises OSError: too little disk
        :raises KeyboardInterrupt: asked to stop; the running trials are recorded as interrupted
        """
        upcoming = NextTrial(lambda: next_launch(self.records, self._running_configs()))
        try:
            while True:
                self._fill_free_slot(upcoming)
                if self._poll_running(after):
                    upcoming.exhausted = False  # what has ended may allow another trial
                if upcoming.exhausted and not self._running:
                    break
                self._show_progress()
                time.sleep(self._pause_sec())
        finally:
            if self.log.terminal is not None:
                self.log.terminal.close()
            if upcoming.launch is not None:
                self.folders.drop(upcoming.launch.trial)
            self._stop_all()

    def _fill_free_slot(self, upcoming: NextTrial) -> None:
        """Starts one trial at most: choosing takes time, and limits are looked at in between."""
        for slot in self._free_slots():
            launch = upcoming.look()
            if launch is None:
                return
            if self.executor.ready_in_sec(slot) > 0.0:
                continue
            self._recover_executor()
            check_disk(self.folders.models_dir, self.min_free_bytes)
            running = Running(launch, slot)
            self._start(running)
            self._running.append(running)
            upcoming.clear()
            return

    def _poll_running(self, after: Callable[[Record], None]) -> bool:
        """Returns True if a trial has ended."""
        ended = False
        for running in list(self._running):
            record = self._poll(running)
            if record is not None:
                self.watch.note(record)
                after(record)
                self._breaker.note(record, self._log_of(record.trial))
                ended = True
        return ended

    def _show_progress(self) -> None:
        """Draws the bar of who watches, now and then."""
        if self.log.terminal is None or not self.watch.due():
            return
        shares = {running.launch.trial: running.share_done() for running in self._running}
        text = self.watch.in_words(shares, self.executor.slots)
        self.log.terminal.show(self.watch.done + sum(shares.values()), self.watch.asked, text)

    def _pause_sec(self) -> float:
        """Returns the time until something is to be looked at again."""
        cooling = [self.executor.ready_in_sec(slot) for slot in self._free_slots()]
        return min([POLL_SEC, *(seconds for seconds in cooling if seconds > 0.0)])

    def _free_slots(self) -> list[int]:
        busy = {running.slot for running in self._running}
        return [slot for slot in range(self.executor.slots) if slot not in busy]

    def _running_configs(self) -> list[TrialConfig]:
        return [running.launch.config for running in self._running]

    def _start(self, running: Running) -> None:
        launch = running.launch
        if self.assign_envs is not None:
            envs = self.assign_envs(running.slot, SIM_LOST in running.lost_statuses)
            launch = replace(launch, config=launch.config.changed(env=envs))
            running.launch = launch
        folder = self.folders.open(launch)
        limits = Limits(self.timeout_sec, parse_memory(launch.config.trial.memory_limit))
        running.rungs = ()
        running.asked_to_stop = False
        running.handle = self.executor.submit(Job(launch.config, folder, limits, running.slot))

    def _poll(self, running: Running) -> Record | None:
        """Returns the record of a trial that has ended."""
        if running.handle is None:
            if time.monotonic() >= running.retry_at:
                self._start(running)
            return None
        outcome = running.handle.poll()
        if outcome is None:
            self._consider_pruning(running, running.handle)
            return None
        if outcome.status in (SIM_LOST, LOST) and outcome.status not in running.lost_statuses:
            self._retry_later(running, outcome)
            return None
        self._running.remove(running)
        if outcome.status == BAD_ARGUMENTS:
            self.folders.drop(running.launch.trial)
            raise UserError(_refusal(outcome))
        return self._record(running.launch, outcome)

    def _consider_pruning(self, running: Running, handle: Handle) -> None:
        if self.prune is None or running.asked_to_stop:
            return
        rungs = rungs_reached(handle.progress(), running.launch.config.trial.timesteps)
        if len(rungs) > len(running.rungs):
            cause = self.prune(running.launch, rungs, self.records)
            if cause:
                handle.ask_to_stop(cause)
                running.asked_to_stop = True
        running.rungs = rungs

    def _retry_later(self, running: Running, outcome: Outcome) -> None:
        wait_sec = 0.0  # there are other nodes
        if outcome.status == SIM_LOST:
            wait_sec = SIM_RETRY_SEC
        running.handle = None
        running.lost = outcome
        running.lost_statuses.add(outcome.status)
        running.retry_at = time.monotonic() + wait_sec
        when = f"in {wait_sec:g} s" if wait_sec else "elsewhere"
        self.log.say(f"trial {running.launch.trial}: {outcome.cause}; once more {when}")

    def _record(self, launch: Launch, outcome: Outcome) -> Record:
        record = make_record(launch, outcome, self.folders.of(launch.trial))
        record = replace(record, confirm_seeds=self.confirm_seeds)
        promotion = Promotion(self.folders, self.select_champion, self.confirm_seeds)
        try:
            record = replace(record, champion=promotion.consider(record, self.records))
        except (UserError, OSError) as error:
            self.log.say(f"champion not updated: {error}")
        self.ledger.append(record)
        self.folders.close(record.trial)
        self.records.append(record.slim())
        self.log.say(summary(record, self.searched))
        try:
            self.log.say(champion.describe(self.folders.titles.folder_of(record.params)))
        except UserError as error:
            self.log.say(f"champion unknown: {error}")
        for path in self.folders.thin(self.records, self.keep_models):
            shown = files.shown_path(path)
            self.log.say(f"deleted {shown} to keep no more than --keep-models says")
        return record

    def _recover_executor(self) -> None:
        recovered = self.executor.recover()
        if recovered is not None:
            self.log.say(recovered)

    def _log_of(self, trial: int) -> Path:
        return self.folders.of(trial) / files.TRIAL_LOG

    def _stop_all(self) -> None:
        for running in self._running:
            if running.handle is not None:
                running.handle.terminate()
        while self._running:
            running = self._running.pop()
            self._record(running.launch, _stopped(running))


def _stopped(running: Running) -> Outcome:
    """Returns the outcome of a trial that is stopped, or that waits for its second try."""
    if running.handle is not None:
        return running.handle.stop()
    assert running.lost is not None
    what = "node" if running.lost.status == LOST else "simulator"
    return replace(running.lost, elapsed_sec=0.0, last_line="", cause=f"the {what} was lost")


def _refusal(outcome: Outcome) -> str:
    """Returns what the runner says against its arguments."""
    complaint = outcome.last_line.partition(": error: ")[2] or outcome.last_line
    if complaint:
        return complaint
    return f"the runner refused its arguments without a word ({outcome.cause}); run it by hand"
