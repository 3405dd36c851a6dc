"""Trials in real processes: limits, signals, and that nothing of them is left."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.executors.base import Limits, Outcome
from agent.executors.trial_process import TrialProcess
from tests.executors.waiting import alive, ended

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
# Starts a grandchild that ignores SIGTERM, prints its pid and, with SESSION, leaves the group too.
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', "
    f"'{STUBBORN}import time; print(0, flush=True); time.sleep(60)'], start_new_session=SESSION, "
    "stdout=subprocess.PIPE); child.stdout.readline(); print(child.pid, flush=True); "
)


CHILD = PARENT.replace("SESSION", "True") + "time.sleep(60)"


def start(code: str, folder: Path, *, timeout_sec: float = 60.0, **more: Any) -> TrialProcess:
    limits = Limits(timeout_sec, memory_bytes=400 * 1024**2, grace_sec=more.pop("grace_sec", 0.5))
    command = [sys.executable, "-c", code]
    return TrialProcess(command, folder, limits, workspace="test", **more)


def run(code: str, folder: Path, **more: Any) -> Outcome:
    return ended(start(code, folder, **more))


def wait_for_output(folder: Path) -> str:
    while not (folder / "log.txt").read_text().endswith("\n"):
        time.sleep(0.01)
    return (folder / "log.txt").read_text()


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("print('fine')", "ok", None),
        ("print('bad flag'); raise SystemExit(2)", "bad_arguments", "exit code 2: bad flag"),
        ("raise SystemExit(3)", "sim_lost", "exit code 3: it printed nothing"),
        ("raise SystemExit(4)", "diverged", "exit code 4: it printed nothing"),
        ("raise SystemExit(5)", "pruned", "exit code 5: it printed nothing"),
        ("raise SystemExit(130)", "interrupted", "exit code 130: it printed nothing"),
        (
            "raise RuntimeError('the moon is full')",
            "crashed",
            "exit code 1: RuntimeError: the moon is full",
        ),
        (
            "import os; os.kill(os.getpid(), 9)",
            "out_of_memory",
            "killed by SIGKILL: it printed nothing",
        ),
        ("import os; os.kill(os.getpid(), 11)", "crashed", "killed by SIGSEGV: it printed nothing"),
    ],
)
def test_ends_in_words(tmp_path: Path, code: str, status: str, cause: str | None) -> None:
    outcome = run(code, tmp_path)
    assert (outcome.status, outcome.cause, outcome.stopped) == (status, cause, False)


def test_output_and_errors_go_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = run("import sys; print('a', flush=True); print('b', file=sys.stderr)", tmp_path)
    assert (tmp_path / "log.txt").read_text() == "a\nb\n"
    assert outcome.last_line == "b"
    assert capfd.readouterr().out == ""


def test_verbose_shows_the_output_while_it_appears(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "print('first', flush=True); import pathlib\n"
    code += f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): pass\nprint('last')"
    trial = start(code, tmp_path, verbose=True)
    wait_for_output(tmp_path)
    assert trial.poll() is None
    assert capsys.readouterr().out == "first\n"
    (tmp_path / "go").touch()
    ended(trial)
    assert capsys.readouterr().out == "last\n"


def test_the_time_limit_ends_a_stubborn_process(tmp_path: Path) -> None:
    outcome = run(f"{STUBBORN}import time; time.sleep(60)", tmp_path, timeout_sec=1.0)
    assert (outcome.status, outcome.exit_code) == ("timeout", -signal.SIGKILL)
    assert outcome.cause == "killed at the limit of 1 s; raise --timeout or train less"


def test_the_grace_lets_a_process_clean_up(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: sys.exit(print('saved') or 130))\ntime.sleep(60)"
    )
    outcome = run(code, tmp_path, timeout_sec=1.0, grace_sec=60.0)
    assert (outcome.status, outcome.exit_code, outcome.last_line) == ("timeout", 130, "saved")


def test_a_trial_that_does_not_stop_when_asked_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.executors.trial_process.STOP_SEC", 0.0)
    trial = start("import time; time.sleep(60)", tmp_path)
    trial.ask_to_stop("below the median")
    outcome = ended(trial)
    assert (outcome.status, outcome.stopped) == ("pruned", False)
    assert outcome.cause == "below the median; killed, it did not end by itself"


@pytest.mark.parametrize("leaves_session", [False, True])
@pytest.mark.parametrize(
    ("ending", "status"), [("time.sleep(60)", "timeout"), ("sys.exit(0)", "ok")]
)
def test_grandchildren_die_too(
    tmp_path: Path, leaves_session: bool, ending: str, status: str
) -> None:
    code = PARENT.replace("SESSION", str(leaves_session)) + ending
    outcome = run(code, tmp_path, timeout_sec=2.0, grace_sec=0.1)
    assert outcome.status == status
    assert not alive(int((tmp_path / "log.txt").read_text()))


def test_a_trial_that_is_stopped_says_so(tmp_path: Path) -> None:
    trial = start("import os, time; print(os.getpid(), flush=True); time.sleep(60)", tmp_path)
    pid = int(wait_for_output(tmp_path))
    outcome = trial.stop()
    assert (outcome.status, outcome.stopped) == ("interrupted", True)
    assert not alive(pid)


def test_sigterm_reaches_a_trial_before_it_is_waited_for(tmp_path: Path) -> None:
    """So that of several that are stopped together none waits for another's grace."""
    code = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: sys.exit(130))\nprint(1, flush=True)\ntime.sleep(60)"
    )
    trial = start(code, tmp_path)
    wait_for_output(tmp_path)
    trial.terminate()
    assert ended(trial).exit_code == 130


def test_a_tree_over_its_memory_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.executors.trial_process.MEMORY_POLL_SEC", 0.1)
    child = "x = bytearray(10**9); import time; time.sleep(60)"
    eats = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{child}']); "
    outcome = run(eats + "time.sleep(60)", tmp_path)
    assert outcome.status == "out_of_memory" and "over its limit of 400 MB" in str(outcome.cause)


def test_a_flood_of_output_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.executors.trial_process.LOG_LIMIT_BYTES", 10**6)
    outcome = run("while True: print('x' * 1000)", tmp_path)
    assert outcome.status == "crashed" and "MB of output" in str(outcome.cause)
