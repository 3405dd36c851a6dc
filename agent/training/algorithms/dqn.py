"""DQN on discrete actions, with double Q-learning and a target network that follows smoothly."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN as SB3DQN
from stable_baselines3.dqn.policies import QNetwork

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.off_policy import (
    Metrics,
    OffPolicy,
    Transitions,
    critic_metrics,
    off_policy,
)
from agent.training.vec_envs import TrainingEnvs


class DQN(OffPolicy, SB3DQN):
    """Double Q-learning (van Hasselt et al. 2016).

    The online network chooses the next action, the target network says its value.
    """

    def set_rates(self) -> None:
        self._update_learning_rate(self.policy.optimizer)

    def update(self, batch: Transitions) -> Metrics:
        with torch.no_grad():
            after = batch.next_observations
            chosen = self.action_values(self.q_net, after).argmax(dim=1, keepdim=True)
            following = self.action_values(self.q_net_target, after).gather(1, chosen)
            targets = self.backup(batch, following)
        values = self.action_values(self.q_net, batch.observations)
        current = values.gather(1, batch.actions.long())
        loss = torch.nn.functional.smooth_l1_loss(current, targets)
        norm = self.descend(self.policy.optimizer, loss)
        self.update_targets([(self.q_net, self.q_net_target)])
        best = values.detach().max(dim=1).values
        seen = critic_metrics(batch, targets, current.detach(), current.detach(), best)
        return seen | {"losses/loss_critic": loss.detach(), "debug/critic_grad_norm": norm}

    def action_values(self, network: QNetwork, pictures: torch.Tensor) -> torch.Tensor:
        """Values (batch, actions) of every action at pictures."""
        features = self.answers_of(network.features_extractor, pictures)
        values: torch.Tensor = self.answers_of(network.q_net, features)
        return values

    def _on_step(self) -> None:
        self.exploration_rate = self.exploration_schedule(self._current_progress_remaining)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[Any, Any]:
        """Epsilon-greedy, drawn for each environment; stock SB3 draws once for all of them."""
        random = np.array([self.action_space.sample() for _ in range(n_envs)])
        if self.num_timesteps < learning_starts:
            return random, random
        assert self._last_obs is not None
        greedy, _ = self.predict(self._last_obs, deterministic=True)
        action = np.where(np.random.rand(n_envs) < self.exploration_rate, random, greedy)
        return action, action


def build(config: TrialConfig, training: TrainingEnvs) -> DQN:
    """The untrained model."""
    own = config.algorithm
    assert isinstance(own, settings.DQN)
    return DQN(
        "CnnPolicy",
        training.vec_env,
        exploration_fraction=own.exploration_fraction,
        exploration_final_eps=own.exploration_final,
        **off_policy(config, training.vec_env),
    )
