"""Tables in Markdown from the finished runs of ``bench_search.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.search.arrays import Array

Runs = dict[tuple[str, str, int], dict[str, float]]  # (method, problem, repeat) -> regret by budget
Regrets = Mapping[int, float]  # by repeat

BUDGETS = (10, 20, 30, 50)
RESAMPLES = 2000  # of the bootstrap
OURS = "ours"


@dataclass(frozen=True)
class BudgetTable:
    """Regrets at one budget.

    :param methods: columns
    :param problems: rows: those that every method has searched
    :param regrets: by method and problem
    """

    methods: Sequence[str]
    problems: Sequence[str]
    regrets: Mapping[tuple[str, str], Regrets]

    def print(self, rng: np.random.Generator) -> None:
        """Prints the rows of the problems, and below them the rows of all problems."""
        print(f"| regret | {' | '.join(self.methods)} |\n{'|---' * (len(self.methods) + 1)}|")
        resampled: dict[tuple[str, str], Array] = {}
        for problem in self.problems:
            cells = []
            for method in self.methods:
                regrets = np.array(list(self.regrets[method, problem].values()))
                resampled[method, problem] = _resampled(regrets, rng)
                cells.append(_with_interval(regrets.mean(), resampled[method, problem]))
            print(f"| {problem} | {' | '.join(cells)} |")
        overall = [self._overall(method, resampled) for method in self.methods]
        print(f"| mean | {' | '.join(overall)} |")
        print(f"| repeats | {' | '.join(map(self._repeats, self.methods))} |")
        if OURS in self.methods:
            behind = [self._ours_less(method, rng) for method in self.methods]
            print(f"| ours minus it | {' | '.join(behind)} |")

    def _overall(self, method: str, resampled: Mapping[tuple[str, str], Array]) -> str:
        means = [np.mean(list(self.regrets[method, each].values())) for each in self.problems]
        bootstrap = np.mean([resampled[method, each] for each in self.problems], axis=0)
        return f"**{_with_interval(float(np.mean(means)), bootstrap)}**"

    def _repeats(self, method: str) -> str:
        counts = [len(self.regrets[method, each]) for each in self.problems]
        if min(counts) == max(counts):
            return str(min(counts))
        return f"{min(counts)}-{max(counts)}"

    def _ours_less(self, method: str, rng: np.random.Generator) -> str:
        pairs = [(self.regrets[OURS, each], self.regrets[method, each]) for each in self.problems]
        return _paired(pairs, rng)


def report(runs: Runs, methods: Sequence[str], problems: Sequence[str]) -> None:
    """Prints mean regrets with 95 % intervals of the bootstrap over repeats, at each budget.

    The row "mean" is over the problems that all methods have. The last row is our regret less that
    of each method, on the repeats that both have.

    :param runs: finished ones
    :param methods: columns
    :param problems: rows
    """
    rng = np.random.default_rng(0)
    for budget in map(str, BUDGETS):
        regrets = {
            (method, problem): _regrets(runs, method, problem, budget)
            for method in methods
            for problem in problems
        }
        common = [each for each in problems if all(regrets[method, each] for method in methods)]
        if common:
            print(f"\n{budget} trials\n")
            BudgetTable(methods, common, regrets).print(rng)
    print("\nReported minus true score at the largest budget, mean and (mean distance),")
    print("as a share of the range:\n")
    print("| | seconds a suggestion | by the method | of the same, five fresh seeds |")
    print("|---|---|---|---|")
    for method in methods:
        own = [run for (m, p, _), run in runs.items() if m == method and p in problems]
        seconds = float(np.mean([run["seconds"] for run in own])) if own else float("nan")
        errors = f"{_flattery(own, 'flattery')} | {_flattery(own, 'confirmed')}"
        print(f"| {method} | {seconds:.3f} | {errors} |")


def _regrets(runs: Runs, method: str, problem: str, budget: str) -> Regrets:
    return {
        repeat: run[budget]
        for (m, p, repeat), run in runs.items()
        if (m, p) == (method, problem) and budget in run
    }


def _flattery(runs: Sequence[dict[str, float]], kind: str) -> str:
    values = [
        [run[f"{kind} {budget}"] for budget in BUDGETS if f"{kind} {budget}" in run][-1:]
        for run in runs
    ]
    found = np.array([value for last in values for value in last])
    return f"{found.mean():+.3f} ({np.abs(found).mean():.3f})" if len(found) else "-"


def _paired(pairs: Sequence[tuple[Regrets, Regrets]], rng: np.random.Generator) -> str:
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
