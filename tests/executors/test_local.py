"""Real processes: what they did, what became of them, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from platform import node

import psutil
import pytest

from agent.executors.local import Limits, Outcome, launch
from agent.executors.processes import MARK, kill_orphans, new_tag, start_orphan_reaper

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
# Starts a grandchild that ignores SIGTERM, tells its pid and, with SESSION, leaves the group too.
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', "
    f"'{STUBBORN}import time; print(0, flush=True); time.sleep(60)'], start_new_session=SESSION, "
    "stdout=subprocess.PIPE); child.stdout.readline(); print(child.pid, flush=True); "
)


CHILD = PARENT.replace("SESSION", "True") + "time.sleep(60)"


def run(code: str, folder: Path, *, timeout_sec: float = 20.0, verbose: bool = False) -> Outcome:
    limits = Limits(timeout_sec, memory_bytes=400 * 1024**2, grace_sec=0.5)
    return launch([sys.executable, "-c", code], folder, limits, workspace="test", verbose=verbose)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
    run(
        "import time; print('first', flush=True); time.sleep(0.5); print('last')",
        tmp_path,
        verbose=True,
    )
    assert capsys.readouterr().out == "first\nlast\n"


def test_the_time_limit_ends_a_stubborn_process(tmp_path: Path) -> None:
    started = time.monotonic()
    outcome = run(f"{STUBBORN}import time; time.sleep(60)", tmp_path, timeout_sec=1.0)
    assert (outcome.status, outcome.exit_code) == ("timeout", -signal.SIGKILL)
    assert "limit of 1 s" in str(outcome.cause)
    assert time.monotonic() - started < 10.0


def test_the_grace_lets_a_process_clean_up(tmp_path: Path) -> None:
    code = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(print('saved') or 130))\ntime.sleep(60)"
    outcome = launch(
        [sys.executable, "-c", code], tmp_path, Limits(1.0, grace_sec=5.0), workspace="test"
    )
    assert (outcome.status, outcome.exit_code, outcome.last_line) == ("timeout", 130, "saved")


@pytest.mark.parametrize("leaves_session", [False, True])
@pytest.mark.parametrize(
    ("ending", "status"), [("time.sleep(60)", "timeout"), ("sys.exit(0)", "ok")]
)
def test_grandchildren_die_too(
    tmp_path: Path, leaves_session: bool, ending: str, status: str
) -> None:
    outcome = run(
        PARENT.replace("SESSION", str(leaves_session)) + ending, tmp_path, timeout_sec=2.0
    )
    assert outcome.status == status
    assert not alive(int((tmp_path / "log.txt").read_text()))


def test_an_interrupt_of_ours_ends_the_trial(tmp_path: Path) -> None:
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    outcome = run("import os, time; print(os.getpid(), flush=True); time.sleep(60)", tmp_path)
    assert (outcome.status, outcome.stopped) == ("interrupted", True)
    assert not alive(int((tmp_path / "log.txt").read_text()))


def test_a_tree_over_its_memory_is_ended(tmp_path: Path) -> None:
    child = "x = bytearray(10**9); import time; time.sleep(60)"
    eats = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{child}']); "
    outcome = run(eats + "time.sleep(60)", tmp_path)
    assert outcome.status == "out_of_memory" and "over its limit of 400 MB" in str(outcome.cause)


def test_a_flood_of_output_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.executors.local.LOG_LIMIT_BYTES", 10**6)
    outcome = run("while True: print('x' * 1000)", tmp_path)
    assert outcome.status == "crashed" and "MB of output" in str(outcome.cause)


def test_nothing_outlives_a_controller_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL to the controller: its trial and the trial's child in another session are gone within seconds."""
    controller = f"""
import sys, time
from pathlib import Path
from agent.executors.local import Limits, RunningTrial
from agent.executors.processes import start_orphan_reaper
guard = start_orphan_reaper("test")
trial = RunningTrial([sys.executable, "-c", {CHILD!r}], Path({str(tmp_path)!r}),
                     Limits(60.0), workspace="test")
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", controller], cwd=Path(__file__).parents[2])
    log = tmp_path / "log.txt"
    deadline = time.monotonic() + 20
    while not (log.exists() and log.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.02)
    grandchild = int(log.read_text())
    assert alive(grandchild)
    process.kill()
    process.wait()
    while alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(grandchild)


def test_the_guard_leaves_when_all_went_well() -> None:
    guard = start_orphan_reaper("test")
    assert guard.stdin is not None
    guard.stdin.close()
    assert guard.wait(10) == 0


def test_only_a_dead_controllers_processes_of_this_workspace_are_orphans() -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    dead = subprocess.Popen(["true"])
    dead.wait()
    stale = f"{dead.pid}:1.00:here:stale"
    marks = (
        f"{node()}:{stale}",
        new_tag("here"),
        f"elsewhere:{stale}",
        f"{node()}:{dead.pid}:1.00:there:x",
        "nonsense",
    )
    processes = [subprocess.Popen(sleeper, env=os.environ | {MARK: mark}) for mark in marks]
    try:
        while not all(MARK in psutil.Process(process.pid).environ() for process in processes):
            time.sleep(0.01)
        assert kill_orphans("here") == 1
        assert [alive(process.pid) for process in processes] == [False, True, True, True, True]
    finally:
        for process in processes:
            process.kill()
            process.wait()
