"""Seconds from a history of 300 observations to the next proposal, on one core."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # read when numpy loads
sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np  # noqa: E402

from agent.search.proposer import propose  # noqa: E402
from agent.search.space import trial_space  # noqa: E402

OBSERVATIONS = 300
REPEATS = 9


def main() -> int:
    space = trial_space(None, 5_000, 20_000)
    rng = np.random.default_rng(0)
    history = []
    for _ in range(OBSERVATIONS):
        params = space.sample(rng)
        peak = -((np.log10(params["learning_rate"]) + 3.3) ** 2) + 0.1 * params.get("n_steer", 7)
        history.append((params, 100.0 + 50.0 * peak + rng.normal(0.0, 20.0)))
    seconds = []
    for seed in range(REPEATS):
        start = time.perf_counter()
        propose(space, history, np.random.default_rng(seed), kappa=2.0)
        seconds.append(time.perf_counter() - start)
    print(
        f"gp fit + suggestion, {OBSERVATIONS} observations, one core: median {statistics.median(seconds):.3f} s "
        f"(slowest {max(seconds):.3f} s; must be < 0.3 s)"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
