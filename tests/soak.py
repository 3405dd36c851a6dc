"""Soak: faulted trials by the hundred, a controller that is killed again and again, a full disk, a ledger cut at every
byte. ``make soak``.

A runner that misbehaves on command (``fake_runner.py``) obeys the real runner's contract; controller, launcher,
ledger, champion and guard are the real ones, in processes of their own. Cooldowns are left out.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agent.executors.processes import marked, workspace_id  # noqa: E402
from agent.search.proposer import propose  # noqa: E402
from agent.study.observations import observations  # noqa: E402
from agent.study.plan import make_plan  # noqa: E402
from agent.trials.champion import verify  # noqa: E402
from agent.trials.folders import LAUNCH_NAME  # noqa: E402
from agent.trials.ledger import SEARCH_LEDGER, Ledger  # noqa: E402
from agent.trials.record import Record  # noqa: E402

TIMEOUT_SEC = 3.0
GONE_SEC = 10.0
FLAT = 1.05
SMALL_DISK = "4m"
CONTROLLER = """
import sys
from pathlib import Path
from agent.trials import session  # noqa: E402
session.COOLDOWN_SEC = 0.0
import agent.autoresearch_controller as controller
controller.RUNNER = Path(sys.argv[1])
sys.exit(controller.main(sys.argv[2:]))
"""
FAULTS: dict[str, dict[str, Any]] = {
    "ok": {},
    "hangs": {"sleep": 300},
    "hangs deaf": {"sleep": 300, "deaf": True},
    "leaves a child, hangs": {"child": True, "sleep": 300},
    "leaves a child, ends well": {"child": True},
    "eats memory": {"eat_mb": 400},
    "floods its log": {"flood": True},
    "writes half a result": {"half": True, "mean_reward": None},
    **{
        f"exits with {code}": {"exit": code, "mean_reward": None}
        for code in (1, 3, 4, 5, 17, 130, 137)
    },
    **{
        f"dies by signal {number}": {"signal": number, "mean_reward": None}
        for number in (1, 2, 6, 9, 11, 15)
    },
}


class Study:
    """A workspace, its plan for the fake runner, and controllers over it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.models = folder, folder / "models"
        self.runner = Path(shutil.copy(ROOT / "tests" / "fake_runner.py", folder / "runner.py"))
        self.ledger = Ledger(folder / "results" / SEARCH_LEDGER)

    def plan(self, steps: dict[str, dict[str, Any]]) -> None:
        """Write what each trial does."""
        (self.folder / "plan.json").write_text(json.dumps(steps))

    def start(self, trials: int, *argv: str) -> subprocess.Popen[bytes]:
        """A controller in a process of its own."""
        folders = ["--results-dir", str(self.folder / "results"), "--models-dir", str(self.models)]
        options = [
            "--trials",
            str(trials),
            "--cooldown",
            "0",
            "--agent",
            "ppo",
            "--push-every",
            "0",
        ]
        options += ["--confirm-seeds", "0", *folders, *argv]
        command = [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            CONTROLLER,
            str(self.runner),
            *options,
        ]
        with (self.folder / "controller.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    def heard(self) -> None:
        """Wait for the controller's next word."""
        log, deadline = self.folder / "controller.log", time.monotonic() + GONE_SEC
        before = log.stat().st_size
        while log.stat().st_size == before and time.monotonic() < deadline:
            time.sleep(0.01)

    def left_alive(self) -> int:
        """Processes of this workspace, after they had ``GONE_SEC`` to go."""
        deadline = time.monotonic() + GONE_SEC
        while time.monotonic() < deadline:
            left = [
                mark for _, mark in marked() if mark.split(":")[3:4] == [workspace_id(self.models)]
            ]
            if not left:
                return 0
            time.sleep(0.05)
        return len(left)

    def check(self, records: list[Record]) -> list[str]:
        """What is wrong with ledger, folders and champion."""
        wrong = []
        numbers = sorted(record.trial for record in records)
        if numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"trial numbers are not 1 to {len(numbers)}: {numbers}")
        folders = sorted(int(path.name.split("-")[1]) for path in self.models.glob("trial-*"))
        if folders != numbers:
            wrong.append(f"folders {sorted(set(folders) ^ set(numbers))} and records differ")
        if len(self.ledger.path.read_text().splitlines()) != len(records):
            wrong.append("the ledger has lines that are no records")
        best = max((r.mean_reward for r in records if r.mean_reward is not None), default=None)
        if best is not None:
            verify(self.models / "champion")
            title = json.loads((self.models / "champion" / "manifest.json").read_text())[
                "mean_reward"
            ]
            if title != best:
                wrong.append(f"the champion has {title}, the best trial {best}")
        return wrong


