"""Processes that outlive the controller that started them, or must not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from platform import node

import psutil

from agent.executors.processes import TAG, OrphanReaper, controller_tag, kill_orphans
from tests.executors.test_trial_process import CHILD
from tests.executors.waiting import alive

CONTROLLER = """
import sys, time
from pathlib import Path
from agent.executors.base import Limits
from agent.executors.processes import OrphanReaper
from agent.executors.trial_process import TrialProcess
reaper = OrphanReaper("test")
command = [sys.executable, "-c", {child!r}]
trial = TrialProcess(command, Path({folder!r}), Limits(60.0), workspace="test")
time.sleep(60)
"""


def test_nothing_outlives_a_controller_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL to the controller ends its trial and the trial's child in another session."""
    code = CONTROLLER.format(child=CHILD, folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    log = tmp_path / "log.txt"
    while not (log.exists() and log.read_text().strip()):
        assert process.poll() is None
        time.sleep(0.02)
    grandchild = int(log.read_text())
    assert alive(grandchild)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60.0  # only so that a failure ends
    while alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(grandchild)


def test_the_reaper_leaves_when_all_went_well() -> None:
    assert OrphanReaper("test").close(wait_sec=60.0) == 0


def test_only_a_dead_controllers_processes_of_this_workspace_are_orphans() -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    dead = subprocess.Popen(["true"])
    dead.wait()
    stale = f"{dead.pid}:1.00:here:stale"
    tags = (
        f"{node()}:{stale}",
        controller_tag("here") + "mine",
        f"elsewhere:{stale}",
        f"{node()}:{dead.pid}:1.00:there:x",
        "nonsense",
    )
    processes = [subprocess.Popen(sleeper, env=os.environ | {TAG: tag}) for tag in tags]
    try:
        while not all(TAG in psutil.Process(process.pid).environ() for process in processes):
            time.sleep(0.01)
        assert kill_orphans("here") == 1
        assert [alive(process.pid) for process in processes] == [False, True, True, True, True]
    finally:
        for process in processes:
            process.kill()
            process.wait()
