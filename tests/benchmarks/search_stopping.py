"""When our search stops by itself, whether rightly, and how far the score flatters that it then reports."""

from __future__ import annotations

import numpy as np

from agent.search.stopping import DELTA, EPSILON, FEWEST_TRIALS, SEEDS, assess
from tests.benchmarks.search_methods import METHODS
from tests.benchmarks.search_problems import Params, Problem

STARTS = 5
ASKED = 5  # trials between two questions whether to stop


def stopping(problems: list[Problem], repeats: range, trials: int) -> None:
    """Print, per problem, at which trials searches stopped and how many stops were wrong: the recommended is worse
    than the best by more than ``EPSILON`` of the range of the problem."""
    stops, wrong = 0, 0
    print(f"| problem | stopped of {len(repeats)} | at trial | wrong |\n|---|---|---|---|")
    for problem in problems:
        most = min(trials, len(problem.cells or range(trials)))
        ended = [found for repeat in repeats if (found := stop(problem, repeat, most))]
        bad = sum(regret > EPSILON for _, regret in ended)
        places = ", ".join(f"{number}{'*' if regret > EPSILON else ''}" for number, regret in ended)
        print(f"| {problem.name} | {len(ended)} | {places} | {bad} |", flush=True)
        stops, wrong = stops + len(ended), wrong + bad
    searches = len(repeats) * len(problems)
    print(
        f"\n{wrong} of {stops} stops were wrong (*), of {searches} searches of at most {trials} trials"
    )


def stop(problem: Problem, repeat: int, trials: int) -> tuple[int, float] | None:
    """The trial at which the search stops and the regret of what it recommends then.

    A recommended that is probably good enough and yet doubted is run again, as a night that confirms its champion does.
    """
    method = METHODS["ours"][1](problem, repeat)
    history: list[tuple[Params, float]] = []
    start = problem.start(repeat, STARTS)
    again: list[Params] = []
    for number in range(trials):
        params = start[number] if number < STARTS else again.pop() if again else method.ask(history)
        history.append((params, problem.trial(params, repeat, number)))
        if number + 1 >= FEWEST_TRIALS and (number + 1) % ASKED == 0:
            found, kept = (
                assess(problem.space, history, np.random.default_rng(number)),
                method.recommend(history)[0],
            )
            if found.converged:
                return number + 1, problem.regret(kept)
            again = [kept] * (SEEDS - 1) if found.probability >= 1.0 - DELTA else []
    return None
