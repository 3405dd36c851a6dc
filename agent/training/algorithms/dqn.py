"""DQN on the discretised actions, with double Q-learning and a target network that follows smoothly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from stable_baselines3 import DQN as SB3DQN
from stable_baselines3.dqn.policies import QNetwork

from agent.config.trial import TrialConfig
from agent.training.algorithms.off_policy import (
    Metrics,
    OffPolicy,
    Transitions,
    critic_metrics,
    off_policy,
)

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


class DQN(OffPolicy, SB3DQN):
    """The online network chooses the next action, the target network says its worth (van Hasselt et al. 2016)."""

    def set_rates(self) -> None:
        self._update_learning_rate(self.policy.optimizer)

    def update(self, batch: Transitions) -> Metrics:
        with torch.no_grad():
            after = batch.next_observations
            chosen = worth_of(self.q_net, after).argmax(dim=1, keepdim=True)
            targets = self.backup(batch, worth_of(self.q_net_target, after).gather(1, chosen))
        worth = worth_of(self.q_net, batch.observations)
        current = worth.gather(1, batch.actions.long())
        loss = torch.nn.functional.smooth_l1_loss(current, targets)
        norm = self.descend(self.policy.optimizer, loss)
        self.follow([(self.q_net, self.q_net_target)])
        best = worth.detach().max(dim=1).values
        seen = critic_metrics(batch, targets, current.detach(), current.detach(), best)
        return seen | {"losses/loss_critic": loss.detach(), "debug/critic_grad_norm": norm}

    def _on_step(self) -> None:
        self.exploration_rate = self.exploration_schedule(self._current_progress_remaining)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[Any, Any]:
        """Epsilon-greedy, each world for itself; stock SB3 draws once for all of them."""
        random = np.array([self.action_space.sample() for _ in range(n_envs)])
        if self.num_timesteps < learning_starts:
            return random, random
        assert self._last_obs is not None
        greedy, _ = self.predict(self._last_obs, deterministic=True)
        action = np.where(np.random.rand(n_envs) < self.exploration_rate, random, greedy)
        return action, action


def worth_of(network: QNetwork, pictures: torch.Tensor) -> torch.Tensor:
    """The worth (batch, actions) of every action at pictures."""
    worth: torch.Tensor = network.q_net(network.features_extractor(pictures))
    return worth


def build(config: TrialConfig, worlds: VecEnv) -> DQN:
    """The untrained model."""
    told = config.settings
    return DQN(
        "CnnPolicy",
        worlds,
        exploration_fraction=told.exploration_fraction,
        exploration_final_eps=told.exploration_final,
        **off_policy(config, worlds),
    )
