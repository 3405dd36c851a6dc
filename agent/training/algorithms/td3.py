"""TD3: a deterministic policy, noise for exploration, twin critics of which the lower one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from stable_baselines3 import TD3 as SB3TD3
from stable_baselines3.common.noise import NormalActionNoise

from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderTD3Policy
from agent.training.algorithms.off_policy import (
    Metrics,
    OffPolicy,
    Transitions,
    critic_metrics,
    off_policy,
)

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


class Deterministic(OffPolicy):
    """Gradient steps of TD3; with one critic, no delay and no noise on targets they are DDPG's."""

    def update(self: Any, batch: Transitions) -> Metrics:
        features = self.policy.encode(batch.observations)
        with torch.no_grad():
            after = self.policy.encode(batch.next_observations)
            noise = torch.randn_like(batch.actions) * self.target_policy_noise
            noise = noise.clamp(-self.target_noise_clip, self.target_noise_clip)
            next_actions = (self.actor_target(after) + noise).clamp(-1.0, 1.0)
            worth = (
                torch.cat(self.critic_target(after, next_actions), dim=1)
                .min(dim=1, keepdim=True)
                .values
            )
            targets = self.backup(batch, worth)
        current = self.critic(features, batch.actions)
        loss = torch.stack([torch.nn.functional.mse_loss(each, targets) for each in current]).sum()
        norm = self.descend(self.critic.optimizer, loss)
        features = features.detach()
        acted = self.critic.q1_forward(features, self.actor(features))
        seen = critic_metrics(
            batch, targets, current[0].detach(), current[-1].detach(), acted.detach()
        )
        seen |= {"losses/loss_critic": loss.detach(), "debug/critic_grad_norm": norm}
        if self._n_updates % self.policy_delay == 0:
            actor_norm = self.descend(self.actor.optimizer, -acted.mean())
            seen |= {
                "losses/loss_actor": -acted.detach().mean(),
                "debug/actor_grad_norm": actor_norm,
            }
            self.follow([(self.critic, self.critic_target), (self.actor, self.actor_target)])
        return seen


class TD3(Deterministic, SB3TD3):
    """SB3's TD3 with one encoder and our gradient steps."""


def build(config: TrialConfig, worlds: VecEnv) -> TD3:
    """The untrained model."""
    told = config.settings
    return TD3(
        OneEncoderTD3Policy,
        worlds,
        action_noise=NormalActionNoise(np.zeros(2), np.full(2, told.noise_std)),
        policy_delay=told.policy_delay,
        **off_policy(config, worlds, n_critics=told.n_critics),
    )
