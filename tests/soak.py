"""Soak, ``make soak``: faulted trials by the hundred, killed controllers, a full disk, a cut file.

A runner that misbehaves on command (``fake_runner.py``) obeys the real runner's contract.
Controller, executor, ledger, champion and orphan reaper are the real ones, in processes of their
own. Cool-downs are left out.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agent.config import files  # noqa: E402
from agent.search.proposer import propose  # noqa: E402
from agent.study.observations import observations  # noqa: E402
from agent.study.plan import make_plan  # noqa: E402
from agent.trials.ledger import Ledger  # noqa: E402
from agent.trials.record import Record  # noqa: E402
from tests.soak_workspace import TIMEOUT_SEC, StudyBeside, Workspace  # noqa: E402

FLAT = 1.05
SILENCE_SEC = 60.0
SMALL_DISK = "4m"
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

# How trials end that are innocent, or that only their own limit ends; or they are interrupted,
# where equal failures of others end their controller.
ENDS: dict[str, set[str]] = {
    "ok": {"ok", "interrupted"},
    "leaves a child, ends well": {"ok", "interrupted"},
    "hangs": {"timeout", "interrupted"},
    "hangs deaf": {"timeout", "interrupted"},
    "leaves a child, hangs": {"timeout", "interrupted"},
}
CLOCK_STEP_CHANCE = 0.1  # at each look, five times a second


def faulted_trials(folder: Path, trials: int, workers: int) -> list[str]:
    """Trials that fail in every way there is; returns what went wrong."""
    study = Workspace(folder)
    study.open_clock()
    n_beside = max(1, trials // 10)
    study.plan(faulted_plan(trials + n_beside))
    limits = ("--timeout", str(TIMEOUT_SEC), "--memory-limit", "300M")
    second = StudyBeside(study, n_beside, *limits)
    watch = Watch(study)
    started = time.monotonic()
    while (done := len(study.ledger.load())) < trials:
        watch.follow(study.start(trials - done, *limits, "--workers", str(workers)))
        if watch.wrong:
            return watch.wrong
    elapsed_sec = time.monotonic() - started
    records = study.ledger.load()
    beside = second.records()
    wrong = second.wrong + second.study.check(beside, records) + study.check(records, beside)
    wrong += study.blamed(records + beside, ENDS)
    if "stale processes" in study.controller_log.read_text(errors="replace"):
        wrong.append("a controller took its own trials for another's")
    if alive := study.left_alive():
        wrong.append(f"{alive} processes are left")
    warm, late = watch.memory_bytes(trials)
    growth = late / warm if warm and trials >= 100 else 1.0
    if growth > FLAT:
        wrong.append(f"the controller grew by {100 * (growth - 1):.1f} %")
    seen = Counter(record.run_status for record in records)
    print(
        f"{len(records)} faulted trials, {workers} at a time, in {elapsed_sec:.0f} s: {dict(seen)};"
        f" {len(beside)} of a second study over the same models, with nobody to talk to;"
        f" clock set {study.clock_steps} times,"
        f" longest silence {watch.longest_sec:.1f} s,"
        f" controller's memory {warm / 1e6:.1f} to {late / 1e6:.1f} MB, x{growth:.3f}",
        flush=True,
    )
    return wrong


def faulted_plan(trials: int) -> dict[str, dict[str, Any]]:
    """A plan of faults in which no three equal failures in a row would rightly end the study."""
    rng = random.Random(0)
    names = rng.choices(list(FAULTS), k=trials)
    for k in range(2, trials):
        if names[k] in (names[k - 1], names[k - 2]):
            names[k] = "ok"
    steps = {}
    for k, name in enumerate(names, start=1):
        step = {"say": name, "mean_reward": round(rng.uniform(0, 100), 3)} | FAULTS[name]
        if step["mean_reward"] is None:
            del step["mean_reward"]
        steps[f"trial-{k:03d}"] = step
    return steps


class Watch:
    """Watches controllers: their memory, and how long nothing was recorded."""

    def __init__(self, study: Workspace) -> None:
        self.study = study
        self.wrong: list[str] = []
        self.longest_sec = 0.0
        self._memory: list[tuple[int, int]] = []  # bytes after so many records
        self._rng = random.Random(2)

    def follow(self, controller: subprocess.Popen[bytes]) -> None:
        """Until it has ended, as it should."""
        watched = psutil.Process(controller.pid)
        last = -1
        since = time.monotonic()
        while controller.poll() is None:
            time.sleep(0.2)
            if self._rng.random() < CLOCK_STEP_CHANCE:
                self.study.step_clock(self._rng)
            recorded = self._recorded()
            if recorded != last:
                last = recorded
                since = time.monotonic()
            self.longest_sec = max(self.longest_sec, time.monotonic() - since)
            if self.longest_sec > SILENCE_SEC:
                controller.send_signal(signal.SIGABRT)  # tells where it stands
                controller.wait()
                self.wrong += [f"silence after record {recorded}", *self._last_lines(60)]
                return
            try:
                self._memory.append((recorded, watched.memory_info().rss))
            except psutil.Error:
                break
        controller.wait(60)
        if controller.returncode not in (0, 3):
            last_line = self._last_lines(1)[0]
            self.wrong.append(f"a controller ended with {controller.returncode}: {last_line}")

    def memory_bytes(self, trials: int) -> tuple[int, int]:
        """Highest in the second tenth of the study, when the search is at work, and in the last."""
        warm, late = (
            max((size for n, size in self._memory if low <= n * 10 / trials <= low + 1), default=0)
            for low in (1, 9)
        )
        return warm, late

    def _recorded(self) -> int:
        path = self.study.ledger.path
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def _last_lines(self, n: int) -> list[str]:
        text = self.study.controller_log.read_text(errors="replace")
        return (text.strip().splitlines() or [""])[-n:]


def killed_controllers(folder: Path, kills: int) -> list[str]:
    """SIGKILL at random moments, then a start that goes on; returns what went wrong."""
    study = Workspace(folder)
    study.open_clock()
    rng = random.Random(1)
    study.plan(
        {
            f"trial-{k:03d}": {"sleep": 0.15, "child": k % 7 == 0, "mean_reward": float(k % 40)}
            for k in range(1, 4 * kills + 40)
        }
    )
    wrong: list[str] = []
    slowest = 0.0
    for _ in range(kills):
        controller = study.start(1000)
        if rng.random() < 0.8:  # on a busy machine most would otherwise die before they begin
            study.heard()
            study.step_clock(rng)
        time.sleep(rng.uniform(0.0, 2.0))
        controller.kill()
        controller.wait()
        killed = time.monotonic()
        if alive := study.left_alive():
            wrong.append(f"{alive} processes outlived their controller")
        slowest = max(slowest, time.monotonic() - killed)
    if study.start(2).wait(60) != 0:
        wrong.append("the last start did not end well")
    records = study.ledger.load()
    wrong += study.check(records) + study.blamed(records, {"": {"ok", "interrupted"}})
    plan = make_plan({"agent": "ppo", "reward_shaping": True}, {}, "spec", 5000, 20_000)
    repeated = 0
    for k, record in enumerate(records):
        launch = study.models / f"trial-{record.trial:03d}" / files.LAUNCH
        params = json.loads(launch.read_text())["params"]
        if plan.begins_with(params):
            continue
        history = observations(plan.space, records[:k])
        again = propose(plan.space, history, np.random.default_rng([0, record.trial]), 2.0)
        if any(params[name] != value for name, value in again.params.items()):
            wrong.append(f"trial {record.trial} is not what an unbroken study would have tried")
        repeated += 1
    interrupted = sum(record.run_status == "interrupted" for record in records)
    print(
        f"{kills} controllers killed, the clock set {study.clock_steps} times:"
        f" {len(records)} records, {interrupted} interrupted, "
        f"{repeated} suggestions as in an unbroken study, "
        f"everything of a killed controller gone within {slowest:.1f} s",
        flush=True,
    )
    return wrong


def cut_ledger(folder: Path, lines: int) -> list[str]:
    """A ledger cut at every byte; returns what went wrong."""
    whole = Ledger(folder / "whole.jsonl")
    cut = Ledger(folder / "cut.jsonl")
    last = Record(
        trial=lines + 1,
        timestamp="",
        params={"text": 'a "brace}\\n'},
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
                wrong.append(f"cut at byte {place}, {complete} records and the next are not there")
    print(
        f"ledger of {lines} lines cut at each of {len(data) + 1} bytes: "
        f"{len(wrong)} times not whole",
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
    *lines, last = done.stdout.splitlines() or [""]
    print(*lines, sep="\n", flush=True)
    if done.returncode != 0:
        return [f"the small disk's own process ended with {done.returncode}"]
    return list(json.loads(last))


def on_small_disk(folder: Path, fillings: int) -> list[str]:
    """``full_disk``, on that disk. Every third trial fills it; then somebody frees it."""
    study = Workspace(folder)
    trials = 3 * fillings
    study.plan(
        {
            f"trial-{k:03d}": {"fill": True} if k % 3 == 2 else {"mean_reward": k % 7 + 1.0}
            for k in range(trials + 9)
        }
    )
    wrong: list[str] = []
    ends = {0: 0, 1: 0, 3: 0}
    code = None
    for _ in range(10 * fillings):
        left = trials - len(study.ledger.load())
        if left <= 0 and code == 0:  # one that found no room leaves its record to the next
            break
        code = study.start(max(left, 1), "--min-free", "0.001M", "--workers", "2").wait(120)
        ends[code] = ends.get(code, 0) + 1
        if alive := study.left_alive():
            wrong.append(f"{alive} processes outlived the controller on a full disk")
        for filling in study.models.glob("trial-*/filling"):
            filling.unlink()
    output = study.controller_log.read_text(errors="replace")
    complaints = [line for line in output.splitlines() if ": error: " in line]
    if (
        "Traceback" in output
        or set(ends) != {0, 1, 3}
        or not ends[1]
        or len(complaints) != ends[1] + ends[3]
    ):
        wrong.append(
            f"controllers on a full disk ended with {ends} and {len(complaints)} lines of complaint"
        )
    records = study.ledger.load()
    wrong += study.check(records)
    print(
        f"disk of {SMALL_DISK} filled up: {len(records)} records, "
        f"{ends[1]} controllers ended in one line by it, such as: "
        f"{next((line for line in complaints if 'no space' in line), 'none')}",
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
