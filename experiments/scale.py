"""A night on a cluster that is only pretended: the real search, study, loop and ledger.

    python experiments/scale.py --slots 100 --trials 2000 --trial-sec 300
    python experiments/scale.py --slots 1 --trials 2000 --speed inf      sequential, to compare with

The controller runs as it is; only its clock and its executor are simulated. It prints one line a
block of trials: what a proposal, a record and an assessment took, how busy the slots were, and the
regret of the recommended configuration. The last line sums up.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from agent import autoresearch_controller as controller
from agent.config import files
from agent.study.plan import Plan
from agent.study.plan_options import commanded
from agent.study.study import Study
from agent.trials.ledger import Ledger
from agent.trials.loop import TrialLoop
from agent.trials.record import Record
from experiments.simulated_cluster import NOISE_STD, Clock, Landscape, SimulatedExecutor

CHECKPOINTS = (50, 100, 200, 500, 1000, 1500, 2000, 3000, 5000)
# What is measured: its name, the class and the method whose calls it is.
MEASURED: tuple[tuple[str, type, str], ...] = (
    ("propose", Study, "next_launch"),
    ("assess", Study, "update_convergence"),
    ("record", TrialLoop, "_record"),
    ("append", Ledger, "append"),
)


@dataclass
class Stopwatch:
    """Seconds of every call of a method, since the last checkpoint and in all.

    :param clock: tells the time
    """

    clock: Clock
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    counted: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def around(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the method, measured as ``name``."""

        def timed(*arguments: Any, **named: Any) -> Any:
            begun = self.clock.monotonic()
            try:
                return method(*arguments, **named)
            finally:
                self.taken[name].append(self.clock.monotonic() - begun)

        return timed

    def lap(self, name: str) -> float:
        """Returns the mean of the calls since the last lap, 0 of none."""
        since = self.taken[name][self.counted[name] :]
        self.counted[name] = len(self.taken[name])
        return sum(since) / len(since) if since else 0.0


