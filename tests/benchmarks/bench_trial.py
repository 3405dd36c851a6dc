"""PPO trials through the real command line: seconds to result.json, peak memory, repeatability, fast against raw.

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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def measure(
    folder: Path, *arguments: str, timesteps: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Seconds from process start to result.json, and the mean reward in it."""
    command = [
        sys.executable,
        "agent/donkeycar_sb3_runner.py",
        "--agent",
        "ppo",
        "--timesteps",
        str(timesteps),
    ]
    command += ["--seed", str(seed), "--reward-shaping", "--save-dir", str(folder), *arguments]
    started = time.time()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    result = folder / "result.json"
    return result.stat().st_mtime - started, json.loads(result.read_text())["mean_reward"]


def peak_gb() -> float:
    """Peak resident memory of the largest child so far (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Print one line per figure. The fast trials come first: the peak of all children only ever grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="trainings of each observation (default 5)"
    )
    seeds = range(1, parser.parse_args().seeds + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, again = (measure(folder / name) for name in ("first", "again"))
        print(
            f"10,000 steps, fast: {min(first[0], again[0]):.1f} s, best of two (must: <= 8 s)",
            flush=True,
        )
        same = "identical" if first[1] == again[1] else "DIFFERENT"
        print(
            f"same seed twice: mean_reward {first[1]!r} and {again[1]!r}, {same} (must: identical)",
            flush=True,
        )
        long_sec, _ = measure(folder / "long", timesteps=100_000)
        print(f"100,000 steps, fast: {long_sec:.1f} s (must: <= 40 s)", flush=True)
        print(f"peak resident memory, fast: {peak_gb():.2f} GB (must: < 2 GB)", flush=True)
        for observation in ("fast", "raw"):
            options = ("--observation", observation)
            driven = [
                measure(folder / f"{observation}-{seed}", *options, seed=seed) for seed in seeds
            ]
            scores = [score for _, score in driven]
            spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
            print(
                f"10,000 steps, {observation}: {statistics.median(sec for sec, _ in driven):.1f} s, mean_reward "
                f"{statistics.mean(scores):.0f} +- {spread:.0f} over {len(scores)} seeds: "
                f"{', '.join(f'{score:.0f}' for score in scores)} (must: fast no worse than raw)",
                flush=True,
            )
        print(f"peak resident memory, raw: {peak_gb():.2f} GB (must: < 2 GB)", flush=True)


if __name__ == "__main__":
    main()
