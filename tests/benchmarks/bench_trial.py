"""One 10,000-step PPO trial through the real command line: seconds to result.json, peak memory, repeatability."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRIAL = ["--agent", "ppo", "--timesteps", "10000", "--seed", "0"]


def measure(folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds from process start to result.json, and the mean reward in it."""
    command = [sys.executable, "agent/donkeycar_sb3_runner.py", *TRIAL, "--save-dir", str(folder), *arguments]
    started = time.time()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    result = folder / "result.json"
    return result.stat().st_mtime - started, json.loads(result.read_text())["mean_reward"]


def peak_gb() -> float:
    """Peak resident memory of the largest child so far (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Print one line per figure. The fast trials come first: the peak of all children only ever grows."""
    with tempfile.TemporaryDirectory() as folder:
        first, again = (measure(Path(folder) / name) for name in ("first", "again"))
        best = min(first[0], again[0])
        print(f"10,000-step PPO trial, fast, to result.json: {best:.1f} s, best of two (must: <= 15 s)", flush=True)
        print(f"peak resident memory, fast: {peak_gb():.2f} GB (must: < 2 GB)", flush=True)
        same = "identical" if first[1] == again[1] else "DIFFERENT"
        print(f"same seed twice: mean_reward {first[1]!r} and {again[1]!r}, {same} (must: identical)", flush=True)
        raw, _ = measure(Path(folder) / "raw", "--observation", "raw")
        print(f"10,000-step PPO trial, raw, to result.json: {raw:.1f} s (must: < 360 s)", flush=True)
        print(f"peak resident memory, raw: {peak_gb():.2f} GB (must: < 2 GB)", flush=True)


if __name__ == "__main__":
    main()
