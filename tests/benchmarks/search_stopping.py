"""Stops of our search: at which trial it stops by itself, and how many stops are wrong."""

from __future__ import annotations

import numpy as np

from agent.search.stopping import DELTA, EPSILON, MIN_OUTCOMES, MIN_TRIALS, assess
from tests.benchmarks.search_methods import METHODS
from tests.benchmarks.search_problems import Params, Problem

STARTS = 5
ASKED = 5  # trials between two assessments


def stopping(problems: list[Problem], repeats: range, trials: int) -> None:
    """Prints, per problem, at which trials searches stopped and how many stops were wrong.

    A stop is wrong if the recommended is worse than the best by more than ``EPSILON`` of the range
    of the problem.

    :param problems: to search
    :param repeats: searches of each
    :param trials: most trials of a search
    """
    stops = 0
    wrong = 0
    print(f"| problem | stopped of {len(repeats)} | at trial | wrong |\n|---|---|---|---|")
    for problem in problems:
        most = min(trials, len(problem.cells or range(trials)))
        found = [stop(problem, repeat, most) for repeat in repeats]
        ended = [each for each in found if each is not None]
        bad = sum(regret > EPSILON for _, regret in ended)
        places = ", ".join(f"{number}{'*' if regret > EPSILON else ''}" for number, regret in ended)
        print(f"| {problem.name} | {len(ended)} | {places} | {bad} |", flush=True)
        stops += len(ended)
        wrong += bad
    searches = len(repeats) * len(problems)
    print(
        f"\n{wrong} of {stops} stops were wrong (*), "
        f"of {searches} searches of at most {trials} trials"
    )


def stop(problem: Problem, repeat: int, trials: int) -> tuple[int, float] | None:
    """Returns the trial at which a search stops and the regret of what it then recommends.

    A recommended configuration that is probably good enough and yet doubted is run again, as a
    study that confirms its champion does.

    :param problem: to search
    :param repeat: number of the search
    :param trials: most trials
    """
    method = METHODS["ours"][1](problem, repeat)
    history: list[tuple[Params, float]] = []
    start = problem.start(repeat, STARTS)
    again: list[Params] = []
    for number in range(trials):
        if number < STARTS:
            params = start[number]
        elif again:
            params = again.pop()
        else:
            params = method.ask(history)
        history.append((params, problem.trial(params, repeat, number)))
        if number + 1 < MIN_TRIALS or (number + 1) % ASKED != 0:
            continue
        found = assess(problem.space, history, np.random.default_rng(number))
        kept, _ = method.recommend(history)
        if found.converged:
            return number + 1, problem.regret(kept)
        again = []
        if found.probability >= 1.0 - DELTA:
            again = [kept] * (MIN_OUTCOMES - 1)
    return None
