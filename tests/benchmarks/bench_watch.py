"""Figures of the page: python tests/benchmarks/bench_watch.py [--trial]

Start, memory with 1,000 trials and six cameras, a ledger's line and a camera's picture to the
client, what 5,000 trials send and when they are painted. The last ones need a browser (make
browser-test) and are left out without one. ``--trial`` trains a small model with and without
somebody who watches, and compares the time that its process computes; that takes minutes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
import pytest  # noqa: E402

from tests.watched import read_snapshot  # noqa: E402
from tests.watching.browsing import Tab, browser  # noqa: E402
from tests.watching.pretend_cameras import cameras  # noqa: E402
from tests.watching.pretend_night import append, make_night  # noqa: E402
from tests.watching.serving import Page, serving  # noqa: E402

LINES = 10
CAMERA_SEC = 6.0
CAMERAS = 6
TRAINING = """
import resource, sys, threading, time
from pathlib import Path
from agent.config.trial import TrialConfig
from agent.training.run import run_trial
folder = Path(sys.argv[1])
if sys.argv[2] == "watched":
    def watch():
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "watch").touch()
            time.sleep(1.0)
    threading.Thread(target=watch, daemon=True).start()
config = TrialConfig.of(agent="ppo", timesteps=int(sys.argv[3]), eval_episodes=2, evaluations=2)
began = time.process_time()
run_trial(config, folder)
print("CPU", time.process_time() - began)
"""


def report(what: str, figure: str) -> None:
    print(f"{what:<58} {figure}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trial", action="store_true", help="measure a training too")
    parser.add_argument("--timesteps", type=int, default=20_000, help="of that training")
    arguments = parser.parse_args()
    load = " ".join(f"{each:.1f}" for each in psutil.getloadavg())
    report("load of the machine", f"{load} on {psutil.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        measure_small(Path(scratch) / "small")
        measure_large(Path(scratch) / "large")
        if arguments.trial:
            measure_trial(Path(scratch), arguments.timesteps)


def measure_small(home: Path) -> None:
    """Start, memory, delays, with 1,000 trials and six cameras."""
    results, models = make_night(home, 1000, running=CAMERAS)
    began = time.perf_counter()
    with serving("--results-dir", results) as page:
        page.ask("/")
        report("start to the first answer, 1,000 trials", f"{time.perf_counter() - began:.2f} s")
        page.ask("/api/state")
        with cameras(sorted(models.glob("trial-*"))):
            watch_cameras(page)
            process = psutil.Process(page.process.pid)
            megabytes = process.memory_info().rss / 1e6
            report("memory with 1,000 trials and 6 cameras", f"{megabytes:.1f} MB resident")
            before = process.cpu_times()
            watch_cameras(page, quiet=True)
            after = process.cpu_times()
            busy = (after.user + after.system - before.user - before.system) / CAMERA_SEC
            report("processor time of the page's server meanwhile", f"{100 * busy:.1f} % of a core")
        report("a line of the ledger to a client", in_msec(lines_to_client(page, results)))
        with the_browser() as chromium:
            if chromium is not None:
                in_a_browser(chromium, page, results, models)


def watch_cameras(page: Page, quiet: bool = False) -> None:
    """Asks for six cameras as a page does, for some seconds."""
    stamps = {f"0/trial/{number}": "" for number in range(1001, 1001 + CAMERAS)}
    delays = []
    frames = 0
    began = time.monotonic()
    while time.monotonic() - began < CAMERA_SEC:
        query = "&".join(f"of={key}@{stamp}" for key, stamp in stamps.items())
        body = page.ask(f"/api/cameras?{query}").body
        line, _, rest = body.partition(b"\n")
        for key, stamp, size in json.loads(line):
            stamps[key] = stamp
            delays.append(time.time() - read_snapshot(rest[:size])[0]["time"])
            rest = rest[size:]
            frames += 1
        time.sleep(0.04)
    if not quiet and delays:
        rate = frames / CAMERAS / CAMERA_SEC
        report("a camera's picture to a client, six cameras", in_msec(delays))
        report("pictures a second of each", f"{rate:.1f}")


def lines_to_client(page: Page, results: Path) -> list[float]:
    """Seconds from the writing of a line to its event."""
    cursor = page.ask("/api/state").json["cursor"]
    took = []
    with page.events(cursor) as events:
        next(events)
        for number in range(2001, 2001 + LINES):
            began = time.monotonic()
            append(results, number)
            while next(events)[0] != "trials":
                pass
            took.append(time.monotonic() - began)
            time.sleep(0.13)
    return took


@contextmanager
def the_browser() -> Iterator[Any]:
    """A browser, ``None`` where there is none."""
    manager = browser()
    try:
        found = manager.__enter__()
    except pytest.skip.Exception as skipped:
        report("in a browser", f"not measured: {skipped}")
        yield None
        return
    try:
        yield found
    finally:
        manager.__exit__(None, None, None)


def in_a_browser(chromium: Any, page: Page, results: Path, models: Path) -> None:
    """A line to the screen, and the delay and rate of six cameras on it."""
    with cameras(sorted(models.glob("trial-*"))):
        tab = Tab(chromium, page.url, viewport={"width": 1200, "height": 2400})
        tab.page.wait_for_selector(".live-camera[data-frames]", timeout=60_000)
        took = []
        for number in range(3001, 3001 + LINES):
            began = time.monotonic()
            append(results, number, kind="search")
            row = f".trials td.name a:text-is('{number}')"
            tab.page.wait_for_selector(row, timeout=60_000)
            took.append(time.monotonic() - began)
        report("a line of the ledger to the screen, six cameras there", in_msec(took))
        frames = "cards => cards.map(card => Number(card.dataset.frames ?? 0))"
        delay = "cards => cards.map(card => Number(card.dataset.delay ?? NaN))"
        before = tab.page.eval_on_selector_all(".live-camera", frames)
        began = time.monotonic()
        delays = []
        while time.monotonic() - began < CAMERA_SEC:
            delays += [each / 1000 for each in tab.page.eval_on_selector_all(".live-camera", delay)]
            tab.page.wait_for_timeout(200)
        seconds = time.monotonic() - began
        after = tab.page.eval_on_selector_all(".live-camera", frames)
        rates = [(b - a) / seconds for a, b in zip(before, after, strict=True)]
        report("a camera's picture to the screen", in_msec(delays))
        report("pictures a second of each on the screen", f"{min(rates):.1f} at least")
        tab.context.close()


def measure_large(home: Path) -> None:
    """Bytes and first paint of 5,000 trials."""
    results, _ = make_night(home, 5000)
    with serving("--results-dir", results) as page:
        packed = page.ask("/api/state", Accept_Encoding="gzip").body
        sent = len(packed)
        report("5,000 trials: their state", f"{sent / 1e3:.0f} kB sent")
        report("  before it is compressed", f"{len(gzip.decompress(packed)) / 1e3:.0f} kB")
        with the_browser() as chromium:
            if chromium is None:
                return
            tab = Tab(chromium, page.url)
            tab.page.wait_for_selector(".trials tbody tr", timeout=60_000)
            facts = tab.page.evaluate(
                "() => [performance.getEntriesByName('first-contentful-paint')[0].startTime,"
                " performance.now(),"
                " performance.getEntries().reduce((sum, each) =>"
                " sum + (each.transferSize || 0), 0)]"
            )
            report("  first paint in a browser", f"{facts[0]:.0f} ms")
            report("  its table on the screen, at the latest", f"{facts[1]:.0f} ms")
            report("  bytes sent in all", f"{facts[2] / 1e6:.2f} MB")


def measure_trial(scratch: Path, timesteps: int) -> None:
    """Processor time of a training with and without somebody who watches, by turns."""
    seconds: dict[str, list[float]] = {"alone": [], "watched": []}
    for turn in range(3):
        for how, found in seconds.items():
            folder = scratch / f"{how}-{turn}"
            command = [sys.executable, "-c", TRAINING, str(folder), how, str(timesteps)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            found.append(float(done.stdout.rpartition("CPU ")[2]))
    alone = min(seconds["alone"])
    watched = min(seconds["watched"])
    report(f"a training of {timesteps} steps, processor time", f"{alone:.2f} s alone")
    report(
        "  the same while it is watched", f"{watched:.2f} s, {100 * (watched / alone - 1):+.1f} %"
    )


def in_msec(seconds: list[float]) -> str:
    """Median and largest."""
    median = 1000 * statistics.median(seconds)
    return f"{median:.0f} ms median, {1000 * max(seconds):.0f} ms at most"


if __name__ == "__main__":
    main()
