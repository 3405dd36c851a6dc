"""One whole trial: train, choose the best checkpoint, judge it on roads that no choice has seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

from agent.config import files
from agent.config.trial import TrialConfig, UserError
from agent.evaluation.episodes import Score, evaluate
from agent.training.algorithms import build, check_device, prepare_torch
from agent.training.callbacks import (
    CheckpointChooser,
    Diverged,
    FiniteGuard,
    ProgressDisplay,
    PruneWatch,
    StepLog,
    progress_callback,
)
from agent.training.checkpoints import clear_outputs, save_model, write_json
from agent.training.collapse import CollapseGuard
from agent.training.metrics import Metrics
from agent.training.resume import StateKeeper, begin_anew, take_up
from agent.training.vec_envs import (
    CHOOSING,
    JUDGING,
    first_seed,
    make_choosing_worlds,
    make_evaluation_worlds,
    make_training_worlds,
    open_cars,
)
from agent.training.warm_start import begin_with

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


def run_trial(
    config: TrialConfig,
    folder: Path,
    log_steps: int = 0,
    *,
    keep_state: bool = False,
    resume: bool = False,
) -> tuple[Score, str | None]:
    """Train a model, keep the best checkpoint as ``model.zip`` in ``folder``, and judge that one.

    Every environment is closed on every way out. Whatever ends training early, ``last_model.zip`` is saved.

    :param log_steps: print every so many steps' reward; 0 for none
    :param keep_state: at every evaluation, write down all that ``resume`` needs
    :param resume: go on with the training whose state is in ``folder``, and keep it
    :returns: the final evaluation, ``config.eval_episodes`` long (at least one episode per track), and why training
        stopped early, None if it did not
    :raises UserError: a device, memory limit or folder that this machine cannot serve; nothing is written
    :raises SimulatorLost: a simulator on the wire that cannot be reached, or not any more
    :raises Pruned: the controller had it stop; ``model.zip`` is the best checkpoint so far
    :raises Diverged: NaN or infinity in training; ``model.zip`` is the last finite checkpoint
    """
    prepare_torch(config.seed, config.deterministic)
    check_device(config.device)
    with ExitStack() as stack:
        cars = open_cars(config, stack)
        training = make_training_worlds(config, config.gamma, cars)
        stack.callback(training.close)
        model = None if resume else build(config, training)
        if model and config.warm_start:
            begin_with(model, Path(config.warm_start))
        _open_folder(config, folder, resume)
        choosing = make_choosing_worlds(config, cars)
        stack.callback(choosing.close)
        chooser = (SharingChooser if any(cars) else CheckpointChooser)(
            folder,
            choosing,
            first_seed(config.seed, CHOOSING),
            config.timesteps,
            config.evaluations,
            latest=config.taught == 1.0 or bool(config.lesson_weight),
        )
        model = model or take_up(config, folder, training, chooser)
        model.set_logger(configure(str(folder / "tb"), ["tensorboard"]))
        stack.callback(model.logger.close)
        keeper = [StateKeeper(folder, config, chooser)] if keep_state or resume else []
        metrics = Metrics()
        guard = CollapseGuard(config.timesteps, metrics)
        _learn(model, chooser, config.timesteps, log_steps, [metrics, guard, *keeper])
        episodes = max(config.eval_episodes, len(config.env))
        judging = make_evaluation_worlds(config, config.env, episodes, cars)
        stack.callback(judging.close)
        model.set_parameters(str(folder / files.MODEL), device=model.device)
        score = evaluate(model, judging, episodes, first_seed(config.seed, JUDGING), log_steps)
    if not score.finite:
        raise Diverged(f"final evaluation reward {score.mean_reward}")
    for number, episode in enumerate(score.episodes, start=1):
        print(f"episode {number}: {episode.describe()}", flush=True)
    return score, guard.reason


class SharingChooser(CheckpointChooser):
    """Evaluates with the cars that train, so training has to begin its episodes anew afterwards.

    That is between two rollouts: none ever holds a step across the break.
    """

    def _evaluate(self) -> None:
        super()._evaluate()
        begin_anew(self.model)


def _open_folder(config: TrialConfig, folder: Path, resume: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            clear_outputs(folder)
        for name in (files.RESULT, files.STOP):
            (folder / name).unlink(missing_ok=True)
        write_json(folder / files.CONFIG, config.to_params())
    except OSError as error:
        raise UserError(
            f"save-dir {folder} cannot be written ({error.strerror}); choose another"
        ) from error


def _learn(
    model: BaseAlgorithm,
    chooser: CheckpointChooser,
    timesteps: int,
    log_steps: int,
    more: Sequence[BaseCallback],
) -> None:
    guard, progress = FiniteGuard(), progress_callback(timesteps)
    callbacks: list[BaseCallback] = [guard, PruneWatch(chooser.folder), progress, chooser, *more]
    if log_steps:
        callbacks.insert(1, StepLog(log_steps))
    try:
        begun = model.num_timesteps
        model.learn(timesteps - begun, callback=callbacks, reset_num_timesteps=begun == 0)
    except Exception as error:
        # torch may meet a NaN parameter before the guard does, and calls it a ValueError.
        lost = guard.fault()
        if not isinstance(error, Diverged) and lost is None:
            raise
        guard.restore()
        if not chooser.has_chosen:
            save_model(model, chooser.folder / files.MODEL)
        raise error if isinstance(error, Diverged) else Diverged(lost) from error
    finally:
        if isinstance(progress, ProgressDisplay):
            progress.close()
        save_model(model, chooser.folder / files.LAST_MODEL)
