"""A training run put aside and continued: all that it needs is in one file of its folder.

The environments themselves are not in it. Whenever the state is kept, training begins its episodes
anew, from seeds that follow from the step alone. So a run that goes on and one that is continued
there meet the same episodes.
"""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from agent.config import files
from agent.config.atomic import replacing
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.training.algorithms import ALGORITHMS
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.algorithms.ppo import attach
from agent.training.callbacks import TrainingCallback
from agent.training.checkpoint_chooser import CheckpointChooser
from agent.training.old_names import STATE_KEYS, modern_state
from agent.training.result import is_done
from agent.training.vec_envs import TrainingEnvs
from agent.worlds.base import Purpose

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

SEED_LIMIT = 2**31  # seeds of numpy's generators are below 2**32


class StateKeeper(TrainingCallback):
    """Keeps the state after every evaluation, at the end of training, and when that is cut short.

    :param config: the trial's
    :param folder: the trial's
    :param training: environments that are learned in
    :param chooser: evaluates; stands before this callback
    """

    def __init__(
        self,
        config: TrialConfig,
        folder: Path,
        training: TrainingEnvs,
        chooser: CheckpointChooser,
    ) -> None:
        super().__init__()
        self.config = config
        self.seed = config.trial.seed
        self.folder = folder
        self.curriculum = training.curriculum
        self.chooser = chooser
        self.learned_steps: int | None = None  # None until training begins

    def _on_training_start(self) -> None:
        self.still_due = len(self.chooser.due)
        self.learned_steps = self.num_timesteps

    def _on_rollout_end(self) -> None:
        self.learned_steps = self.num_timesteps

    def _on_rollout_start(self) -> None:
        if len(self.chooser.due) == self.still_due:
            return
        self.still_due = len(self.chooser.due)
        self._keep()
        begin_anew(self.model, self.seed)
        if self.model.use_sde:
            # A continued run draws the noise of its first rollout after the state was kept.
            self.model.policy.reset_noise(self.training_env.num_envs)  # type: ignore[operator]

    def _on_training_end(self) -> None:
        self._keep()

    def keep_interrupted(self) -> None:
        """Keeps the state of a training that was cut short; its last rollout is driven anew."""
        if self.learned_steps is None:
            return
        steps = self.model.num_timesteps
        self.model.num_timesteps = self.learned_steps
        self._keep()
        self.model.num_timesteps = steps

    def _keep(self) -> None:
        model = self.model
        saved = io.BytesIO()
        model.save(saved)
        state = {
            "config": self.config.to_params(),
            "model": saved.getvalue(),
            "replay": model.replay_buffer if isinstance(model, OffPolicyAlgorithm) else None,
            "labels": _labels_of(model),
            "curriculum": self.curriculum.state() if self.curriculum else None,
            "normalisation": _scaling_of(model).ret_rms,
            "best": self.chooser.best,
            "random": _random_state(model),
        }
        with replacing(self.folder / files.STATE) as scratch, scratch.open("wb") as file:
            pickle.dump(state, file, protocol=5)


def read_state(config: TrialConfig, folder: Path) -> dict[str, Any]:
    """The state that was kept in ``folder``; nothing is changed there.

    The file is a pickle: continue only your own trainings.

    :param config: the trial's, perhaps longer than before
    :param folder: with the state
    :raises UserError: no state there, one that cannot be read, or one of another configuration
    """
    path = folder / files.STATE
    try:
        with path.open("rb") as file:
            state = modern_state(pickle.load(file))
    except FileNotFoundError:
        raise UserError(
            f"--resume {folder} has no {files.STATE}; train with --keep-state to have one"
        ) from None
    except Exception as error:  # whatever a torn or foreign pickle leads to
        raise UserError(f"--resume {path} cannot be read ({_reason(error)}); train anew") from error
    missing = STATE_KEYS - state.keys() - {"config"}  # which older versions did not write
    if missing:
        raise UserError(f"--resume {path} cannot be read (no {min(missing)} in it); train anew")
    _check_same(config, state.get("config"), path)
    return state


