"""Work in a fork: its result or its error comes back, and nothing else stays of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from agent.config.files import REPO_ROOT
from agent.search.candidates import SpaceExhausted
from agent.study.run_in_fork import run_in_fork

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere work runs in this process"
)


def test_a_value_comes_back_and_nothing_else_changes() -> None:
    seen: list[int] = []

    def work() -> tuple[int, list[float]]:
        seen.append(1)
        return os.getpid(), [0.1] * 100_000  # more than a pipe holds

    pid, values = run_in_fork(work)
    assert pid != os.getpid() and values == [0.1] * 100_000
    assert seen == []
    assert not psutil.pid_exists(pid)


def test_an_error_comes_back_as_it_was() -> None:
    def work() -> None:
        raise SpaceExhausted("all 4 configurations were tried")

    with pytest.raises(SpaceExhausted, match="all 4"):
        run_in_fork(work)


def test_a_killed_fork_is_an_error_of_one_line() -> None:
    with pytest.raises(OSError, match="ended with -9"):
        run_in_fork(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_its_memory_ends_with_it() -> None:
    def work() -> int:
        pieces = [bytes(1000) for _ in range(100_000)]  # in the heap, which is seldom given back
        return len(pieces)

    before = psutil.Process().memory_info().rss
    assert run_in_fork(work) == 100_000
    assert psutil.Process().memory_info().rss - before < 10_000_000


def test_locks_and_pipes_do_not_outlive_a_killed_controller(tmp_path: Path) -> None:
    """A fork of a controller that was killed holds neither its lock nor the reaper's pipe."""
    program = (
        "import time\n"
        "from filelock import FileLock\n"
        "from agent.study.run_in_fork import run_in_fork\n"
        "def work():\n    print('working', flush=True)\n    time.sleep(300)\n"
        f"FileLock({str(tmp_path / 'lock')!r}).acquire()\n"
        "run_in_fork(work)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "working\n"
        (worker,) = psutil.Process(process.pid).children()
        process.kill()
        with FileLock(tmp_path / "lock", timeout=2.0):
            assert worker.is_running()
        worker.kill()


def test_a_fork_that_never_answers_is_ended_and_the_work_done_here() -> None:
    here = os.getpid()

    def deaf_in_the_fork() -> int:
        while os.getpid() != here:
            time.sleep(1.0)
        return 7

    assert run_in_fork(deaf_in_the_fork, limit_sec=0.5) == 7
    with pytest.raises(ChildProcessError):  # no child is left
        os.waitpid(-1, os.WNOHANG)
