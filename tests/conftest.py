"""Settings that every test shares: one thread a process, for test processes share the cores."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.config.trial import TrialConfig

if TYPE_CHECKING:
    from tests.controllers import Run

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


def pytest_sessionstart() -> None:
    """Hear Ctrl-C, as our children then do: a shell's background job is started deaf to it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a quarter of the tests' time is waiting for processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Compile kernels before several processes want the same."""
    from tests.compile_kernels import compile_all

    compile_all()


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A copy of the fake runner, whose plan lies beside it."""
    return Path(shutil.copy(Path(__file__).with_name("fake_runner.py"), tmp_path / "runner.py"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller that waits for nothing, and looks at fewer candidates."""
    monkeypatch.setattr("agent.trials.session.COOLDOWN_SEC", 0.0)
    monkeypatch.setattr("agent.trials.loop.SIM_RETRY_SEC", 0.0)
    for name, fewer in (("CANDIDATES", 200), ("JOINT_POINTS", 40), ("PROBES", 20), ("DRAWS", 200)):
        monkeypatch.setattr(f"agent.search.stopping.{name}", fewer)


@pytest.fixture
def run(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line of the controller, or of ``module``; its trials are those of a plan.

    Suggestions are made in this process: a fork of one that holds torch takes longer than they do.
    Those of ``run_processes`` are made in a fork.
    """
    from agent import autoresearch_controller
    from tests.controllers import exit_code
    from tests.fake_executor import FakeExecutor

    monkeypatch.setattr("agent.trials.loop.POLL_SEC", 0.0)
    monkeypatch.setattr("agent.study.study.run_in_fork", lambda work: work())

    def call(plan: dict[str, Any], *argv: str, module: Any = autoresearch_controller) -> int:
        def make_executor(options: argparse.Namespace, _config: TrialConfig) -> FakeExecutor:
            return FakeExecutor(plan, slots=vars(options).get("workers", 1))

        monkeypatch.setattr(module, "make_executor", make_executor)
        return exit_code(module, tmp_path, *argv)

    return call


@pytest.fixture
def run_processes(
    tmp_path: Path, runner: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """As ``run``; each trial is a process of the fake runner."""
    from agent import autoresearch_controller
    from tests.controllers import exit_code

    def call(plan: dict[str, Any], *argv: str, module: Any = autoresearch_controller) -> int:
        monkeypatch.setattr(module, "RUNNER", runner)
        runner.with_name("plan.json").write_text(json.dumps(plan))
        return exit_code(module, tmp_path, *argv)

    return call


TINY: dict[str, Any] = {
    "timesteps": 64,
    "n_envs": 2,
    "max_episode_steps": 20,
    "eval_episodes": 2,
    "evaluations": 2,
    "device": "cpu",
}


@pytest.fixture
def tiny() -> Callable[..., TrialConfig]:
    """Builds the smallest useful trial, with changes."""

    def build(**changes: Any) -> TrialConfig:
        return TrialConfig.of(**{**TINY, **changes})

    return build
