"""Our search against its peers: regret of what each recommends, the same starts and budgets, one thread.

``make bench-search`` runs all that are installed (``pip install -e '.[peers]'``); without options only a glimpse.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # read when numpy loads
sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np  # noqa: E402

from agent.search.stopping import EPSILON, FEWEST_TRIALS, assess  # noqa: E402
from tests.benchmarks.search_methods import METHODS, installed  # noqa: E402
from tests.benchmarks.search_problems import Params, Problem, functions, tables  # noqa: E402

STARTS = 5
BUDGETS = (10, 20, 30, 50)
ASKED = 5  # trials between two questions whether to stop
RESAMPLES = 2000  # of the bootstrap
Runs = dict[tuple[str, str, int], dict[str, float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--repeats", type=int, default=1, help="searches of each problem (default 1; a proof needs 30)")
    parser.add_argument("--trials", type=int, default=20, help="trials of a search (default 20)")
    parser.add_argument("--methods", default="random,ours", help=f"names or all: {', '.join(METHODS)}")
    parser.add_argument("--problems", default="", help="only problems whose name contains this")
    parser.add_argument("--table", default=os.environ.get("SEARCH_TABLE"), help="CSV of AutoRL-Landscape runs to add")
    parser.add_argument("--runs", type=Path, help="JSON lines of finished runs, read and continued")
    parser.add_argument(
        "--stopping", action="store_true", help="instead: when our search stops by itself, and if rightly"
    )
    options = parser.parse_args()
    problems = functions() + (tables(Path(options.table)) if options.table else [])
    problems = [problem for problem in problems if options.problems in problem.name]
    if options.stopping:
        stopping(problems, options.repeats, options.trials)
        return 0
    chosen = list(METHODS) if options.methods == "all" else options.methods.split(",")
    methods = [name for name in chosen if installed(METHODS[name][0])]
    print(f"not installed: {', '.join(sorted(set(chosen) - set(methods))) or 'none'}")
    runs = load(options.runs)
    for repeat in range(options.repeats):
        for problem in problems:
            for method in methods:
                key = (method, problem.name, repeat)
                if key not in runs:
                    runs[key] = search(method, problem, repeat, options.trials)
                    save(options.runs, key, runs[key])
    report(runs, methods, problems, options.repeats)
    return 0


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
            found[str(number + 1)] = problem.regret(method.recommend(history))
    return found | {"seconds": seconds / max(1, trials - STARTS)}


def stopping(problems: list[Problem], repeats: int, trials: int) -> None:
    """Our searches until they stop by themselves, asked every ``ASKED``-th trial; a stop is wrong if the recommended
    is worse than the best by more than ``EPSILON`` of the range of the function."""
    stops, wrong = 0, 0
    print(f"| problem | stopped of {repeats} | at trial | wrong |\n|---|---|---|---|")
    for problem in problems:
        ended = []
        for repeat in range(repeats):
            found = stop(problem, repeat, min(trials, len(problem.cells or range(trials))))
            ended += [found] if found else []
        bad = sum(regret > EPSILON for _, regret in ended)
        places = ", ".join(str(number) for number, _ in ended)
        print(f"| {problem.name} | {len(ended)} | {places} | {bad} |", flush=True)
        stops, wrong = stops + len(ended), wrong + bad
    print(f"\n{wrong} of {stops} stops were wrong, of {repeats * len(problems)} searches of at most {trials} trials")


def stop(problem: Problem, repeat: int, trials: int) -> tuple[int, float] | None:
    """The trial at which the search stops and the regret of what it recommends then."""
    method = METHODS["ours"][1](problem, repeat)
    history: list[tuple[Params, float]] = []
    start = problem.start(repeat, STARTS)
    for number in range(trials):
        params = start[number] if number < STARTS else method.ask(history)
        history.append((params, problem.trial(params, repeat, number)))
        if number + 1 >= FEWEST_TRIALS and (number + 1) % ASKED == 0:
            found = assess(problem.space, history, np.random.default_rng(number))
            if found.converged:
                return number + 1, problem.regret(method.recommend(history))
    return None


def report(runs: Runs, methods: list[str], problems: list[Problem], repeats: int) -> None:
    """Tables in Markdown: mean regret with a 95 % interval of the bootstrap, and the means over all problems."""
    rng = np.random.default_rng(0)
    for budget in map(str, BUDGETS):
        rows, pooled = [], defaultdict(list)
        for problem in problems:
            cells = []
            for method in methods:
                keys = [(method, problem.name, repeat) for repeat in range(repeats)]
                regrets = np.array([runs[key][budget] for key in keys if budget in runs.get(key, {})])
                if not len(regrets):
                    continue
                means = regrets[rng.integers(len(regrets), size=(RESAMPLES, len(regrets)))].mean(axis=1)
                low, high = np.quantile(means, [0.025, 0.975])
                cells.append(f"{regrets.mean():.3f} ({low:.3f}-{high:.3f})")
                pooled[method].append((regrets.mean(), means))
            if len(cells) == len(methods):
                rows.append(f"| {problem.name} | {' | '.join(cells)} |")
        if not rows:
            continue
        overall = []
        for method in methods:
            low, high = np.quantile(np.mean([means for _, means in pooled[method]], axis=0), [0.025, 0.975])
            overall.append(f"**{np.mean([mean for mean, _ in pooled[method]]):.3f}** ({low:.3f}-{high:.3f})")
        print(f"\n{budget} trials, {repeats} repeats\n\n| regret | {' | '.join(methods)} |")
        print("|---" * (len(methods) + 1) + "|")
        print("\n".join(rows))
        print(f"| mean | {' | '.join(overall)} |")
    speed = [np.mean([run["seconds"] for key, run in runs.items() if key[0] == method]) for method in methods]
    pairs = zip(methods, speed, strict=True)
    print("\nseconds per suggestion: " + ", ".join(f"{method} {second:.3f}" for method, second in pairs))


def load(path: Path | None) -> Runs:
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {(line["method"], line["problem"], line["repeat"]): line["run"] for line in lines}


def save(path: Path | None, key: tuple[str, str, int], run: dict[str, float]) -> None:
    if path is not None:
        with path.open("a") as lines:
            lines.write(json.dumps({"method": key[0], "problem": key[1], "repeat": key[2], "run": run}) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
