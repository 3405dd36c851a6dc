"""Stands in for the runner: leaves a trial's files behind, or ends as badly as its plan says.

``plan.json`` beside it maps a trial folder's name, or ``*``, to any of

    say           a line to print first
    sleep         seconds before anything else
    progress      scores of evaluations spread evenly over the training
    pause         seconds after each of them
    obeys         false to go on when asked to stop
    deaf          ignore SIGTERM
    child         leave a child behind, in another session, that ignores SIGTERM and sleeps
    eat_mb        memory to fill, then sleep
    flood         print without end
    fill          fill the disk
    show          write a snapshot once somebody watches, then go on
    curves        a text for a file in a folder
    half          a result.json that is cut in the middle
    signal        die by this signal
    mean_reward   leave a model and a result with this score
    exit          exit code; a list gives one for each attempt
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

folder = Path(sys.argv[sys.argv.index("--save-dir") + 1])
plan = json.loads(Path(__file__).with_name("plan.json").read_text())
step = plan.get(folder.name, plan.get("*", {}))
if step.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if step.get("child"):
    sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    subprocess.Popen([sys.executable, "-c", sleeper], start_new_session=True)
print(step.get("say", "training"), flush=True)
time.sleep(step.get("sleep", 0.0))
steps = int(sys.argv[sys.argv.index("--timesteps") + 1]) if "--timesteps" in sys.argv else 0
for part, score in enumerate(step.get("progress", []), start=1):
    line = {"timesteps": -(-steps * part // len(step["progress"])), "mean_reward": score}
    with (folder / "progress.jsonl").open("a") as progress:
        progress.write(json.dumps(line) + "\n")
    time.sleep(step.get("pause", 0.0))
    if (folder / "stop.txt").exists() and step.get("obeys", True):
        (folder / "model.zip").write_bytes(b"model so far")
        stopped = {
            "run_status": "pruned",
            "cause": (folder / "stop.txt").read_text().strip(),
            "mean_reward": None,
        }
        (folder / "result.json").write_text(json.dumps(stopped))
        sys.exit(5)
if "eat_mb" in step:
    eaten = b"x" * (step["eat_mb"] * 1024**2)
    time.sleep(300)
while step.get("flood"):
    print("x" * 10000)
if step.get("fill"):
    with (folder / "filling").open("wb", buffering=0) as filling:
        while True:  # until there is no room
            filling.write(bytes(4096))
while step.get("show"):
    time.sleep(0.05)
    if (folder / "watch").exists():
        (folder / "snapshot.bin").write_bytes(b"a picture")
        time.sleep(1.0)
        break
if "curves" in step:
    (folder / "tb" / "PPO_1").mkdir(parents=True, exist_ok=True)
    (folder / "tb" / "PPO_1" / "events").write_text(step["curves"])
if "half" in step:
    (folder / "result.json").write_text('{"run_status": "ok", "mean_rew')
if "signal" in step:
    os.kill(os.getpid(), step["signal"])
if "mean_reward" in step:
    (folder / "model.zip").write_bytes(f"model of {folder.name}".encode())
    score = {"episodes": [1.0], "laps": [1, 2], "progress": [1.5], "best_lap_sec": None}
    result = {
        "run_status": "ok",
        "cause": None,
        "mean_reward": step["mean_reward"],
        "std_reward": 1.0,
        "score": score,
    }
    whole = json.dumps(result | {"simulator": "embedded", "versions": {"torch": "9.9"}})
    (folder / "result.json.tmp").write_text(whole)
    (folder / "result.json.tmp").replace(folder / "result.json")
code = step.get("exit", 0)
if isinstance(code, list):
    # Beside this file: on a node a trial's folder begins empty.
    attempts = Path(__file__).with_name(f"{folder.name}.attempts")
    done = len(attempts.read_text()) if attempts.exists() else 0
    attempts.write_text("x" * (done + 1))
    code = code[min(done, len(code) - 1)]
sys.exit(code)
