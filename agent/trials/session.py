"""Shared by every command that runs trials in a row: its options, its lock, and how it ends."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from platform import node

from filelock import FileLock, Timeout

from agent.config import files
from agent.config.argument_types import at_least_float, showing_user_errors
from agent.config.command_line import TrialParser
from agent.config.errors import (
    EXIT_BAD_ARGUMENTS,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SIM_LOST,
    UserError,
)
from agent.config.memory import parse_memory
from agent.config.outputs import check_folder
from agent.executors.base import Executor
from agent.executors.choice import add_executor_arguments
from agent.trials.circuit_breaker import CircuitBrokenError
from agent.trials.experiment import add_experiment_arguments
from agent.trials.folders import Folders, parse_keep
from agent.trials.ledger import Ledger
from agent.trials.log import TrialLog
from agent.trials.loop import TrialLoop
from agent.trials.promotion import SelectChampion

TIMEOUT_SEC = 360.0
COOLDOWN_SEC = 2.0
EXIT_BREAKER = EXIT_SIM_LOST
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def add_loop_arguments(parser: TrialParser) -> None:
    """Adds the options of everything that runs trials in a row."""
    group = parser.add_argument_group("running trials")
    add_experiment_arguments(group)
    group.add_argument(
        "--timeout",
        type=at_least_float(1.0),
        default=TIMEOUT_SEC,
        metavar="SEC",
        help="wall clock of a trial, after which its whole process group is killed"
        " (default %(default)g)",
    )
    add_executor_arguments(group)
    group.add_argument(
        "--cooldown",
        type=at_least_float(COOLDOWN_SEC),
        default=COOLDOWN_SEC,
        metavar="SEC",
        help=parser.rare("pause between two trials, never less than 2 (default %(default)g)"),
    )
    group.add_argument(
        "--min-free",
        type=showing_user_errors(parse_memory),
        default=parse_memory("2G"),
        metavar="SIZE",
        help=parser.rare("start no trial with less free disk, such as 2G or 500M (default 2G)"),
    )
    group.add_argument(
        "--keep-models",
        type=showing_user_errors(parse_keep),
        default={},
        metavar="RULE",
        help=parser.rare(
            "models of which trials stay on disk: best:20,last:5 or all (default);"
            " the champion always does"
        ),
    )
    group.add_argument("--verbose", action="store_true", help="show the output of the trials")


@contextmanager
def open_loop(
    options: argparse.Namespace,
    executor: Executor,
    *,
    kind: str,
    prefix: str,
    ledger_name: str,
    select_champion: SelectChampion | None = None,
    confirm_seeds: int = 0,
) -> Iterator[TrialLoop]:
    """Gives a loop over the options' folders, which it makes, caught up with what was left there.

    While it is open no other controller can open one over the same results. In the end the executor
    is closed.

    :param options: of ``add_loop_arguments``
    :param executor: runs the trials
    :param kind: a record's ``kind``
    :param prefix: first part of the name of a trial's folder
    :param ledger_name: file of the records
    :param select_champion: see ``Promotion``
    :param confirm_seeds: see ``Promotion``
    :raises UserError: a folder that cannot be written, or is another controller's, or an unreadable
        champion
    """
    ledger = Ledger(options.results_dir / ledger_name)
    folders = Folders(options.models_dir, prefix, ledger.path)
    folders.titles.folders()  # refuses an unreadable manifest
    check_folder("--results-dir", options.results_dir, ledger_name)
    check_folder("--models-dir", options.models_dir)
    options.results_dir.mkdir(parents=True, exist_ok=True)
    log = options.results_dir / files.STUDY_LOG
    with (
        _taking_back(ledger.path, [log, options.results_dir / files.LOCK]),
        hold_folder(options.results_dir),
        closing(executor),
    ):
        options.models_dir.mkdir(parents=True, exist_ok=True)
        loop = TrialLoop(
            kind=kind,
            executor=executor,
            folders=folders,
            ledger=ledger,
            log=TrialLog(log),
            timeout_sec=options.timeout,
            min_free_bytes=options.min_free,
            keep_models=options.keep_models,
            select_champion=select_champion,
            confirm_seeds=confirm_seeds,
        )
        loop.resume()
        yield loop


@contextmanager
def _taking_back(ledger: Path, paths: list[Path]) -> Iterator[None]:
    """Takes back what was added to ``paths`` if the start is refused before its first record.

    A runner may be the first to see that arguments cannot be followed, when its trial is launched.
    """
    before = {path: _size_bytes(path) for path in (ledger, *paths)}
    try:
        yield
    except UserError:
        if _size_bytes(ledger) == before[ledger]:
            for path in paths:
                size_bytes = before[path]
                if size_bytes is None:
                    path.unlink(missing_ok=True)
                elif path.exists():
                    os.truncate(path, size_bytes)
        raise


def _size_bytes(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keeps other controllers out of a results folder.

    :raises UserError: another one holds it
    """
    lock = FileLock(folder / files.LOCK)
    holder = folder / files.LOCK_HOLDER
    try:
        lock.acquire(timeout=0)
    except Timeout:
        name = "another controller"
        if holder.exists():
            name = holder.read_text(encoding="utf-8").strip()
        raise UserError(
            f"{files.shown_path(folder)} is held by {name}; "
            "wait for it, or give --name for an experiment of your own"
        ) from None
    try:
        since = datetime.now().isoformat(sep=" ", timespec="seconds")
        holder.write_text(f"process {os.getpid()} on {node()} since {since}\n", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def exit_code(prog: str, body: Callable[[], None], told: Callable[[UserError], str] = str) -> int:
    """Runs ``body``; returns an exit code and, if need be, prints one line on stderr.

    SIGTERM and SIGHUP are taken as Ctrl-C meanwhile, so that each ends the running trials too; one
    that was ignored, as nohup has SIGHUP be, stays so.

    :param prog: name of the command
    :param body: all that the command does
    :param told: text of an error that a person can mend
    """
    previous = {
        number: signal.signal(number, signal.default_int_handler)
        for number in STOPPING_SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        body()
    except UserError as error:
        return _complain(prog, told(error), EXIT_BAD_ARGUMENTS)
    except CircuitBrokenError as error:
        return _complain(prog, str(error), EXIT_BREAKER)
    except KeyboardInterrupt:
        remedy = "start it again to go on from the ledger"
        return _complain(prog, f"interrupted; {remedy}", EXIT_INTERRUPTED)
    except OSError as error:
        trouble = f"{error}; mend that"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            trouble = "no space is left on the disk; free some"
        return _complain(prog, f"{trouble} and start it again to go on", EXIT_ERROR)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return EXIT_OK


def _complain(prog: str, text: str, code: int) -> int:
    print(f"{prog}: error: {text}", file=sys.stderr, flush=True)
    return code
