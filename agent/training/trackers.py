"""A trial in an experiment tracker: MLflow, Weights & Biases or trackio, as far as that goes.

A tracker gets the numbers that TensorBoard gets, the parameters, and the final score. It is called
in a thread of its own, and its first error is told in a line and is its end: no tracker keeps a
trial waiting or has it fail. None is imported before it is asked for, and none needs a network:
what they keep lies beside the trial's folder, unless their own environment variables say otherwise.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stable_baselines3.common.logger import KVWriter

from agent import PRODUCT
from agent.config.plain import is_finite

if TYPE_CHECKING:
    from agent.config.trial import TrialConfig
    from agent.evaluation.episodes import Score

CLOSE_LIMIT_SEC = 30.0  # chosen, of a trial that is done: MLflow makes its first store in 10 s
CUT_LIMIT_SEC = 2.0  # chosen: a trial that is told to stop is killed 5 s later
# Nothing is sent anywhere about who uses a tracker.
QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
}

RETURNS = "episodes"  # of a score: their mean is its mean_reward
Metrics = dict[str, float]


class Run(Protocol):
    """A trial as its tracker knows it."""

    def log(self, metrics: Metrics, step: int) -> None:
        """Notes numbers by their names at a step of training."""

    def finish(self, *, done: bool) -> None:
        """Ends it; ``done`` with a score."""


def open_mlflow(name: str, params: dict[str, Any], beside: Path) -> Run:
    """Begins a run of MLflow.

    :param name: of the trial
    :param params: flat parameters of it
    :param beside: folder to keep it in
    """
    import mlflow

    store = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{beside / 'mlflow.db'}"
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment(PRODUCT)
    mlflow.start_run(run_name=name)
    mlflow.log_params(params)
    print(f"MLflow: mlflow ui --backend-store-uri {store}", flush=True)
    return _MlflowRun(mlflow)


class _MlflowRun:
    def __init__(self, mlflow: Any) -> None:
        self.mlflow = mlflow

    def log(self, metrics: Metrics, step: int) -> None:
        self.mlflow.log_metrics(metrics, step=step)

    def finish(self, *, done: bool) -> None:
        status = "FAILED"
        if done:
            status = "FINISHED"
        self.mlflow.end_run(status)


def open_wandb(name: str, params: dict[str, Any], beside: Path) -> Run:
    """Begins an offline run of Weights & Biases; see ``open_mlflow``."""
    import wandb

    run = wandb.init(
        project=PRODUCT,
        name=name,
        config=params,
        dir=str(beside),
        mode=os.environ.get("WANDB_MODE", "offline"),
        settings=wandb.Settings(console="off", silent=True),
    )
    print(f"Weights & Biases: wandb sync {Path(run.dir).parent}", flush=True)
    return _WandbRun(run)


class _WandbRun:
    def __init__(self, run: Any) -> None:
        self.run = run

    def log(self, metrics: Metrics, step: int) -> None:
        self.run.log(metrics, step=step)

    def finish(self, *, done: bool) -> None:
        self.run.finish(exit_code=int(not done))


def open_trackio(name: str, params: dict[str, Any], beside: Path) -> Run:
    """Begins a run of trackio; see ``open_mlflow``."""
    folder = os.environ.setdefault("TRACKIO_DIR", str(beside / "trackio"))
    import trackio

    run = trackio.init(project=PRODUCT, name=name, config=params)
    print(f"trackio: TRACKIO_DIR={folder} trackio show", flush=True)
    return _TrackioRun(run)


class _TrackioRun:
    def __init__(self, run: Any) -> None:
        self.run = run

    def log(self, metrics: Metrics, step: int) -> None:
        self.run.log(metrics, step=step)

    def finish(self, *, done: bool) -> None:
        self.run.finish()


OPENERS: dict[str, Callable[[str, dict[str, Any], Path], Run]] = {
    "mlflow": open_mlflow,
    "wandb": open_wandb,
    "trackio": open_trackio,
}


class TrackerWriter(KVWriter):
    """Hands what the logger gets to a tracker's thread.

    :param config: of the trial, which names the tracker
    :param folder: of the trial's files
    """

    def __init__(self, config: TrialConfig, folder: Path) -> None:
        self.name = config.trial.tracker
        self.params = config.to_params()
        self.step = 0
        self.folder = folder.absolute()
        self.is_done = False
        self.waiting: queue.SimpleQueue[tuple[Metrics, int] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Notes the numbers that are TensorBoard's too."""
        metrics = {
            name: float(value)
            for name, value in key_values.items()
            if "tensorboard" not in (key_excluded.get(name) or ()) and is_number(value)
        }
        self.step = step
        self.waiting.put((metrics, step))

    def conclude(self, score: Score) -> None:
        """Notes the final score; the trial is done."""
        self.is_done = True
        own = {"mean_reward": score.mean_reward, "std_reward": score.std_reward}
        metrics = numbers_of({**own, **score.to_json()})
        self.waiting.put(({f"score/{name}": value for name, value in metrics}, self.step))

    def close(self) -> None:
        """Ends the run; what takes too long is left behind."""
        self.waiting.put(None)
        self.thread.join(CLOSE_LIMIT_SEC if self.is_done else CUT_LIMIT_SEC)
        if self.thread.is_alive():
            self._warn("it did not end in time; what it has not written yet is lost")

    def _work(self) -> None:
        try:
            for name, value in QUIET.items():
                os.environ.setdefault(name, value)
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            run = OPENERS[self.name](self.folder.name, self.params, self.folder.parent)
            while (item := self.waiting.get()) is not None:
                run.log(*item)
            run.finish(done=self.is_done)
        except ModuleNotFoundError as error:
            self._warn(f"{error}; pip install {error.name}, the trial goes on without it")
        except BaseException as error:  # some end the process where they cannot go on
            reason = (str(error).splitlines() or [""])[0]
            self._warn(f"{type(error).__name__}: {reason}; the trial goes on without it")

    def _warn(self, text: str) -> None:
        print(f"warning: tracker {self.name}: {text}", file=sys.stderr, flush=True)


def is_number(value: Any) -> bool:
    """True for a number of any kind that a tracker can draw."""
    try:
        return not isinstance(value, str) and is_finite(float(value))
    except (TypeError, ValueError):
        return False


def numbers_of(score: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Gives the numbers of a score by their names: of a list, the mean."""
    for name, value in score.items():
        if name == RETURNS:
            continue
        if isinstance(value, list) and value and all(map(is_number, value)):
            yield name, sum(map(float, value)) / len(value)
        elif is_number(value):
            yield name, float(value)
