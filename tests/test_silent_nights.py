"""Whole commands whose output nobody can read: trials and nights go on, and end as they do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config.flat import arguments_of
from agent.donkeycar_sb3_runner import main
from agent.trials.log import TrialLog
from tests.conftest import TINY
from tests.controllers import Run, ledger

ROOT = Path(__file__).resolve().parents[1]
LONELY = "caf\u00e9-\udcff"  # a name that is not UTF-8
NIGHT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from agent import autoresearch_controller
from agent.trials import loop, session
session.COOLDOWN_SEC = loop.SIM_RETRY_SEC = 0.0
autoresearch_controller.RUNNER = Path(sys.argv[2])
raise SystemExit(autoresearch_controller.main(sys.argv[3:]))
"""


def end_of_night(home: Path, runner: Path, shell: str, plan: dict[str, object]) -> int:
    """Exit code of a night of two trials, under a shell's redirections.

    :param home: for its folders
    :param runner: of its trials
    :param shell: a command line with NIGHT in it
    :param plan: of the runner
    """
    runner.with_name("plan.json").write_text(json.dumps(plan))
    script = runner.with_name("night.py")
    script.write_text(NIGHT)
    folders = ["--results-dir", str(home / "results"), "--models-dir", str(home / "models")]
    argv = [str(ROOT), str(runner), *folders, "--trials", "2", "--confirm-seeds", "0"]
    argv += ["--cooldown", "0", "--push-every", "0", "--verbose"]
    line = shell.replace("NIGHT", f'{sys.executable} {script} "$@"')
    call = ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}", "night", *argv]
    return subprocess.run(call, capture_output=True, timeout=100).returncode


@pytest.mark.parametrize(
    "shell", ["NIGHT <&- >&- 2>&-", "PYTHONIOENCODING=ascii NIGHT", "NIGHT 2>&1 | head -1"]
)
def test_a_night_needs_no_listener(tmp_path: Path, runner: Path, shell: str) -> None:
    said = {"mean_reward": 5.0, "say": "1 \u00b1 2 \u2026"}
    assert end_of_night(tmp_path / LONELY, runner, shell, {"*": said}) == 0
    assert len(ledger(tmp_path / LONELY)) == 2


@pytest.mark.parametrize("kind", ["folder", "full disk"])
def test_a_log_that_cannot_be_written_ends_no_night(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, run: Run
) -> None:
    log = tmp_path / "results" / "autoresearch_log.txt"
    log.parent.mkdir()
    if kind == "folder":
        log.mkdir()
    else:
        log.symlink_to("/dev/full")
    plan = {"*": {"mean_reward": 5.0}}
    assert run(plan, "--trials", "1", "--confirm-seeds", "0", "--push-every", "0") == 0
    assert len(ledger(tmp_path)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"log {log} cannot be written (")


def test_a_log_has_every_name(tmp_path: Path) -> None:
    path = tmp_path / LONELY
    TrialLog(path).say(f"deleted {LONELY}")
    assert path.read_text(encoding="utf-8").endswith(" deleted caf\u00e9-\\udcff\n")


def test_a_trial_whose_simulator_is_lost_says_so_by_its_exit_code_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    script = ROOT / "agent" / "donkeycar_sb3_runner.py"
    command = f'{sys.executable} {script} "$@" >/dev/full 2>/dev/full'
    argv = ["--save-dir", str(tmp_path / LONELY), "--env", f"donkey-generated-track-v0@{port}"]
    done = subprocess.run(["bash", "-c", command, "trial", *argv], env=os.environ, timeout=60)
    assert done.returncode == 3
    result = json.loads((tmp_path / LONELY / "result.json").read_text())
    assert result["run_status"] == "sim_lost"


def test_a_trial_in_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    tiny = arguments_of({**TINY, "timesteps": 32, "evaluations": 1})
    assert main([*tiny, "--save-dir", str(tmp_path / LONELY)]) == 0
    assert (tmp_path / LONELY / "model.zip").exists()
