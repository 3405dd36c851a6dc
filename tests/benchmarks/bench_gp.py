"""The search on one core: seconds and memory of a proposal, and proposals from nasty histories."""

from __future__ import annotations

import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # read when numpy loads
sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np  # noqa: E402

from agent.search.parameter import Range  # noqa: E402
from agent.search.proposer import propose  # noqa: E402
from agent.search.space import Space  # noqa: E402
from agent.search.stopping import assess  # noqa: E402
from agent.search.surrogate import Entry  # noqa: E402
from tests.search.example_spaces import BOTH_AGENTS, RATE, bins  # noqa: E402
from tests.search.nasty import nasty_history  # noqa: E402

LIMITS_SEC = {100: 0.03, 300: 0.1, 1000: 1.0}
REPEATS = 9
NASTY = 1000
SUGGESTIONS = 300


def main() -> int:
    for observations, limit in LIMITS_SEC.items():
        taken = seconds(observations)
        print(
            f"gp fit + suggestion, {observations} observations, one core: "
            f"median {statistics.median(taken):.3f} s "
            f"(slowest {max(taken):.3f} s; must be <= {limit:g} s)"
        )
    history = peaked(max(LIMITS_SEC))
    suggestion = megabytes(
        lambda: propose(BOTH_AGENTS, history, np.random.default_rng(0), kappa=2.0)
    )
    assessment = megabytes(lambda: assess(BOTH_AGENTS, history, np.random.default_rng(0)))
    print(
        f"memory at {len(history)}: at most {suggestion:.0f} MB of a suggestion, "
        f"{assessment:.0f} MB of an assessment"
    )
    print(f"nasty histories: {NASTY} tried, {nasty()} without a finite proposal (must be 0)")
    print(
        f"suggestions: {SUGGESTIONS} of an integer space, {duplicates()} of them twice (must be 0)"
    )
    return 0


def peaked(observations: int) -> list[Entry]:
    """A history of scores around a peak, with noise."""
    rng = np.random.default_rng(0)
    history: list[Entry] = []
    for _ in range(observations):
        params = BOTH_AGENTS.sample(rng)
        peak = -((np.log10(params["learning_rate"]) + 3.3) ** 2) + 0.1 * params.get("n_steer", 7)
        history.append((params, 100.0 + 50.0 * peak + rng.normal(0.0, 20.0)))
    return history


def megabytes(call: Callable[[], object]) -> float:
    """Returns the most that ``call`` had allocated at a time."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def seconds(observations: int) -> list[float]:
    """Seconds of the processor that suggestions take."""
    history = peaked(observations)
    taken: list[float] = []
    for seed in range(REPEATS):
        begun = time.process_time()
        propose(BOTH_AGENTS, history, np.random.default_rng(seed), kappa=2.0)
        taken.append(time.process_time() - begun)
    return taken


def nasty() -> int:
    """Number of histories that raised or gave something that is not finite."""
    bad = 0
    for seed in range(NASTY):
        space, history = nasty_history(seed)
        try:
            proposal = propose(space, history, np.random.default_rng(seed), 2.0)
            numbers = [number for candidate in proposal.top for number in candidate[1:]]
            bad += not np.isfinite([*numbers, *space.encode(proposal.params)]).all()
        except Exception as error:
            print(f"history {seed}: {error!r}")
            bad += 1
    return bad


def duplicates() -> int:
    """Repeated params in a search of a space that is finite but large."""
    timesteps = Range("timesteps", 5_000, 5_003, log=True, integer=True)
    space = Space((*bins(), RATE, timesteps))
    history: list[Entry] = []
    seen = set()
    for trial in range(SUGGESTIONS):
        params = propose(space, history, np.random.default_rng(trial), 0.5).params
        seen.add(tuple(params.values()))
        history.append(
            (params, -abs(params["n_steer"] - 7.0) - abs(np.log10(params["learning_rate"]) + 3.0))
        )
    return SUGGESTIONS - len(seen)


if __name__ == "__main__":
    raise SystemExit(main())
