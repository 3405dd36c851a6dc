"""Controller: seconds from process start to the first trial's launch, and its resident memory at that moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 300
ROUNDS = 5

# The runner's place is taken by one that notes the time and its parent's memory, then ends.
PROBE = """
import json, sys, time
from pathlib import Path
launched = time.time()
import psutil
memory = psutil.Process().parent().memory_info().rss
Path({answer!r}).write_text(json.dumps([launched, memory]))
raise SystemExit(1)
"""
CONTROLLER = """
import sys
from pathlib import Path
import agent.autoresearch_controller as controller
controller.RUNNER = Path(sys.argv[1])
raise SystemExit(controller.main(sys.argv[2:]))
"""


def history() -> str:
    """A ledger of ``RECORDS`` scored trials."""
    lines = []
    for trial in range(1, RECORDS + 1):
        params = {"agent": "ppo", "learning_rate": 1e-5 * 1.02**trial, "timesteps": 5000 + 37 * trial}
        record = {"trial": trial, "timestamp": "", "params": params, "mean_reward": trial % 17, "std_reward": 1.0}
        record |= {"model_path": None, "champion": False, "elapsed_sec": 1.0, "run_status": "ok"}
        lines.append(json.dumps(record) + "\n")
    return "".join(lines)


def measure(ledger: str) -> tuple[float, float]:
    """Seconds to the first launch and MB of the controller then."""
    with tempfile.TemporaryDirectory() as folder:
        results, answer, probe = (Path(folder) / name for name in ("results", "answer.json", "probe.py"))
        results.mkdir()
        (results / "autoresearch_results.jsonl").write_text(ledger)
        probe.write_text(PROBE.format(answer=str(answer)))
        command = [sys.executable, "-c", CONTROLLER, str(probe), "--trials", "1", "--agent", "ppo"]
        command += ["--results-dir", str(results), "--models-dir", str(Path(folder) / "models")]
        started = time.time()
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, env=os.environ)
        launched, memory = json.loads(answer.read_text())
        return launched - started, memory / 1e6


def main() -> None:
    """Print the best of ``ROUNDS`` rounds, with an empty ledger and with a full one."""
    empty = min(measure("") for _ in range(ROUNDS))
    full = min(measure(history()) for _ in range(ROUNDS))
    print(
        f"controller before the first trial: {empty[0]:.2f} s, {empty[1]:.0f} MB (must: < 0.5 s, < 80 MB); "
        f"with {RECORDS} records: {full[0]:.2f} s, {full[1]:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
