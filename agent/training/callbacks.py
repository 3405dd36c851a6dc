"""Callbacks that watch a training run: a guard against NaN, a watch for pruning, and step lines.

The guard stands first in the list, so no evaluation ever acts with parameters that are not finite.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize, unwrap_vec_normalize

from agent.config import files

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


class Diverged(RuntimeError):
    """Training left the finite numbers; the text says which number, and at which step."""


class Pruned(RuntimeError):
    """The controller had the trial stop; the text is its reason."""


class TrainingCallback(BaseCallback):
    """A callback with the unscaled rewards of the last step at hand."""

    @property
    def rewards(self) -> np.ndarray:
        """Rewards (n_envs,) as the environments gave them, before scaling."""
        return cast(VecNormalize, unwrap_vec_normalize(self.training_env)).get_original_reward()

    def _on_step(self) -> bool:
        return True


def fault_of(model: BaseAlgorithm) -> str | None:
    """Names a parameter of the model that is not finite, in a sentence; None while all are."""
    for name, parameter in model.policy.named_parameters():
        if not torch.isfinite(parameter).all():
            return f"parameter {name} is not finite at step {model.num_timesteps}"
    return None


class FiniteGuard(TrainingCallback):
    """Stops training at the first reward, loss or parameter that is not finite.

    Before each rollout the parameters are checked and copied, so ``restore`` can bring back the
    last finite ones.

    :raises Diverged: from inside ``model.learn``
    """

    def __init__(self) -> None:
        super().__init__()
        self.finite_parameters: dict[str, torch.Tensor] = {}

    def _on_training_start(self) -> None:
        self._remember()

    def _on_step(self) -> bool:
        if not np.isfinite(self.rewards).all():
            raise Diverged(f"reward {self.rewards.tolist()} at step {self.num_timesteps}")
        return True

    def _on_rollout_start(self) -> None:
        self._check()

    def _on_training_end(self) -> None:
        self._check()

    def restore(self) -> None:
        """Gives the model its last finite parameters back, if training has begun."""
        if self.finite_parameters:
            self.model.policy.load_state_dict(self.finite_parameters)

    def fault(self) -> str | None:
        """Names a parameter that is not finite, see ``fault_of``."""
        return fault_of(self.model)

    def _check(self) -> None:
        for name, value in self.model.logger.name_to_value.items():
            if "loss" in name and not np.isfinite(value):
                raise Diverged(f"{name} {value} at step {self.num_timesteps}")
        fault = self.fault()
        if fault:
            raise Diverged(fault)
        self._remember()

    def _remember(self) -> None:
        state = self.model.policy.state_dict()
        self.finite_parameters = {name: value.detach().clone() for name, value in state.items()}


class PruneWatch(TrainingCallback):
    """Ends training as soon as the controller has left its reason in the trial's folder.

    :param folder: the trial's
    :raises Pruned: from inside ``model.learn``
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / files.STOP

    def _on_step(self) -> bool:
        if os.path.exists(self.path):
            reason = self.path.read_text(encoding="utf-8", errors="replace").strip()
            raise Pruned(reason or "the controller had it stop")
        return True


class StepLog(TrainingCallback):
    """Prints the rewards of every ``every``-th step of each environment (NFR-004)."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self.every = every

    def _on_step(self) -> bool:
        if self.n_calls % self.every == 0:
            rewards = " ".join(f"{reward:.4f}" for reward in self.rewards)
            print(f"training step {self.num_timesteps}: reward {rewards}", flush=True)
        return True
