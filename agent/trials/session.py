"""What every command that runs trials in a row shares: its options, its lock, and how it ends."""

from __future__ import annotations

import argparse
import errno
import math
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from platform import node
from typing import Any

from filelock import FileLock, Timeout

from agent.config.trial import (
    EXIT_BAD_ARGUMENTS,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SIM_LOST,
    UserError,
    parse_memory,
)
from agent.executors.processes import start_orphan_reaper, workspace_id
from agent.trials import champion
from agent.trials.folders import Folders, parse_keep
from agent.trials.ledger import Ledger
from agent.trials.log import LOG_NAME as JOURNAL_NAME
from agent.trials.log import TrialLog
from agent.trials.loop import CircuitBrokenError, TrialLoop
from agent.trials.record import REPO_ROOT, shown_path

RESULTS_DIR = REPO_ROOT / "agent" / "outerloop-results"
MODELS_DIR = REPO_ROOT / "agent" / "models"
LOCK_NAME, HOLDER_NAME = ".controller.lock", ".controller.holder"

TIMEOUT_SEC = 360.0
COOLDOWN_SEC = 2.0
EXIT_BREAKER = EXIT_SIM_LOST
GUARD_WAIT_SEC = 10.0
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def add_loop_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of everything that runs trials in a row."""
    folders = (
        ("--results-dir", RESULTS_DIR, "ledgers and log"),
        ("--models-dir", MODELS_DIR, "models and champion"),
    )
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
    parser.add_argument(
        "--min-free",
        type=_from_user(parse_memory),
        default=parse_memory("2G"),
        metavar="SIZE",
        help="start no trial with less free disk, such as 2G or 500M (default 2G)",
    )
    parser.add_argument(
        "--keep-models",
        type=_from_user(parse_keep),
        default={},
        metavar="RULE",
        help="models of which trials stay on disk: best:20,last:5 or all (default); the champion always does",
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
            raise argparse.ArgumentTypeError(
                f"{text!r} is no {'whole ' * (kind is int)}number; give one"
            )
        if value < low:
            raise argparse.ArgumentTypeError(f"{text} is too small; give at least {low:g}")
        return value

    return parse


def share(text: str) -> float:
    """An argparse type: a share between 0 and 1, written ``2%`` or ``0.02``."""
    number, percent, rest = text.partition("%")
    try:
        value = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        value = math.nan
    if rest or not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no share between 0 and 1; write it as 2% or 0.02"
        )
    return value


@contextmanager
def open_loop(
    options: argparse.Namespace, *, kind: str, prefix: str, ledger_name: str, runner: Path
) -> Iterator[TrialLoop]:
    """A loop over the folders of ``add_loop_arguments``, which it makes, caught up with what the last one left.

    While it is open no other controller can open one over the same results, and a guard ends everything it started
    should this process be killed.

    :raises UserError: a folder that cannot be written or is another controller's, or an unreadable champion
    """
    for folder in (options.results_dir, options.models_dir):
        _make_writable(folder)
    with _held(options.results_dir):
        champion.read_manifest(options.models_dir / "champion")
        loop = TrialLoop(
            kind=kind,
            runner=runner,
            folders=Folders(options.models_dir, prefix),
            ledger=Ledger(options.results_dir / ledger_name),
            journal=TrialLog(options.results_dir / JOURNAL_NAME),
            timeout_sec=options.timeout,
            cooldown_sec=options.cooldown,
            verbose=options.verbose,
            min_free_bytes=options.min_free,
            keep_models=options.keep_models,
            confirm_seeds=getattr(options, "confirm_seeds", 0),
        )
        guard = start_orphan_reaper(workspace_id(options.models_dir))
        try:
            loop.resume()
            yield loop
        finally:
            assert guard.stdin is not None
            guard.stdin.close()
            with suppress(Exception):
                guard.wait(GUARD_WAIT_SEC)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    lock, holder = FileLock(folder / LOCK_NAME), folder / HOLDER_NAME
    try:
        lock.acquire(timeout=0)
    except Timeout:
        told = (
            holder.read_text(encoding="utf-8").strip() if holder.exists() else "another controller"
        )
        raise UserError(
            f"{shown_path(folder)} is held by {told}; wait for it or choose another --results-dir"
        ) from None
    try:
        since = datetime.now().isoformat(sep=" ", timespec="seconds")
        holder.write_text(f"process {os.getpid()} on {node()} since {since}\n", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def exit_code(prog: str, body: Callable[[], None]) -> int:
    """Run ``body`` and turn how it ended into an exit code and, if need be, one line on stderr.

    SIGTERM and SIGHUP are taken as Ctrl-C meanwhile, so that each ends the running trials too.
    """
    previous = {
        number: signal.signal(number, signal.default_int_handler) for number in STOPPING_SIGNALS
    }
    try:
        body()
    except UserError as error:
        return _complain(prog, str(error), EXIT_BAD_ARGUMENTS)
    except CircuitBrokenError as error:
        return _complain(prog, str(error), EXIT_BREAKER)
    except KeyboardInterrupt:
        return _complain(
            prog, "interrupted; start it again to go on from the ledger", EXIT_INTERRUPTED
        )
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        told = "no space is left on the disk; free some" if full else f"{error}; mend that"
        return _complain(prog, f"{told} and start it again to go on", EXIT_ERROR)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
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
        raise UserError(
            f"cannot write into {folder}: {error.strerror}; choose another folder"
        ) from None


def _from_user(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """An argparse type that shows a ``UserError``'s text."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed
