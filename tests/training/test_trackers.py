"""Trackers: the real ones where they are installed, and a trial that none of them can fail."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from stable_baselines3.common.logger import Logger

from agent import PRODUCT
from agent.config.parts import NO_TRACKER, TRACKERS
from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import main
from agent.training import trackers
from agent.training.trackers import OPENERS, TrackerWriter
from tests.conftest import TINY
from tests.refusals import refusal

ARGUMENTS = [
    part for name, value in TINY.items() for part in (f"--{name.replace('_', '-')}", str(value))
]
MISSING = [name for name in OPENERS if importlib.util.find_spec(name) is None]
LIMIT_SEC = 60.0
VARIABLES = ("MLFLOW_TRACKING_URI", "WANDB_MODE", "TRACKIO_DIR", *trackers.QUIET)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that what the writer sets is taken back
        monkeypatch.delenv(name)


def train(folder: Path, tracker: str) -> dict[str, Any]:
    """Result of a short training that is sent to a tracker."""
    argv = [*ARGUMENTS, "--evaluations", "1", "--timesteps", "64", "--save-dir", str(folder)]
    assert main([*argv, "--track", tracker]) == 0
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    assert result["run_status"] == "ok"
    return result


def needs(tracker: str) -> None:
    if tracker in MISSING:
        pytest.skip(f"needs {tracker}, which is none of our dependencies")


def test_every_tracker_can_be_opened() -> None:
    assert {NO_TRACKER, *OPENERS} == set(TRACKERS)


def test_mlflow_has_parameters_curves_and_score(tmp_path: Path) -> None:
    needs("mlflow")
    import mlflow

    result = train(tmp_path / "trial-001", "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(PRODUCT)
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("trial-001", "FINISHED")
    assert run.data.params["agent"] == "ppo"
    assert run.data.metrics["score/mean_reward"] == result["mean_reward"]
    assert run.data.metrics["eval/mean_reward"] > 0.0


def test_trackio_has_parameters_curves_and_score(tmp_path: Path) -> None:
    needs("trackio")
    result = train(tmp_path / "trial-001", "trackio")
    with sqlite3.connect(tmp_path / "trackio" / f"{PRODUCT}.db") as store:
        texts = store.execute("SELECT metrics FROM metrics WHERE run_name = 'trial-001'").fetchall()
        (configuration,) = store.execute("SELECT config FROM configs").fetchone()
    metrics: dict[str, Any] = {}
    for (text,) in texts:
        metrics |= json.loads(text)
    assert metrics["score/mean_reward"] == result["mean_reward"]
    assert metrics["eval/mean_reward"] > 0.0
    assert json.loads(configuration)["agent"] == "ppo"


def test_wandb_keeps_an_offline_run(tmp_path: Path) -> None:
    needs("wandb")
    train(tmp_path / "trial-001", "wandb")
    (path,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    data = path.read_bytes()
    for text in (b"score/mean_reward", b"eval/mean_reward", b"learning_rate", b"trial-001"):
        assert text in data


@pytest.mark.skipif(not MISSING, reason="every tracker is installed")
def test_a_missing_package_is_a_line_and_the_trial_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path / "trial", MISSING[0])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: tracker {MISSING[0]}: No module named")
    assert f"pip install {MISSING[0]}" in line


def test_an_unknown_tracker_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [*ARGUMENTS, "--save-dir", str(tmp_path / "trial"), "--track", "wandbx"]
    assert "did you mean wandb?" in refusal(main, argv, tmp_path, capsys)


class Run:
    """A tracker's run that notes what it is told, until it cannot."""

    def __init__(self, most: int = 9) -> None:
        self.most = most
        self.noted: list[tuple[dict[str, float], int]] = []
        self.ended: bool | None = None

    def log(self, metrics: dict[str, float], step: int) -> None:
        if len(self.noted) == self.most:
            raise OSError(28, "No space left on device")
        self.noted.append((metrics, step))

    def finish(self, *, done: bool) -> None:
        self.ended = done


def writer_of(run: Run, monkeypatch: pytest.MonkeyPatch, folder: Path) -> TrackerWriter:
    monkeypatch.setitem(OPENERS, "wandb", lambda *_: run)
    return TrackerWriter(TrialConfig.of(tracker="wandb"), folder / "trial")


def test_it_gets_the_numbers_of_tensorboard_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run()
    writer = writer_of(run, monkeypatch, tmp_path)
    logger = Logger(str(tmp_path), [writer])
    logger.record("loss", 1.5)
    logger.record("count", 3)
    logger.record("lost", float("nan"))
    logger.record("text", "2")
    logger.record("elsewhere", 1.0, exclude="tensorboard")
    logger.dump(64)
    logger.close()
    assert run.noted == [({"loss": 1.5, "count": 3.0}, 64)]
    assert run.ended is False, "there is no score"


def test_its_first_error_is_its_end_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = writer_of(Run(most=1), monkeypatch, tmp_path)
    for step in range(5):
        writer.write({"loss": 1.0}, {}, step)
    writer.close()
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device; the trial goes on without it" in line


def test_one_that_hangs_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trackers, "CUT_LIMIT_SEC", 0.1)
    answered = threading.Event()

    def open_late(*_: Any) -> Run:
        answered.wait(LIMIT_SEC)
        return Run()

    monkeypatch.setitem(OPENERS, "wandb", open_late)
    writer = TrackerWriter(TrialConfig.of(tracker="wandb"), tmp_path / "trial")
    writer.close()
    assert "did not end in time" in capsys.readouterr().err
    answered.set()
    writer.thread.join(LIMIT_SEC)
