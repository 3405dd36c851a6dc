"""A training run put aside and continued: all that it needs is in one file of its folder.

The environments themselves are not in it. Whenever the state is kept, training begins its episodes
anew, from seeds that follow from the step alone. So a run that goes on and one that is continued
there meet the same episodes.
"""

from __future__ import annotations

import io
import pickle
import random
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
from agent.training.old_names import modern_state
from agent.training.vec_envs import TrainingEnvs
from agent.worlds.base import Purpose

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

SEED_LIMIT = 2**31  # seeds of numpy's generators are below 2**32


class StateKeeper(TrainingCallback):
    """Keeps the state after every evaluation and at the end of training.

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
        self.seed = config.trial.seed
        self.folder = folder
        self.curriculum = training.curriculum
        self.chooser = chooser

    def _on_training_start(self) -> None:
        self.still_due = len(self.chooser.due)

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

    def _keep(self) -> None:
        model = self.model
        saved = io.BytesIO()
        model.save(saved)
        state = {
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


def continue_training(
    config: TrialConfig, folder: Path, training: TrainingEnvs, chooser: CheckpointChooser
) -> BaseAlgorithm:
    """The model as it was when the state was kept, at the beginning of new episodes.

    Everything random goes on where it was. The file is a pickle: continue only your own trainings.

    :param config: the trial's, perhaps longer than before
    :param folder: with the state
    :param training: environments to learn in
    :param chooser: of checkpoints, which goes on from the best so far
    :raises UserError: no state there, one that cannot be read, or nothing left to train
    """
    state = _read_state(folder)
    algorithm = ALGORITHMS[config.trial.agent].model
    saved = io.BytesIO(state["model"])
    model = algorithm.load(
        saved, env=training.vec_env, device=config.trial.device, force_reset=False
    )
    if model.num_timesteps >= config.trial.timesteps:
        raise UserError(
            f"resume {folder} has trained {model.num_timesteps} steps; give more with --timesteps"
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
    begin_anew(model, config.trial.seed)
    _set_random_state(model, state["random"])
    return model


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / files.STATE
    try:
        with path.open("rb") as file:
            return modern_state(pickle.load(file))
    except FileNotFoundError:
        raise UserError(
            f"resume {folder} has no {files.STATE}; train with --keep-state to have one"
        ) from None
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError) as error:
        raise UserError(f"resume {path} cannot be read ({error}); train anew") from error


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
