"""A clock that is set in mid-night: no trial is taken for another's, none is left behind."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from platform import node

import psutil
import pytest

from agent.executors.processes import TAG, TaggedProcess, controller_tag, kill_orphans
from tests.executors.test_trial_process import PARENT
from tests.executors.waiting import alive
from tests.stepped_clock import SteppedClock

ROOT = Path(__file__).parents[2]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
# Two trials, a step, a look for orphans, one more trial; then it waits to be killed.
CONTROLLER = """
import sys, time
from pathlib import Path
from agent.config.trial import TrialConfig
from agent.executors.base import Job, Limits
from agent.executors.local import LocalExecutor
folder = Path(sys.argv[1])
executor = LocalExecutor(folder / "runner.py", "test-clock", slots=3)
def launch(name, slot):
    (folder / name).mkdir()
    return executor.submit(Job(TrialConfig.of(), folder / name, Limits(60.0), slot))
handles = [launch("a", 0), launch("b", 1)]
print("running", flush=True)
sys.stdin.readline()
print(executor.recover(), flush=True)
handles.append(launch("c", 2))
print([handle.poll() for handle in handles], flush=True)
time.sleep(60)
"""
RUNNER = """
import os, time
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def running_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back by a second whenever somebody asks when a process started."""
    steps = itertools.count()
    start = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: start(self) - next(steps))


@pytest.fixture
def tagged() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test adds; they are ended after it."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start_tagged(tag: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(SLEEPER, env=os.environ | {TAG: tag})
    wait_for_tag(process)
    return process


def wait_for_tag(process: subprocess.Popen[bytes]) -> None:
    while TAG not in psutil.Process(process.pid).environ():
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere ages are compared, at one moment")
def test_a_controller_knows_its_processes_after_a_step(
    running_clock: None, tagged: list[subprocess.Popen[bytes]]
) -> None:
    tag = controller_tag("clock")
    tagged.append(start_tagged(f"{tag}mine"))
    assert controller_tag("clock") == tag
    assert kill_orphans("clock") == 0
    assert tagged[0].poll() is None


@pytest.mark.usefixtures("running_clock")
def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    """Even a child in another session and without a tag, and the clock set all the while."""
    code = "import os; del os.environ['AUTORESEARCH_TRIAL']; "
    code += PARENT.replace("SESSION", "True") + "time.sleep(60)"
    process = TaggedProcess([sys.executable, "-c", code], tmp_path / "log.txt", "clock", {})
    while not (tmp_path / "log.txt").read_text().endswith("\n"):
        time.sleep(0.01)
    child = int((tmp_path / "log.txt").read_text())
    one = psutil.Process(child).memory_info().rss
    assert process.resident_bytes() > one
    process.stop(grace_sec=0.0)
    assert not alive(child)


def test_times_of_day_in_older_tags_say_nothing(tagged: list[subprocess.Popen[bytes]]) -> None:
    controller = subprocess.Popen(SLEEPER)
    trial = start_tagged(f"{node()}:{controller.pid}:1.00:clock:an older version's")
    tagged += [controller, trial]
    assert kill_orphans("clock") == 0
    assert trial.poll() is None


def test_who_is_younger_than_a_process_is_not_its_controller(
    tagged: list[subprocess.Popen[bytes]],
) -> None:
    take_tag = f'read tag && {TAG}="$tag" exec sleep 60'
    orphan = subprocess.Popen(["sh", "-c", take_tag], stdin=subprocess.PIPE)
    time.sleep(0.05)  # some ticks of the kernel's
    somebody = subprocess.Popen(SLEEPER)
    tagged += [orphan, somebody]
    assert orphan.stdin is not None
    orphan.stdin.write(f"{node()}:{somebody.pid}:1.00:clock:pid in use again\n".encode())
    orphan.stdin.close()
    wait_for_tag(orphan)
    assert kill_orphans("clock") == 1
    assert somebody.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells")
def test_a_dead_controller_that_nobody_has_noticed_is_gone(
    tagged: list[subprocess.Popen[bytes]],
) -> None:
    controller = subprocess.Popen(["true"])
    while alive(controller.pid):
        time.sleep(0.01)
    tagged.append(start_tagged(f"{node()}:{controller.pid}:1.00:clock:a zombie's"))
    assert kill_orphans("clock") == 1
    controller.wait()


def test_a_real_step_of_the_clock(tmp_path: Path) -> None:
    """Nothing is ended that runs, and nothing outlives a controller that is killed after it."""
    try:
        clock = SteppedClock(tmp_path)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this account can show no other clock to a process ({error})")
    (tmp_path / "runner.py").write_text(RUNNER)
    controller = subprocess.Popen(
        [*clock.prefix, sys.executable, "-c", CONTROLLER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert controller.stdin is not None and controller.stdout is not None
    with controller:
        try:
            assert controller.stdout.readline() == b"running\n"
            clock.step(2)
            controller.stdin.write(b"go on\n")
            controller.stdin.flush()
            assert controller.stdout.readline() == b"None\n"
            assert controller.stdout.readline() == b"[None, None, None]\n"
            pids = [pid_in(tmp_path / name / "log.txt") for name in "abc"]
            assert all(alive(pid) for pid in pids)
        finally:
            controller.kill()
    deadline = time.monotonic() + 30.0
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in pids)


def pid_in(log: Path) -> int:
    while not log.read_text().endswith("\n"):
        time.sleep(0.01)
    return int(log.read_text())
