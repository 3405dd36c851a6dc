"""The loop that the controller and the grid sweep share: launch, record, crown, log, cool down."""

from __future__ import annotations

import argparse
import math
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.trials import champion
from agent.trials.assemble import make_record
from agent.trials.config import (
    EXIT_BAD_ARGUMENTS,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SIM_LOST,
    TrialConfig,
    UserError,
    parse_memory,
)
from agent.trials.journal import LOG_NAME as JOURNAL_NAME
from agent.trials.journal import Journal
from agent.trials.launcher import BAD_ARGUMENTS, LOG_NAME, Limits, launch
from agent.trials.ledger import Ledger
from agent.trials.processes import kill_orphans, workspace_id
from agent.trials.record import REPO_ROOT, Record, shown_path

RESULTS_DIR = REPO_ROOT / "agent" / "outerloop-results"
MODELS_DIR = REPO_ROOT / "agent" / "models"

TIMEOUT_SEC = 360.0
COOLDOWN_SEC = 2.0
BREAKER_CRASHES = 3
CRASHES = ("crashed", "sim_lost", "out_of_memory")
EXIT_BREAKER = EXIT_SIM_LOST


class CircuitBrokenError(Exception):
    """The same crash happened so often in a row that more trials would only repeat it."""


@dataclass
class TrialLoop:
    """Runs trials one after the other; ``kind`` names their records and their folders' purpose.

    :param prefix: trials live in ``models_dir/prefix-NNN``
    """

    kind: str
    prefix: str
    runner: Path
    ledger: Ledger
    journal: Journal
    models_dir: Path
    timeout_sec: float
    cooldown_sec: float
    verbose: bool
    _last_end: float = field(default=-math.inf, init=False)
    _crashes: list[str] = field(default_factory=list, init=False)

    def next_trial(self, records: list[Record]) -> int:
        """The number after the ledger's highest whose folder is still free: no model is ever overwritten."""
        number = max((record.trial for record in records), default=0) + 1
        while self.folder(number).exists():
            number += 1
        return number

    def folder(self, trial: int) -> Path:
        return self.models_dir / f"{self.prefix}-{trial:03d}"

    def run(self, trial: int, config: TrialConfig, suggestion: dict[str, float] | None = None) -> Record:
        """One trial from cooldown to champion line; returns its record.

        :raises UserError: the runner refused its arguments; nothing is recorded
        :raises CircuitBrokenError: ``BREAKER_CRASHES`` equal crashes in a row
        :raises KeyboardInterrupt: asked to stop; the trial is recorded as interrupted
        """
        time.sleep(max(0.0, self._last_end + self.cooldown_sec - time.monotonic()))
        workspace = workspace_id(self.models_dir)
        if orphans := kill_orphans(workspace):
            self.journal.say(f"killed {orphans} stale processes of a controller that is gone")
        folder = self.folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(self.runner), *config.to_argv(), "--save-dir", str(folder)]
        limits = Limits(self.timeout_sec, parse_memory(config.memory_limit))
        outcome = launch(command, folder, limits, workspace=workspace, verbose=self.verbose)
        self._last_end = time.monotonic()
        if outcome.status == BAD_ARGUMENTS:
            _remove_refused(folder)
            told = outcome.last_line.partition(": error: ")[2] or outcome.last_line
            raise UserError(told or f"{self.runner.name} refused its arguments without a word; see {self.runner}")
        record = make_record(trial, config, outcome, folder, kind=self.kind, suggestion=suggestion)
        record = self._remember(record, folder)
        if outcome.stopped:
            raise KeyboardInterrupt
        self._guard(record)
        return record

    def _remember(self, record: Record, folder: Path) -> Record:
        throne = self.models_dir / "champion"
        try:
            record = replace(record, champion=champion.consider(record, folder / champion.MODEL_NAME, throne))
        except (UserError, OSError) as error:
            self.journal.say(f"champion not updated: {error}")
        self.ledger.append(record)
        self.journal.say(summary(record))
        try:
            self.journal.say(champion.describe(throne))
        except UserError as error:
            self.journal.say(f"champion unknown: {error}")
        return record

    def _guard(self, record: Record) -> None:
        if record.run_status not in CRASHES:
            self._crashes.clear()
            return
        kind_of_crash = f"{record.run_status}: {re.sub(r'[0-9]+', '#', record.cause or '')}"
        self._crashes = [crash for crash in self._crashes if crash == kind_of_crash] + [kind_of_crash]
        if len(self._crashes) >= BREAKER_CRASHES:
            raise CircuitBrokenError(
                f"{BREAKER_CRASHES} trials in a row ended the same way, {record.run_status} ({record.cause}); "
                f"mend that and start again, the log is {shown_path(self.folder(record.trial) / LOG_NAME)}"
            )


