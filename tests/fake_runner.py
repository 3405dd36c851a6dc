"""Stands in for the trainer: leaves a trial's files behind, or ends as badly as ``plan.json`` beside it says.

The plan maps a trial folder's name, or ``*``, to ``{"mean_reward", "exit", "say", "sleep"}``.
"""

import json
import sys
import time
from pathlib import Path

folder = Path(sys.argv[sys.argv.index("--save-dir") + 1])
plan = json.loads(Path(__file__).with_name("plan.json").read_text())
step = plan.get(folder.name, plan.get("*", {}))
print(step.get("say", "training"), flush=True)
time.sleep(step.get("sleep", 0.0))
if "mean_reward" in step:
    (folder / "model.zip").write_bytes(f"model of {folder.name}".encode())
    score = {"episodes": [1.0], "laps": [1, 2], "progress": [1.5], "best_lap_sec": None}
    result = {"run_status": "ok", "cause": None, "mean_reward": step["mean_reward"], "std_reward": 1.0, "score": score}
    (folder / "result.json").write_text(json.dumps(result | {"simulator": "embedded", "versions": {"torch": "9.9"}}))
sys.exit(step.get("exit", 0))
