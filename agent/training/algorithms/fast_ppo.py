"""SB3's PPO with the same loss and less around it.

With a network as small as ours, stock PPO spends most of its time outside of it: distribution
objects, numbers read out at every minibatch, parameters clipped and moved one by one. Here a
rollout becomes tensors once, the loss is a dozen operations, and the optimiser moves all parameters
as one row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.utils import explained_variance

from agent.training.algorithms.adam import RowAdam
from agent.training.algorithms.fast_policy import FastPolicy

if TYPE_CHECKING:
    from agent.training.imitation.imitator import Imitator
    from agent.worlds.capabilities import Curriculum

LOG_SQRT_TAU = 0.5 * math.log(2.0 * math.pi)  # of the normal distribution's density
LOGGED = (
    "loss",
    "policy_gradient_loss",
    "value_loss",
    "entropy_loss",
    "approx_kl",
    "clip_fraction",
)


class RolloutTensors(NamedTuple):
    """Steps of a rollout (n, ...) on the policy's device; ``views`` are those of the pictures."""

    views: torch.Tensor
    actions: torch.Tensor
    log_probs: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor

    def minibatch(self, indices: torch.Tensor) -> RolloutTensors:
        """The steps at ``indices``, advantages normalised among themselves."""
        chosen = RolloutTensors(*(values.index_select(0, indices) for values in self))
        if len(indices) == 1:  # which has no standard deviation
            return chosen
        advantages = chosen.advantages
        normalised = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        return chosen._replace(advantages=normalised)


class FastPPO(PPO):
    """PPO for continuous actions and pictures, without ``clip_range_vf`` and ``target_kl``.

    Its policy is a ``FastPolicy`` with a ``RowAdam``. Neither of the attributes is saved with the
    model:

    - ``imitator``: learns from an expert's labels instead of PPO's loss, or beside it
    - ``curriculum``: is told how much there was to learn from every step
    """

    imitator: Imitator | None = None
    curriculum: Curriculum | None = None

    def _setup_model(self) -> None:
        super()._setup_model()
        self.row_adam.lay_out()  # anew, for the policy has gone to its device

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "imitator", "curriculum"]

    @property
    def row_adam(self) -> RowAdam:
        """The policy's optimiser."""
        assert isinstance(self.policy.optimizer, RowAdam)
        return self.policy.optimizer

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Gives the policy the average of its weights, if it has one, until the context ends."""
        return self.row_adam.averaged_weights()

    def train(self) -> None:
        """Updates the policy from the rollout that was gathered."""
        self.policy.set_training_mode(True)
        if self.curriculum:
            self.curriculum.note_scores(np.abs(self.rollout_buffer.advantages))
        if self.imitator:
            self.imitator.finish()  # with the step size that it began with
        self._update_learning_rate(self.policy.optimizer)
        if self.imitator and self.imitator.is_alone:
            self.imitator.begin()
            return
        clip_range: float = cast(Any, self.clip_range)(self._current_progress_remaining)
        rollout = self._rollout_tensors()
        auxiliary = self.imitator.gradient_beside_ppo() if self.imitator else None
        for _ in range(self.n_epochs):
            numbers = []
            for indices in self._minibatches(len(rollout.returns)):
                if auxiliary:
                    auxiliary.begin(len(indices))
                loss, seen = self.loss(rollout.minibatch(indices), clip_range)
                added = auxiliary.result if auxiliary else None
                self.row_adam.descend(loss, self.max_grad_norm, added)
                numbers.append(seen)
            self._n_updates += 1
        if auxiliary:
            self.logger.record("train/imitation_loss", auxiliary.error)
        self._log(numbers, clip_range)

    def _rollout_tensors(self) -> RolloutTensors:
        buffer = self.rollout_buffer

        def flat(values: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(buffer.swap_and_flatten(values)).to(self.device)

        return RolloutTensors(
            cast(FastPolicy, self.policy).views(flat(buffer.observations)),
            flat(buffer.actions),
            flat(buffer.log_probs).flatten(),
            flat(buffer.advantages).flatten(),
            flat(buffer.returns).flatten(),
        )

    def _minibatches(self, n: int) -> Iterator[torch.Tensor]:
        """Indices of ``n`` steps in random order, ``batch_size`` at a time."""
        order = torch.from_numpy(np.random.permutation(n))
        for indices in order.split(self.batch_size):
            yield indices.to(self.device)

    def loss(self, steps: RolloutTensors, clip_range: float) -> tuple[torch.Tensor, torch.Tensor]:
        """PPO's loss of a minibatch (Schulman et al. 2017, equation 9), and ``LOGGED`` numbers."""
        policy = cast(FastPolicy, self.policy)
        mean, values, latent = policy.answers(steps.views)
        values = values.flatten()
        variance = self._variance(latent[:, 0])
        log_std = 0.5 * torch.log(variance)
        squares = (steps.actions - mean).square() / variance
        log_probs = -(0.5 * squares + (log_std + LOG_SQRT_TAU)).sum(1)
        log_ratio = log_probs - steps.log_probs
        ratio = torch.exp(log_ratio)
        clipped = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
        policy_loss = -torch.min(steps.advantages * ratio, steps.advantages * clipped).mean()
        value_loss = torch.nn.functional.mse_loss(values, steps.returns)
        entropy_loss = -(log_std + (0.5 + LOG_SQRT_TAU)).expand_as(mean).sum(1).mean()
        loss = policy_loss + self.vf_coef * value_loss
        if self.ent_coef:
            loss = loss + self.ent_coef * entropy_loss
        with torch.no_grad():
            kl = (ratio - 1.0 - log_ratio).mean()
            clip_fraction = (ratio != clipped).float().mean()
            seen = (loss, policy_loss, value_loss, entropy_loss, kl, clip_fraction)
            return loss, torch.stack(seen)

    def _variance(self, latent: torch.Tensor) -> torch.Tensor:
        """Variance of the actions: (k,), or (n, k) where the noise depends on the state."""
        policy = cast(FastPolicy, self.policy)
        variance = torch.exp(2.0 * policy.log_std)
        noise = policy.action_dist
        if isinstance(noise, StateDependentNoiseDistribution):
            variance = latent.detach().square() @ variance + noise.epsilon
        return variance

    def _log(self, numbers: Sequence[torch.Tensor], clip_range: float) -> None:
        """Logs the means of the last epoch's ``LOGGED`` numbers, and what SB3 logs besides."""
        for name, value in zip(LOGGED, torch.stack(list(numbers)).mean(0).tolist(), strict=True):
            self.logger.record(f"train/{name}", value)
        buffer = self.rollout_buffer
        explained = explained_variance(buffer.values.flatten(), buffer.returns.flatten())
        self.logger.record("train/explained_variance", explained)
        std = cast(FastPolicy, self.policy).log_std.detach().exp().mean()
        self.logger.record("train/std", float(std))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", clip_range)