def continue_training(
    config: TrialConfig,
    folder: Path,
    state: dict[str, Any],
    training: TrainingEnvs,
    chooser: CheckpointChooser,
) -> BaseAlgorithm:
    """The model as it was when the state was kept, at the beginning of new episodes.

    Everything random goes on where it was.

    :param config: the trial's, perhaps longer than before
    :param folder: with the state
    :param state: of ``read_state``
    :param training: environments to learn in
    :param chooser: of checkpoints, which goes on from the best so far
    :raises UserError: a state that does not fit, or nothing left to train
    """
    path = folder / files.STATE
    with _refusing_misfits(path):
        model = _restored(config, state, training, chooser)
    timesteps = config.trial.timesteps
    trained = model.num_timesteps
    if trained > timesteps or (trained == timesteps and is_done(folder)):
        raise UserError(
            f"--resume {folder} has trained {trained} steps; give more with --timesteps"
        )
    begin_anew(model, config.trial.seed)
    with _refusing_misfits(path):
        _set_random_state(model, state["random"])
    return model


@contextmanager
def _refusing_misfits(path: Path) -> Iterator[None]:
    """Takes any error as that of a state of another version, whatever that leads to.

    :raises UserError: in its place
    """
    try:
        yield
    except Exception as error:
        raise UserError(
            f"--resume {path} does not fit this trial ({_reason(error)}); train anew"
        ) from error


def _restored(
    config: TrialConfig, state: dict[str, Any], training: TrainingEnvs, chooser: CheckpointChooser
) -> BaseAlgorithm:
    algorithm = ALGORITHMS[config.trial.agent].model
    saved = io.BytesIO(state["model"])
    model = algorithm.load(
        saved, env=training.vec_env, device=config.trial.device, force_reset=False
    )
    if isinstance(model, OffPolicyAlgorithm):
        model.replay_buffer = state["replay"]
        model.replay_buffer.device = model.device
    if isinstance(model, FastPPO):
        attach(model, config, training)
        if model.imitator and state["labels"] is not None:
            model.imitator.go_on(state["labels"])
    if training.curriculum:
        if state["curriculum"] is not None:
            training.curriculum.restore(state["curriculum"])
        training.curriculum.advance_to(model.num_timesteps)
    training.vec_env.ret_rms = state["normalisation"]
    chooser.best = state["best"]
    chooser.due = [step for step in chooser.due if step > model.num_timesteps]
    return model


def _check_same(config: TrialConfig, kept: dict[str, Any] | None, path: Path) -> None:
    """Refuses a state that was kept under other parameters than the trial's.

    :param config: the trial's
    :param kept: flat parameters in the state; None in one of an older version
    :param path: of the state, for the complaint
    :raises UserError: another parameter than the length of training differs
    """
    for name, value in config.to_params().items():
        was = (kept or {}).get(name, value)
        if name != "timesteps" and was != value:
            raise UserError(
                f"--resume {path} was kept with {name} {was}, {files.CONFIG} beside it has {value};"
                " put the one of this training there"
            )


def _reason(error: Exception) -> str:
    """An error in a few words on one line."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def begin_anew(model: BaseAlgorithm, seed: int | None = None) -> None:
    """Starts new training episodes between two rollouts, as SB3 does before the first.

    :param model: in training
    :param seed: the trial's, which decides the new episodes with the step; None lets the
        environments draw on
    """
    vec_env = _scaling_of(model)
    if seed is not None:
        vec_env.seed(Purpose.TRAIN.first_seed((seed + model.num_timesteps) % SEED_LIMIT))
    model._last_obs = vec_env.reset()
    model._last_original_obs = vec_env.get_original_obs()
    model._last_episode_starts = np.ones(vec_env.num_envs, dtype=bool)
    if isinstance(model, OffPolicyAlgorithm) and model.replay_buffer is not None:
        # No return may go on beyond the break.
        buffer = model.replay_buffer
        last = buffer.pos - 1
        buffer.timeouts[last] = np.maximum(buffer.timeouts[last], 1.0 - buffer.dones[last])


def _labels_of(model: BaseAlgorithm) -> Any:
    """The dataset of an imitator; None without one."""
    if isinstance(model, FastPPO) and model.imitator:
        return model.imitator.dataset
    return None


def _scaling_of(model: BaseAlgorithm) -> VecNormalize:
    return cast(VecNormalize, model.get_vec_normalize_env())


def _random_state(model: BaseAlgorithm) -> dict[str, Any]:
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "actions": model.action_space.np_random.bit_generator.state,
    }


def _set_random_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    model.action_space.np_random.bit_generator.state = state["actions"]
