"""Trials an hour with one worker and with two, real short trials through the real command line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRIALS = 4
STEPS = "4000"


def trials_an_hour(workers: int) -> float:
    """Of a study of ``TRIALS`` trials, start and cool-downs included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "agent/autoresearch_controller.py",
            "--trials",
            str(TRIALS),
            "--agent",
            "ppo",
        ]
        command += [
            "--min-timesteps",
            STEPS,
            "--max-timesteps",
            STEPS,
            "--workers",
            str(workers),
            "--push-every",
            "0",
        ]
        command += ["--results-dir", f"{folder}/results", "--models-dir", f"{folder}/models"]
        started = time.monotonic()
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, timeout=900)
        return 3600.0 * TRIALS / (time.monotonic() - started)


def main() -> None:
    """Print one line."""
    one = trials_an_hour(1)
    two = trials_an_hour(2)
    print(
        f"trials of {STEPS} steps an hour: one worker {one:.0f}, two {two:.0f}, "
        f"x{two / one:.2f} (must: >= 1.5)"
    )


if __name__ == "__main__":
    main()
