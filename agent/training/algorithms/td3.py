"""TD3: a deterministic policy explored by noise, twin critics of which the lower one counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3 import TD3 as SB3TD3
from stable_baselines3.common.noise import NormalActionNoise

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderTD3Policy
from agent.training.algorithms.off_policy import (
    Metrics,
    OffPolicy,
    Transitions,
    critic_metrics,
    off_policy,
)
from agent.training.vec_envs import TrainingEnvs


class DeterministicActorCritic(OffPolicy):
    """Gradient steps of TD3; with one critic, no delay and no noise on targets they are DDPG's."""

    def update(self: Any, batch: Transitions) -> Metrics:
        features = self.answers_of(self.policy.encode, batch.observations)
        targets = self._targets(batch)
        current = self.answers_of(self.critic, features, batch.actions)
        losses = [torch.nn.functional.mse_loss(each, targets) for each in current]
        loss = torch.stack(losses).sum()
        norm = self.descend(self.critic.optimizer, loss)
        features = features.detach()
        actions = self.answers_of(self.actor, features)
        acted = self.answers_of(self.critic.q1_forward, features, actions)
        first = current[0].detach()
        last = current[-1].detach()
        seen = critic_metrics(batch, targets, first, last, acted.detach())
        seen |= {"losses/loss_critic": loss.detach(), "debug/critic_grad_norm": norm}
        if self._n_updates % self.policy_delay == 0:
            seen["debug/actor_grad_norm"] = self.descend(self.actor.optimizer, -acted.mean())
            seen["losses/loss_actor"] = -acted.detach().mean()
            networks = [(self.critic, self.critic_target), (self.actor, self.actor_target)]
            self.update_targets(networks)
        return seen

    @torch.no_grad()
    def _targets(self: Any, batch: Transitions) -> torch.Tensor:
        after = self.answers_of(self.policy.encode, batch.next_observations)
        noise = torch.randn_like(batch.actions) * self.target_policy_noise
        noise = noise.clamp(-self.target_noise_clip, self.target_noise_clip)
        actions = (self.answers_of(self.actor_target, after) + noise).clamp(-1.0, 1.0)
        answers = torch.cat(self.answers_of(self.critic_target, after, actions), dim=1)
        targets: torch.Tensor = self.backup(batch, answers.min(dim=1, keepdim=True).values)
        return targets


class TD3(DeterministicActorCritic, SB3TD3):
    """SB3's TD3 with one encoder and our gradient steps."""


def build(config: TrialConfig, training: TrainingEnvs) -> TD3:
    """The untrained model."""
    own = config.algorithm
    assert isinstance(own, settings.TD3)
    vec_env = training.vec_env
    shape = vec_env.action_space.shape or ()
    noise = NormalActionNoise(np.zeros(shape), np.full(shape, own.noise_std))
    return TD3(
        OneEncoderTD3Policy,
        vec_env,
        action_noise=noise,
        policy_delay=own.policy_delay,
        **off_policy(config, vec_env, n_critics=own.n_critics),
    )
