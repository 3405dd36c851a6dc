"""Tables in Markdown from the finished runs of ``bench_search.py``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Runs = dict[tuple[str, str, int], dict[str, float]]  # (method, problem, repeat) -> regret by budget

BUDGETS = (10, 20, 30, 50)
RESAMPLES = 2000  # of the bootstrap
OURS = "ours"


def report(runs: Runs, methods: Sequence[str], problems: Sequence[str]) -> None:
    """Print mean regrets with 95 % intervals of the bootstrap over repeats, and means over the problems all have.

    The last row is what ours has less (-) or more than each, on the repeats that both have.
    """
    rng = np.random.default_rng(0)
    for budget in map(str, BUDGETS):
        found = {
            (method, problem): {
                r: run[budget]
                for (m, p, r), run in runs.items()
                if (m, p) == (method, problem) and budget in run
            }
            for method in methods
            for problem in problems
        }
        common = [
            problem for problem in problems if all(found[method, problem] for method in methods)
        ]
        if not common:
            continue
        print(
            f"\n{budget} trials\n\n| regret | {' | '.join(methods)} |\n{'|---' * (len(methods) + 1)}|"
        )
        resampled = {}
        for problem in common:
            cells = []
            for method in methods:
                regrets = np.array(list(found[method, problem].values()))
                resampled[method, problem] = _resampled(regrets, rng)
                cells.append(_with_interval(regrets.mean(), resampled[method, problem]))
            print(f"| {problem} | {' | '.join(cells)} |")
        overall, behind, repeats = [], [], []
        for method in methods:
            mean = float(
                np.mean([np.mean(list(found[method, problem].values())) for problem in common])
            )
            overall.append(
                f"**{_with_interval(mean, np.mean([resampled[method, p] for p in common], axis=0))}**"
            )
            behind.append(
                _paired([(found[OURS, p], found[method, p]) for p in common], rng)
                if OURS in methods
                else ""
            )
            counts = [len(found[method, problem]) for problem in common]
            repeats.append(
                str(min(counts)) if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"
            )
        print(f"| mean | {' | '.join(overall)} |\n| repeats | {' | '.join(repeats)} |")
        if OURS in methods:
            print(f"| ours minus it | {' | '.join(behind)} |")
    print(
        "\nReported minus true score at the largest budget, mean and (mean distance), as a share of the range:\n"
    )
    print(
        "| | seconds a suggestion | by the method | of the same, five fresh seeds |\n|---|---|---|---|"
    )
    for method in methods:
        mine = [run for (m, p, _), run in runs.items() if m == method and p in problems]
        seconds = float(np.mean([run["seconds"] for run in mine])) if mine else float("nan")
        print(
            f"| {method} | {seconds:.3f} | {_flattery(mine, 'flattery')} | {_flattery(mine, 'confirmed')} |"
        )


def _flattery(runs: Sequence[dict[str, float]], kind: str) -> str:
    values = [
        [run[f"{kind} {budget}"] for budget in BUDGETS if f"{kind} {budget}" in run][-1:]
        for run in runs
    ]
    found = np.array([value for last in values for value in last])
    return f"{found.mean():+.3f} ({np.abs(found).mean():.3f})" if len(found) else "-"


def _paired(
    pairs: Sequence[tuple[dict[int, float], dict[int, float]]], rng: np.random.Generator
) -> str:
    differences = [
        np.array([ours[r] - theirs[r] for r in ours if r in theirs]) for ours, theirs in pairs
    ]
    if not all(len(each) for each in differences):
        return ""
    mean = float(np.mean([each.mean() for each in differences]))
    low, high = np.quantile(
        np.mean([_resampled(each, rng) for each in differences], axis=0), [0.025, 0.975]
    )
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _resampled(values: Array, rng: np.random.Generator) -> Array:
    means: Array = values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    return means


def _with_interval(mean: float, resampled: Array) -> str:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return f"{mean:.3f} ({low:.3f}-{high:.3f})"
