"""Controller: its start and its memory, and what it needs between two trials.

The start is from the process's to the first trial's launch. The time between two trials is from a
runner's last line to the next one's first, without the cool-down.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 300
ROUNDS = 5
GAPS = 12
COOLDOWN_SEC = 2.0

# A runner that notes the time and its parent's memory, then ends.
PROBE = """
import json, sys, time
from pathlib import Path
launched = time.time()
import psutil
memory = psutil.Process().parent().memory_info().rss
Path({answer!r}).write_text(json.dumps([launched, memory]))
raise SystemExit(1)
"""
# A runner that scores, so that the search goes on learning, and notes when it began and ended.
SCORER = """
import time
began = time.time()
import json, sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--save-dir") + 1])
(folder / "model.zip").write_bytes(b"model")
score = int(folder.name.split("-")[1]) * 7 % 19
result = {{"run_status": "ok", "mean_reward": score, "std_reward": 1.0}}
(folder / "result.json").write_text(json.dumps(result))
with open({answer!r}, "a") as file:
    file.write(json.dumps([began, time.time()]) + "\\n")
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
        params = {
            "agent": "ppo",
            "learning_rate": 1e-5 * 1.02**trial,
            "timesteps": 5000 + 37 * trial,
        }
        record = {
            "trial": trial,
            "timestamp": "",
            "params": params,
            "mean_reward": trial % 17,
            "std_reward": 1.0,
        }
        record |= {"model_path": None, "champion": False, "elapsed_sec": 1.0, "run_status": "ok"}
        lines.append(json.dumps(record) + "\n")
    return "".join(lines)


def measure(ledger: str) -> tuple[float, float]:
    """Seconds to the first launch and MB of the controller then."""
    started = time.time()
    launched, memory = run(ledger, PROBE, "--trials", "1")[0]
    return launched - started, memory / 1e6


def gaps(records: int) -> list[float]:
    """Seconds between one trial's end and the next one's beginning, without the cool-down."""
    lines = history().splitlines(keepends=True)
    ledger = "".join(lines[:records])
    times = run(ledger, SCORER, "--trials", str(GAPS + 1), "--confirm-seeds", "0")
    return [begun - ended - COOLDOWN_SEC for (_, ended), (begun, _) in pairwise(times)]


def run(ledger: str, runner: str, *argv: str) -> list[list[float]]:
    """What the runner noted, a line a trial, in a controller that begins with this ledger."""
    with tempfile.TemporaryDirectory() as folder:
        results, answer, script = (
            Path(folder) / name for name in ("results", "answer.json", "runner.py")
        )
        results.mkdir()
        (results / "autoresearch_results.jsonl").write_text(ledger)
        script.write_text(runner.format(answer=str(answer)))
        command = [
            sys.executable,
            "-c",
            CONTROLLER,
            str(script),
            "--agent",
            "ppo",
            "--push-every",
            "0",
            *argv,
        ]
        command += ["--results-dir", str(results), "--models-dir", str(Path(folder) / "models")]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, env=os.environ)
        return [json.loads(line) for line in answer.read_text().splitlines()]


def main() -> None:
    """Print the best of ``ROUNDS`` rounds, with an empty ledger and with a full one."""
    empty = min(measure("") for _ in range(ROUNDS))
    full = min(measure(history()) for _ in range(ROUNDS))
    print(
        f"controller before the first trial: {empty[0]:.2f} s, {empty[1]:.0f} MB "
        "(must: < 0.5 s, < 80 MB); "
        f"with {RECORDS} records: {full[0]:.2f} s, {full[1]:.0f} MB",
        flush=True,
    )
    for records in (100, RECORDS):
        waits = gaps(records)
        print(
            f"controller between two trials beside the cooldown, {records} records: median "
            f"{statistics.median(waits):.3f} s, longest {max(waits):.3f} s (must: < 0.2 s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
