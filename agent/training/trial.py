"""One whole trial: train, choose the best checkpoint, judge it on roads that no choice has seen."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecNormalize

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
from agent.training.checkpoints import BEST_MODEL, CONFIG, LAST_MODEL, clear_outputs, save_model, write_json
from agent.training.evaluation import Score, evaluate
from agent.training.worlds import (
    CHOOSING,
    JUDGING,
    first_seed,
    make_evaluation_worlds,
    make_training_worlds,
    open_cars,
)
from agent.trials.config import TrialConfig, UserError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

CHOOSING_EPISODES = 3


def run_trial(config: TrialConfig, folder: Path, log_steps: int = 0) -> Score:
    """Train a model, keep the best checkpoint as ``model.zip`` in ``folder``, and judge that one.

    Every environment is closed on every way out. Whatever ends training early, ``last_model.zip`` is saved.

    :param log_steps: print every so many steps' reward; 0 for none
    :returns: the final evaluation, ``config.eval_episodes`` long (at least one episode per track)
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
        model = build(config, training)
        _open_folder(config, folder)
        model.set_logger(configure(str(folder / "tb"), ["tensorboard"]))
        stack.callback(model.logger.close)
        choosing = make_evaluation_worlds(config, config.env, max(CHOOSING_EPISODES, len(config.env)), cars)
        stack.callback(choosing.close)
        chooser = (SharingChooser if any(cars) else CheckpointChooser)(
            folder, choosing, first_seed(config.seed, CHOOSING), config.timesteps, config.evaluations
        )
        _learn(model, chooser, config.timesteps, log_steps)
        episodes = max(config.eval_episodes, len(config.env))
        judging = make_evaluation_worlds(config, config.env, episodes, cars)
        stack.callback(judging.close)
        model.set_parameters(str(folder / BEST_MODEL), device=model.device)
        score = evaluate(model, judging, episodes, first_seed(config.seed, JUDGING), log_steps)
    if not score.finite:
        raise Diverged(f"final evaluation reward {score.mean_reward}")
    for number, episode in enumerate(score.episodes, start=1):
        print(f"episode {number}: {episode.describe()}", flush=True)
    return score


class SharingChooser(CheckpointChooser):
    """Evaluates with the cars that train, so training has to begin its episodes anew afterwards.

    That is between two rollouts: none ever holds a step across the break.
    """

    def _evaluate(self) -> None:
        super()._evaluate()
        # What SB3 itself does before the first step of training.
        model, worlds = self.model, self.training_env
        model._last_obs = worlds.reset()  # type: ignore[assignment]
        model._last_original_obs = cast(VecNormalize, model.get_vec_normalize_env()).get_original_obs()
        model._last_episode_starts = np.ones(worlds.num_envs, dtype=bool)


def _open_folder(config: TrialConfig, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_outputs(folder)
        write_json(folder / CONFIG, config.to_params())
    except OSError as error:
        raise UserError(f"save-dir {folder} cannot be written ({error.strerror}); choose another") from error


def _learn(model: BaseAlgorithm, chooser: CheckpointChooser, timesteps: int, log_steps: int) -> None:
    guard, progress = FiniteGuard(), progress_callback(timesteps)
    callbacks: list[BaseCallback] = [guard, PruneWatch(chooser.folder), progress, chooser]
    if log_steps:
        callbacks.insert(1, StepLog(log_steps))
    try:
        model.learn(timesteps, callback=callbacks)
    except Exception as error:
        # torch may meet a NaN parameter before the guard does, and calls it a ValueError.
        lost = guard.fault()
        if not isinstance(error, Diverged) and lost is None:
            raise
        guard.restore()
        if not chooser.has_chosen:
            save_model(model, chooser.folder / BEST_MODEL)
        raise error if isinstance(error, Diverged) else Diverged(lost) from error
    finally:
        if isinstance(progress, ProgressDisplay):
            progress.close()
        save_model(model, chooser.folder / LAST_MODEL)
