"""A trial on a node that sees the controller's files, run by the script that a job runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.executors import shared_trial
from agent.executors.base import Limits, Outcome
from agent.executors.processes import tagged_processes, workspace_id
from agent.executors.shared_trial import END, SharedJob, read_outcome

FAKE_RUNNER = Path(__file__).parents[1] / "fake_runner.py"
WAIT_SEC = 60.0


def start(tmp_path: Path, step: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Starts a node's process; the trial's folder is ``tmp_path / "trial-001"``."""
    runner = Path(shutil.copy(FAKE_RUNNER, tmp_path / "runner.py"))
    runner.with_name("plan.json").write_text(json.dumps({"*": step}))
    folder = tmp_path / "trial-001"
    folder.mkdir()
    (tmp_path / "alive").touch()
    command = [sys.executable, str(runner), "--timesteps", "400", "--save-dir", str(folder)]
    limits = Limits(60.0, grace_sec=0.5)
    SharedJob(command, limits, 1, workspace_id(tmp_path), str(tmp_path / "alive")).write(folder)
    process = subprocess.Popen([sys.executable, shared_trial.__file__, str(folder)])
    deadline = time.monotonic() + WAIT_SEC
    while not (folder / "progress.jsonl").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def ended(tmp_path: Path, process: subprocess.Popen[bytes]) -> Outcome:
    """The outcome, once the process has ended and nothing of the trial is alive."""
    assert process.wait(WAIT_SEC) == 0
    tag = f":{workspace_id(tmp_path)}:"
    assert [each for each, found in tagged_processes() if tag in found] == []
    outcome = read_outcome(tmp_path / "trial-001")
    assert outcome is not None
    return outcome


@pytest.mark.parametrize("way", ["the controller's file is gone", "told by a file", "SIGTERM"])
def test_a_trial_is_ended_in_three_ways(tmp_path: Path, way: str) -> None:
    process = start(tmp_path, {"progress": [1, 1], "pause": 60, "child": True})
    if way == "SIGTERM":
        process.terminate()
    elif way == "told by a file":
        (tmp_path / "trial-001" / END).touch()
    else:
        (tmp_path / "alive").unlink()
    outcome = ended(tmp_path, process)
    assert (outcome.status, outcome.stopped) == ("interrupted", True)


def test_an_outcome_survives_the_journey(tmp_path: Path) -> None:
    outcome = ended(tmp_path, start(tmp_path, {"progress": [1, 2], "exit": 4, "say": "so be it"}))
    assert (outcome.status, outcome.exit_code, outcome.stopped) == ("diverged", 4, False)
    assert outcome.cause == "exit code 4: so be it"
    assert outcome.provenance.host
    assert outcome.elapsed_sec > 0.0


def test_a_controller_that_is_silent_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_trial, "SILENCE_SEC", 0.3)
    alive = tmp_path / "alive"
    alive.touch()
    pulse = shared_trial.Pulse(alive)
    for _ in range(4):
        alive.touch()
        assert not pulse.is_gone()
        time.sleep(0.15)
    time.sleep(0.3)
    assert pulse.is_gone()


def test_no_outcome_is_read_from_half_a_file(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None
    (tmp_path / shared_trial.OUTCOME).write_text('{"status": "ok"')
    assert read_outcome(tmp_path) is None