def faulted_trials(folder: Path, trials: int, workers: int) -> list[str]:
    """Trials that fail in every way there is; returns what went wrong."""
    night, rng = Study(folder), random.Random(0)
    names = rng.choices(list(FAULTS), k=trials)
    for k in range(2, trials):  # three equal failures in a row would rightly stop the night
        if names[k] == names[k - 1] or names[k] == names[k - 2]:
            names[k] = "ok"
    steps = {}
    for k, name in enumerate(names, start=1):
        steps[f"trial-{k:03d}"] = {
            "say": name,
            "mean_reward": round(rng.uniform(0, 100), 3),
        } | FAULTS[name]
        if steps[f"trial-{k:03d}"]["mean_reward"] is None:
            del steps[f"trial-{k:03d}"]["mean_reward"]
    night.plan(steps)
    limits = ("--timeout", str(TIMEOUT_SEC), "--memory-limit", "300M", "--workers", str(workers))
    wrong: list[str] = []
    memory: list[tuple[int, int]] = []  # bytes after so many records
    started, longest = time.monotonic(), 0.0
    while (done := len(night.ledger.load())) < trials:
        controller = night.start(trials - done, *limits)
        watched = psutil.Process(controller.pid)
        last, since = done, time.monotonic()
        while controller.poll() is None:
            time.sleep(0.2)
            recorded = (
                night.ledger.path.read_bytes().count(b"\n") if night.ledger.path.exists() else 0
            )
            if recorded != last:
                last, since = recorded, time.monotonic()
            longest = max(longest, time.monotonic() - since)
            if longest > 60.0:
                controller.send_signal(signal.SIGABRT)  # tells where it stands
                controller.wait()
                told = (
                    (night.folder / "controller.log").read_text(errors="replace").splitlines()[-60:]
                )
                return [
                    *wrong,
                    f"nothing happened for {longest:.0f} s after record {recorded}",
                    *told,
                ]
            try:
                memory.append((recorded, watched.memory_info().rss))
            except psutil.Error:
                break
        controller.wait(60)
        if controller.returncode not in (0, 3):
            said = (
                (night.folder / "controller.log").read_text(errors="replace").strip().splitlines()
            )
            wrong.append(f"a controller ended with {controller.returncode}: {said[-1]}")
            break
    records = night.ledger.load()
    wrong += night.check(records)
    if alive := night.left_alive():
        wrong.append(f"{alive} processes are left")
    seen: dict[str, int] = {}
    for record in records:
        seen[record.run_status] = seen.get(record.run_status, 0) + 1
    # Highest in the second tenth of the night, when the search is at work, and in the last.
    warm, late = (
        max((size for record, size in memory if low <= record * 10 / trials <= low + 1), default=0)
        for low in (1, 9)
    )
    growth = late / warm if warm and trials >= 100 else 1.0
    if growth > FLAT:
        wrong.append(f"the controller grew by {100 * (growth - 1):.1f} %")
    print(
        f"{len(records)} faulted trials, {workers} at a time, in {time.monotonic() - started:.0f} s: {seen}; "
        f"longest silence {longest:.1f} s, controller's memory {warm / 1e6:.1f} to {late / 1e6:.1f} MB, x{growth:.3f}",
        flush=True,
    )
    return wrong


def killed_controllers(folder: Path, kills: int) -> list[str]:
    """SIGKILL at random moments, then a start that goes on; returns what went wrong."""
    night, rng = Study(folder), random.Random(1)
    night.plan(
        {
            f"trial-{k:03d}": {"sleep": 0.15, "child": k % 7 == 0, "mean_reward": float(k % 40)}
            for k in range(1, 4 * kills + 40)
        }
    )
    wrong: list[str] = []
    slowest = 0.0
    for _ in range(kills):
        controller = night.start(1000)
        if rng.random() < 0.8:  # on a busy machine most would otherwise die before they begin
            night.heard()
        time.sleep(rng.uniform(0.0, 2.0))
        controller.kill()
        controller.wait()
        killed = time.monotonic()
        if alive := night.left_alive():
            wrong.append(f"{alive} processes outlived their controller")
        slowest = max(slowest, time.monotonic() - killed)
    if night.start(2).wait(60) != 0:
        wrong.append("the last start did not end well")
    records = night.ledger.load()
    wrong += night.check(records)
    plan = make_plan({"agent": "ppo", "reward_shaping": True}, {}, "spec", 5000, 20_000)
    repeated = 0
    for k, record in enumerate(records):
        told = json.loads((night.models / f"trial-{record.trial:03d}" / LAUNCH_NAME).read_text())
        if plan.begins_with(told["params"]):
            continue
        history = observations(plan.space, records[:k])
        again = propose(plan.space, history, np.random.default_rng([0, record.trial]), 2.0)
        if any(told["params"][name] != value for name, value in again.params.items()):
            wrong.append(f"trial {record.trial} is not what an unbroken night would have tried")
        repeated += 1
    interrupted = sum(record.run_status == "interrupted" for record in records)
    print(
        f"{kills} controllers killed: {len(records)} records, {interrupted} interrupted, {repeated} suggestions as in "
        f"an unbroken night, everything of a killed controller gone within {slowest:.1f} s",
        flush=True,
    )
    return wrong