@dataclass
class Night:
    """What is looked at while a simulated night runs.

    :param executor: runs its trials
    :param stopwatch: measures its calls
    :param show: takes a row of measures
    """

    executor: SimulatedExecutor
    stopwatch: Stopwatch
    show: Callable[[dict[str, Any]], None]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def look(self, study: Study, checkpoints: Sequence[int]) -> None:
        """Adds a row once a checkpoint is reached.

        :param study: of the night
        :param checkpoints: numbers of records
        """
        records = len(study.loop.records)
        if records not in checkpoints:
            return
        landscape = self.executor.landscape
        regret = math.nan
        if study.convergence is not None:
            recommended = {**study.plan.space.context, **study.convergence.recommended}
            regret = landscape.regret(recommended)
        row: dict[str, Any] = {"records": records, "regret": round(regret, 4)}
        row |= {f"{name}_sec": round(self.stopwatch.lap(name), 4) for name, _, _ in MEASURED}
        row["hours"] = round(self.executor.clock.monotonic() / 3600.0, 3)
        row["busy"] = round(self.executor.busy_share(), 4)
        self.rows.append(row)
        self.show(row)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one night; returns its exit code."""
    options = build_parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return simulate(options, Path(folder))


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slots", type=int, default=100, metavar="N")
    parser.add_argument("--trials", type=int, default=2000, metavar="N")
    parser.add_argument("--trial-sec", type=float, default=300.0, metavar="SEC")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="see Clock")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--known",
        type=int,
        default=0,
        metavar="N",
        help="random trials that the ledger begins with",
    )
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="keep the ledger there")
    parser.add_argument("controller", nargs="*", help="further options of the controller, after --")
    return parser


def simulate(options: argparse.Namespace, folder: Path) -> int:
    """Runs a night with its files in ``folder``, and prints it."""
    argv = ["--trials", str(options.trials), "--workers", str(options.slots)]
    argv += ["--seed", str(options.seed), "--timeout", str(100.0 * options.trial_sec)]
    argv += ["--home", str(folder), *options.controller]
    plan = commanded(controller.build_parser(argv).parse_args(argv)).plan
    clock = Clock(options.speed)
    executor = SimulatedExecutor(
        clock, Landscape(plan.space), options.slots, options.trial_sec, controller_cooldown(argv)
    )
    stopwatch = Stopwatch(clock)
    night = Night(executor, stopwatch, lambda row: print(json.dumps(row), flush=True))
    checkpoints = sorted({*CHECKPOINTS, options.known + options.trials})
    ledger = folder / files.RESULTS_DIR.name / files.SEARCH_LEDGER
    begin_with(options.known, plan, executor, ledger)
    begun = time.perf_counter()
    with simulated(night, checkpoints):
        code = controller.main(argv)
    elapsed = time.perf_counter() - begun
    if options.ledger is not None:
        options.ledger.write_bytes(ledger.read_bytes())
    print(json.dumps(summed_up(options, night, elapsed)), flush=True)
    return code


def begin_with(known: int, plan: Plan, executor: SimulatedExecutor, ledger: Path) -> None:
    """Writes the ledger of a night that has run random trials.

    :param known: their number
    :param plan: of the study
    :param executor: whose landscape gives their scores
    :param ledger: file to write
    """
    if not known:
        return
    rng = np.random.default_rng(1)
    lines = []
    for number in range(1, known + 1):
        config = plan.config(plan.space.sample(rng), number)
        score, _ = executor.result(config)
        record = Record(
            trial=number,
            timestamp="2026-01-01T00:00:00",
            params=config.to_params(),
            mean_reward=score,
            std_reward=None if score is None else NOISE_STD,
            model_path=None,
            champion=False,
            elapsed_sec=executor.trial_sec,
            run_status="diverged" if score is None else "ok",
            seed=config.trial.seed,
            cause="diverged" if score is None else None,
        )
        lines.append(f"{record.to_line()}\n")
    ledger.parent.mkdir(parents=True)
    ledger.write_text("".join(lines))


def controller_cooldown(argv: Sequence[str]) -> float:
    """Returns the pause between two trials of a slot that a command line asks for."""
    cooldown_sec: float = controller.build_parser(argv).parse_args(argv).cooldown
    return cooldown_sec


@contextlib.contextmanager
def simulated(night: Night, checkpoints: Sequence[int]) -> Iterator[None]:
    """Gives the controller the night's clock and executor, and measures it.

    :param night: is looked at after every record
    :param checkpoints: numbers of records at which it gets a row
    """
    assess = Study.update_convergence

    def update_convergence(study: Study, trial: int) -> None:
        night.stopwatch.around("assess", assess)(study, trial)
        night.look(study, checkpoints)

    with contextlib.ExitStack() as stack:
        clock = night.executor.clock
        stack.enter_context(patch("agent.trials.loop.time", clock))
        stack.enter_context(patch("os.fsync", clock.fsync))
        stack.enter_context(patch.object(controller, "make_executor", lambda *_: night.executor))
        for name, owner, method in MEASURED:
            timed = night.stopwatch.around(name, getattr(owner, method))
            if name == "assess":
                timed = update_convergence
            stack.enter_context(patch.object(owner, method, timed))
        stack.enter_context(contextlib.redirect_stdout(_Rows()))
        yield


class _Rows(io.TextIOBase):
    """Lets the rows through and drops the controller's own lines."""

    def __init__(self) -> None:
        self._console = sys.stdout

    def write(self, text: str) -> int:
        if text.startswith("{"):
            self._console.write(text + "\n")
            self._console.flush()
        return len(text)


def summed_up(options: argparse.Namespace, night: Night, elapsed_sec: float) -> dict[str, Any]:
    """Returns the night in one row.

    :param options: of the command line
    :param night: that has ended
    :param elapsed_sec: it took here
    """
    taken = night.stopwatch.taken
    proposals = taken["propose"]
    appends = taken["append"]
    return {
        "slots": options.slots,
        "trials": len(night.executor.trials),
        "trial_sec": options.trial_sec,
        "busy": round(night.executor.busy_share(), 4),
        "hours": round(night.executor.clock.monotonic() / 3600.0, 3),
        "proposals_per_sec": per_sec(proposals),
        "appends_per_sec": per_sec(appends),
        "computed_sec": {name: round(sum(taken[name]), 1) for name, _, _ in MEASURED},
        "elapsed_sec": round(elapsed_sec, 1),
        "load": os.getloadavg()[0],
    }


def per_sec(taken: Sequence[float]) -> float | None:
    """Returns calls a second; ``None`` if they took no time, as at infinite speed."""
    total = sum(taken)
    return round(len(taken) / total, 2) if total else None


if __name__ == "__main__":
    raise SystemExit(main())
