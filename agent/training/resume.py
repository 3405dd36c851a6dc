"""A training run put aside and taken up again, with everything it needs, in one file of the trial's folder.

The worlds themselves are not in it: whenever the state is kept, training begins its episodes anew, from seeds that
follow from the step alone. A run that goes on and one that is taken up there therefore see the same roads.
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
from agent.config.trial import TrialConfig, UserError
from agent.training.algorithms import ALGORITHMS
from agent.training.callbacks import CheckpointChooser, TrainingCallback
from agent.training.vec_envs import TRAINING, first_seed

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


class StateKeeper(TrainingCallback):
    """Keeps the state after every evaluation of ``chooser``, which stands before it, and at the end of training."""

    def __init__(self, folder: Path, config: TrialConfig, chooser: CheckpointChooser) -> None:
        super().__init__()
        self.folder, self.config, self.chooser = folder, config, chooser

    def _on_training_start(self) -> None:
        self.evaluated = len(self.chooser.due)

    def _on_rollout_start(self) -> None:
        if len(self.chooser.due) < self.evaluated:
            self.evaluated = len(self.chooser.due)
            self._keep()
            begin_anew(self.model, self.config)
            if (
                self.model.use_sde
            ):  # the rollout that is taken up draws its noise after the state was kept
                self.model.policy.reset_noise(self.training_env.num_envs)  # type: ignore[operator]

    def _on_training_end(self) -> None:
        self._keep()

    def _keep(self) -> None:
        model, saved = self.model, io.BytesIO()
        model.save(saved)
        state = {
            "model": saved.getvalue(),
            "replay": model.replay_buffer if isinstance(model, OffPolicyAlgorithm) else None,
            "lessons": getattr(model, "lessons", None),
            "roads": getattr(self.training_env, "replay", None),
            "normalisation": cast(VecNormalize, model.get_vec_normalize_env()).ret_rms,
            "best": self.chooser.best,
            "random": _random_state(model),
        }
        with replacing(self.folder / files.STATE) as scratch, scratch.open("wb") as file:
            pickle.dump(state, file, protocol=5)


def take_up(
    config: TrialConfig, folder: Path, worlds: VecEnv, chooser: CheckpointChooser
) -> BaseAlgorithm:
    """The model as it was when ``folder``'s state was kept, in ``worlds`` at the beginning of new episodes.

    Everything random goes on where it was. The file is a pickle: take up only what is your own.

    :raises UserError: no state there, one that cannot be read, or nothing left to train
    """
    path = folder / files.STATE
    try:
        with path.open("rb") as file:
            state: dict[str, Any] = pickle.load(file)
    except FileNotFoundError:
        raise UserError(
            f"resume {folder} has no {files.STATE}; train with --keep-state to have one"
        ) from None
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError) as error:
        raise UserError(f"resume {path} cannot be read ({error}); train anew") from error
    algorithm = ALGORITHMS[config.agent].model
    model = algorithm.load(
        io.BytesIO(state["model"]), env=worlds, device=config.device, force_reset=False
    )
    if model.num_timesteps >= config.timesteps:
        raise UserError(
            f"resume {folder} has trained {model.num_timesteps} steps; give more with --timesteps"
        )
    if isinstance(model, OffPolicyAlgorithm):
        model.replay_buffer = state["replay"]
        model.replay_buffer.device = model.device
    if state.get("lessons"):
        cast(Any, model).take_up_lessons(state["lessons"])
    if state.get("roads"):
        cast(Any, worlds).replay_roads(state["roads"])
    if config.growing:
        cast(Any, worlds).grown_to(model.num_timesteps)
    cast(VecNormalize, worlds).ret_rms = state["normalisation"]
    chooser.best = state["best"]
    chooser.due = [step for step in chooser.due if step > model.num_timesteps]
    begin_anew(model, config)
    _set_random_state(model, state["random"])
    return model


def begin_anew(model: BaseAlgorithm, config: TrialConfig | None = None) -> None:
    """Start new training episodes between two rollouts, as SB3 does before the first.

    :param config: its seed and the step decide the new episodes; None lets the worlds draw on
    """
    worlds = cast(VecNormalize, model.get_vec_normalize_env())
    if config is not None:
        worlds.seed(first_seed((config.seed + model.num_timesteps) % 2**31, TRAINING))
    model._last_obs = worlds.reset()
    model._last_original_obs = worlds.get_original_obs()
    model._last_episode_starts = np.ones(worlds.num_envs, dtype=bool)
    if isinstance(model, OffPolicyAlgorithm) and model.replay_buffer is not None:
        buffer, last = model.replay_buffer, model.replay_buffer.pos - 1
        buffer.timeouts[last] = np.maximum(
            buffer.timeouts[last], 1.0 - buffer.dones[last]
        )  # no return goes on beyond


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
