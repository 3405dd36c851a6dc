"""The executor of this machine: its processes' arguments, its cool-down, and what it recovers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from platform import node

import pytest

from agent.config.trial import TrialConfig
from agent.executors.base import Job, Limits
from agent.executors.local import LocalExecutor
from agent.executors.processes import TAG
from tests.executors.waiting import alive, ended

RUNNER = """
import json, os, sys
print(json.dumps([os.environ["OMP_NUM_THREADS"], *sys.argv[1:]]))
"""


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    (tmp_path / "runner.py").write_text(RUNNER)
    executor = LocalExecutor(tmp_path / "runner.py", "test-local", slots=2, cooldown_sec=9999.0)
    with closing(executor):
        yield executor


def test_the_runner_gets_the_configuration_and_its_share_of_the_cores(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    config = TrialConfig.of(timesteps=77, seed=5)
    outcome = ended(executor.submit(Job(config, tmp_path, Limits(60.0))))
    threads, *arguments = json.loads(outcome.last_line)
    assert int(threads) == max(1, (os.cpu_count() or 1) // 2)
    assert arguments == [*config.to_argv(), "--save-dir", str(tmp_path)]


def test_a_slot_cools_down_after_its_trial_and_no_other_does(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    assert executor.ready_in_sec(1) == 0.0
    ended(executor.submit(Job(TrialConfig.of(), tmp_path, Limits(60.0), slot=1)))
    assert executor.ready_in_sec(1) > 9000.0
    assert executor.ready_in_sec(0) == 0.0


def test_processes_of_a_controller_that_is_gone_are_killed_and_told(
    executor: LocalExecutor,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    tag = f"{node()}:{gone.pid}:1.00:test-local:stale"
    with subprocess.Popen(
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"],
        env=os.environ | {TAG: tag},
        stdout=subprocess.PIPE,
    ) as orphan:
        assert orphan.stdout is not None and orphan.stdout.readline() == b"up\n"
        assert executor.recover() == "killed 1 stale processes of a controller that is gone"
        assert executor.recover() is None
        assert not alive(orphan.pid)