def cut_ledger(folder: Path, lines: int) -> list[str]:
    """A ledger cut at every byte; returns what went wrong."""
    whole, cut = Ledger(folder / "whole.jsonl"), Ledger(folder / "cut.jsonl")
    last = Record(
        trial=lines + 1,
        timestamp="",
        params={"said": 'a "brace}\\n'},
        mean_reward=1.0,
        std_reward=None,
        model_path=None,
        champion=False,
        elapsed_sec=1.0,
        run_status="ok",
    )
    for trial in range(1, lines + 1):
        whole.append(replace(last, trial=trial))
    data = whole.path.read_bytes()
    ends = [place for place, byte in enumerate(data) if byte == 10]
    wrong = []
    with patch("os.fsync"):  # what is looked at is the bytes
        for place in range(len(data) + 1):
            cut.path.write_bytes(data[:place])
            cut.append(last)
            complete = sum(
                end <= place for end in ends
            )  # a line that lacks only its newline is complete
            if [each.trial for each in cut.load()] != [*range(1, complete + 1), lines + 1]:
                wrong.append(
                    f"a ledger cut at byte {place} of {len(data)} does not hold {complete} records and the next"
                )
    print(
        f"ledger of {lines} lines cut at each of {len(data) + 1} bytes: {len(wrong)} times not whole",
        flush=True,
    )
    return wrong


def full_disk(folder: Path, fillings: int) -> list[str]:
    """A disk of ``SMALL_DISK`` that trials fill up again and again; returns what went wrong."""
    mount = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        f'mount -t tmpfs -o size={SMALL_DISK} small "$0" && exec "$@"',
        str(folder),
    ]
    try:
        subprocess.run([*mount, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"full disk: skipped, this account can mount no small disk of its own ({error})",
            flush=True,
        )
        return []
    command = [
        *mount,
        sys.executable,
        __file__,
        "--on-small-disk",
        str(folder),
        "--fillings",
        str(fillings),
    ]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    *told, last = done.stdout.splitlines() or [""]
    print(*told, sep="\n", flush=True)
    return (
        json.loads(last)
        if done.returncode == 0
        else [f"the small disk's own process ended with {done.returncode}"]
    )


def on_small_disk(folder: Path, fillings: int) -> list[str]:
    """``full_disk``, on that disk; every third trial fills it, and somebody frees it once the controller has ended."""
    night, trials = Study(folder), 3 * fillings
    night.plan(
        {
            f"trial-{k:03d}": {"fill": True} if k % 3 == 2 else {"mean_reward": k % 7 + 1.0}
            for k in range(trials + 9)
        }
    )
    wrong, ends = [], {0: 0, 1: 0, 3: 0}
    for _ in range(10 * fillings):
        if (done := len(night.ledger.load())) >= trials:
            break
        code = night.start(trials - done, "--min-free", "0.001M", "--workers", "2").wait(120)
        ends[code] = ends.get(code, 0) + 1
        if alive := night.left_alive():
            wrong.append(f"{alive} processes outlived the controller on a full disk")
        for filling in night.models.glob("trial-*/filling"):
            filling.unlink()
    said = (night.folder / "controller.log").read_text(errors="replace")
    complaints = [line for line in said.splitlines() if ": error: " in line]
    if (
        "Traceback" in said
        or set(ends) != {0, 1, 3}
        or not ends[1]
        or len(complaints) != ends[1] + ends[3]
    ):
        wrong.append(
            f"controllers on a full disk ended with {ends} and {len(complaints)} lines of complaint"
        )
    records = night.ledger.load()
    wrong += night.check(records)
    print(
        f"disk of {SMALL_DISK} filled up: {len(records)} records, {ends[1]} controllers ended in one line by it, "
        f"such as: {next((line for line in complaints if 'no space' in line), 'none')}",
        flush=True,
    )
    return wrong


def main(argv: list[str] | None = None) -> int:
    """Run all parts but those of 0; returns 1 and says what went wrong if anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="faulted trials (default 1000)")
    parser.add_argument(
        "--workers", type=int, default=4, help="faulted trials at a time (default 4)"
    )
    parser.add_argument("--kills", type=int, default=100, help="controllers to kill (default 100)")
    parser.add_argument(
        "--fillings", type=int, default=20, help="times to fill a small disk (default 20)"
    )
    parser.add_argument(
        "--lines", type=int, default=50, help="lines of the ledger to cut (default 50)"
    )
    parser.add_argument("--on-small-disk", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.on_small_disk:
        print(json.dumps(on_small_disk(options.on_small_disk, options.fillings)))
        return 0
    wrong: list[str] = []
    parts: tuple[tuple[Callable[..., list[str]], tuple[int, ...]], ...] = (
        (cut_ledger, (options.lines,)),
        (full_disk, (options.fillings,)),
        (killed_controllers, (options.kills,)),
        (faulted_trials, (options.trials, options.workers)),
    )
    for part, arguments in parts:
        if arguments[0]:
            with tempfile.TemporaryDirectory(prefix="soak-") as folder:
                wrong += part(Path(folder), *arguments)
    for line in wrong:
        print(f"WRONG: {line}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
