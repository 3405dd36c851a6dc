"""Our search against its peers, on one thread: regret of what each recommends.

All begin with the same trials and have the same budgets. ``make bench-search`` runs those that are
installed (``pip install -e '.[peers]'``); without options only a few.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import Literal, TextIO, cast

for _limit in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ[_limit] = "1"  # read when numpy and joblib (SMAC's forest) load
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.benchmarks.search_live import live_problems, recorded_tables  # noqa: E402
from tests.benchmarks.search_methods import METHODS, installed  # noqa: E402
from tests.benchmarks.search_problems import Params, Problem, functions  # noqa: E402
from tests.benchmarks.search_report import BUDGETS, Runs, report  # noqa: E402
from tests.benchmarks.search_stopping import STARTS, stopping  # noqa: E402
from tests.benchmarks.search_tables import (  # noqa: E402
    dqn_tables,
    made_tables,
    network_tables,
    varied_tables,
)

FRESH = 10**6  # first number of a trial outside every search
CONFIRMED = 5  # such trials of a recommended configuration


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--repeats",
        type=int,
        default=1,
        help="searches of each problem (default 1; a proof needs 30; 0 reports all --runs)",
    )
    parser.add_argument("--trials", type=int, default=20, help="trials of a search (default 20)")
    parser.add_argument(
        "--methods", default="random,ours", help=f"names or all: {', '.join(METHODS)}"
    )
    parser.add_argument("--problems", default="", help="only problems whose name contains this")
    parser.add_argument(
        "--first",
        type=int,
        default=0,
        help="number of the first repeat (default 0): others, other noise",
    )
    parser.add_argument(
        "--varied",
        type=int,
        default=0,
        help="instead: so many made tables that differ in all respects",
    )
    parser.add_argument(
        "--table",
        default=os.environ.get("SEARCH_TABLE"),
        help="CSV of AutoRL-Landscape runs to add",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        nargs="*",
        default=[],
        help="JSON lines of finished runs (.gz too), read; the first is continued",
    )
    parser.add_argument(
        "--live", action="store_true", help="instead: trainings, CartPole's and the embedded car's"
    )
    parser.add_argument(
        "--stopping",
        action="store_true",
        help="instead: when our search stops by itself, and if rightly",
    )
    options = parser.parse_args()
    problems = [problem for problem in problems_of(options) if options.problems in problem.name]
    repeats = range(options.first, options.first + options.repeats)
    if options.stopping:
        stopping(problems, repeats, options.trials)
        return 0
    chosen = list(METHODS) if options.methods == "all" else options.methods.split(",")
    methods = [name for name in chosen if installed(METHODS[name][0])]
    print(f"not installed: {', '.join(sorted(set(chosen) - set(methods))) or 'none'}")
    runs = {key: run for path in options.runs for key, run in load(path).items()}
    for repeat in repeats:
        for problem in problems:
            for method in methods:
                key = (method, problem.name, repeat)
                if key not in runs:
                    runs[key] = search(method, problem, repeat, options.trials)
                    save(options.runs[0] if options.runs else None, key, runs[key])
    shown = {key: run for key, run in runs.items() if key[2] in repeats} if repeats else runs
    report(shown, methods, [problem.name for problem in problems])
    return 0


def problems_of(options: argparse.Namespace) -> list[Problem]:
    if options.varied:
        return varied_tables(options.varied)
    if options.live:
        return live_problems()
    real = dqn_tables(Path(options.table)) if options.table else []
    return functions() + made_tables() + network_tables() + recorded_tables() + real


def search(name: str, problem: Problem, repeat: int, trials: int) -> dict[str, float]:
    """Regret of the recommendation at each budget, and ``seconds`` per suggestion."""
    trials = min(trials, len(problem.cells)) if problem.cells else trials
    method = METHODS[name][1](problem, repeat)
    history: list[tuple[Params, float]] = []
    found: dict[str, float] = {}
    seconds = 0.0
    start = problem.start(repeat, STARTS)
    for number in range(trials):
        begun = time.perf_counter()
        params = start[number] if number < STARTS else method.ask(history)
        seconds += time.perf_counter() - begun
        score = problem.trial(params, repeat, number)
        method.tell(params, score)
        history.append((params, score))
        if number + 1 in BUDGETS:
            found |= assessed(problem, *method.recommend(history), repeat, number + 1)
    return found | {"seconds": seconds / max(1, trials - STARTS)}


def assessed(
    problem: Problem, kept: Params, reported: float, repeat: int, budget: int
) -> dict[str, float]:
    """Regret of the recommended, and by how much its reported score exceeds its mean.

    All are shares of the range. The reported score is the method's own, and, as a confirmed
    champion's, the mean of ``CONFIRMED`` fresh seeds.

    :param problem: that was searched
    :param kept: the recommended params
    :param reported: their score by the method
    :param repeat: number of the search
    :param budget: trials so far
    """
    true = problem.mean(kept)
    extent = problem.best - problem.worst
    fresh = [problem.trial(kept, repeat, FRESH + seed) for seed in range(CONFIRMED)]
    return {
        str(budget): problem.regret(kept),
        f"flattery {budget}": (reported - true) / extent,
        f"confirmed {budget}": (sum(fresh) / CONFIRMED - true) / extent,
    }


def load(path: Path) -> Runs:
    if not path.exists():
        return {}
    with _opened(path, "rt") as text:
        lines = [json.loads(line) for line in text]
    return {(line["method"], line["problem"], line["repeat"]): line["run"] for line in lines}


def save(path: Path | None, key: tuple[str, str, int], run: dict[str, float]) -> None:
    if path is not None:
        with _opened(path, "at") as lines:
            short = {what: round(float(value), 5) for what, value in run.items()}
            lines.write(
                json.dumps({"method": key[0], "problem": key[1], "repeat": key[2], "run": short})
                + "\n"
            )


def _opened(path: Path, mode: Literal["rt", "at"]) -> TextIO:
    return cast(TextIO, gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode))


if __name__ == "__main__":
    raise SystemExit(main())