def summary(record: Record) -> str:
    """The trial in one line that grep can read."""
    params = record.params
    names = ["learning_rate", "timesteps"] + (["n_steer", "n_throttle"] if params.get("agent") == "dqn" else [])
    chosen = " ".join(f"{name} {params[name]:.6g}" for name in names if name in params)
    line = f"{record.kind} trial {record.trial} {record.run_status} in {record.elapsed_sec:.1f} s"
    if record.mean_reward is not None:
        line += f" mean_reward {record.mean_reward:.2f} +- {record.std_reward or 0.0:.2f}"
        line += f" laps {sum(record.score['laps'])}" if record.score and record.score.get("laps") else ""
        line += " NEW CHAMPION" if record.champion else ""
    else:
        line += f" ({record.cause})"
    return f"{line} | {params.get('agent')} {chosen}"


def add_loop_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of everything that runs trials in a row."""
    folders = (("--results-dir", RESULTS_DIR, "ledgers and log"), ("--models-dir", MODELS_DIR, "models and champion"))
    for option, default, text in folders:
        hint = f"folder of {text} (default {shown_path(default)})"
        parser.add_argument(option, type=Path, default=default, metavar="DIR", help=hint)
    parser.add_argument(
        "--timeout",
        type=at_least(1.0),
        default=TIMEOUT_SEC,
        metavar="SEC",
        help="wall clock of a trial, after which its whole process group is killed (default %(default)g)",
    )
    parser.add_argument(
        "--cooldown",
        type=at_least(COOLDOWN_SEC),
        default=COOLDOWN_SEC,
        metavar="SEC",
        help="pause between two trials, never less than 2 (default %(default)g)",
    )
    parser.add_argument("--verbose", action="store_true", help="show the output of the trials")


def at_least(low: float) -> Callable[[str], Any]:
    """An argparse type: a finite number of the type of ``low``, not below it."""
    kind = type(low)

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise argparse.ArgumentTypeError(f"{text!r} is no {'whole ' * (kind is int)}number; give one")
        if value < low:
            raise argparse.ArgumentTypeError(f"{text} is too small; give at least {low:g}")
        return value

    return parse


def open_loop(options: argparse.Namespace, *, kind: str, prefix: str, ledger_name: str, runner: Path) -> TrialLoop:
    """A loop over the folders of ``add_loop_arguments``, which it makes.

    :raises UserError: a folder that cannot be written, or an unreadable champion
    """
    for folder in (options.results_dir, options.models_dir):
        _make_writable(folder)
    champion.read_manifest(options.models_dir / "champion")
    return TrialLoop(
        kind=kind,
        prefix=prefix,
        runner=runner,
        ledger=Ledger(options.results_dir / ledger_name),
        journal=Journal(options.results_dir / JOURNAL_NAME),
        models_dir=options.models_dir,
        timeout_sec=options.timeout,
        cooldown_sec=options.cooldown,
        verbose=options.verbose,
    )


def exit_code(prog: str, body: Callable[[], None]) -> int:
    """Run ``body`` and turn how it ended into an exit code and, if need be, one line on stderr.

    SIGTERM is taken as Ctrl-C meanwhile, so that either ends the running trial too.
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        body()
    except UserError as error:
        return _complain(prog, str(error), EXIT_BAD_ARGUMENTS)
    except CircuitBrokenError as error:
        return _complain(prog, str(error), EXIT_BREAKER)
    except KeyboardInterrupt:
        return _complain(prog, "interrupted; start it again to go on from the ledger", EXIT_INTERRUPTED)
    except OSError as error:
        return _complain(prog, f"{error}; mend that and start it again to go on", EXIT_ERROR)
    finally:
        signal.signal(signal.SIGTERM, previous)
    return EXIT_OK


def _complain(prog: str, text: str, code: int) -> int:
    print(f"{prog}: error: {text}", file=sys.stderr, flush=True)
    return code


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror}; choose another folder") from None


def _remove_refused(folder: Path) -> None:
    if [path.name for path in folder.iterdir()] == [LOG_NAME]:
        (folder / LOG_NAME).unlink()
        folder.rmdir()
