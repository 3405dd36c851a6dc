"""PPO trials through the real command line: seconds, peak memory, repeatability, fast against raw.

python tests/benchmarks/bench_trial.py [--seeds 5]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Aims of the plan.
AIM_SHORT_SEC = 8
AIM_LONG_SEC = 40
AIM_MEMORY_GB = 2


def measure(folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds from process start to result.json, and the mean reward in it."""
    command = [sys.executable, "agent/donkeycar_sb3_runner.py", "--agent", "ppo"]
    command += ["--reward-shaping", "--save-dir", str(folder), *arguments]
    started = time.time()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    result = folder / "result.json"
    return result.stat().st_mtime - started, json.loads(result.read_text())["mean_reward"]


def peak_gb() -> float:
    """Peak resident memory of the largest child so far (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9


def print_times(folder: Path) -> None:
    """Seconds of a short trial and a long one, and that the short one repeats itself."""
    first_sec, first = measure(folder / "first")
    again_sec, again = measure(folder / "again")
    best_sec = min(first_sec, again_sec)
    print(
        f"10,000 steps, fast: {best_sec:.1f} s, best of two (must: <= {AIM_SHORT_SEC} s)",
        flush=True,
    )
    same = "identical" if first == again else "DIFFERENT"
    print(
        f"same seed twice: mean_reward {first!r} and {again!r}, {same} (must: identical)",
        flush=True,
    )
    long_sec, _ = measure(folder / "long", "--timesteps", "100000")
    print(f"100,000 steps, fast: {long_sec:.1f} s (must: <= {AIM_LONG_SEC} s)", flush=True)


def print_scores(folder: Path, observation: str, seeds: Sequence[int]) -> None:
    """Seconds and scores of short trials with an observation, a seed each.

    :param folder: of the trials
    :param observation: fast or raw
    :param seeds: of the trials
    """
    seconds = []
    scores = []
    for seed in seeds:
        options = ("--observation", observation, "--seed", str(seed))
        elapsed_sec, score = measure(folder / f"{observation}-{seed}", *options)
        seconds.append(elapsed_sec)
        scores.append(score)
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    print(
        f"10,000 steps, {observation}: {statistics.median(seconds):.1f} s, mean_reward"
        f" {statistics.mean(scores):.0f} +- {spread:.0f} over {len(scores)} seeds:"
        f" {', '.join(f'{score:.0f}' for score in scores)} (must: fast no worse than raw)",
        flush=True,
    )


def main() -> None:
    """Print a line for each figure. Fast trials come first: the peak of children only grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="trainings of each observation (default 5)"
    )
    seeds = range(1, parser.parse_args().seeds + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_times(folder)
        print(f"peak resident memory, fast: {peak_gb():.2f} GB (must: < {AIM_MEMORY_GB} GB)")
        for observation in ("fast", "raw"):
            print_scores(folder, observation, seeds)
        print(f"peak resident memory, raw: {peak_gb():.2f} GB (must: < {AIM_MEMORY_GB} GB)")


if __name__ == "__main__":
    main()
