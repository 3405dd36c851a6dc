"""SAC: a random policy that is paid for its entropy, twin critics of which the lower one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from stable_baselines3 import SAC as SB3SAC

from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderSACPolicy
from agent.training.algorithms.off_policy import (
    Metrics,
    OffPolicy,
    Transitions,
    critic_metrics,
    off_policy,
)

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


class Entropic(OffPolicy):
    """Gradient steps of SAC, and of TQC, which differs in what its critics say.

    :param entropy_rate: step size of the learned entropy weight, whatever the learning rate is
    """

    def __init__(self, *args: Any, entropy_rate: float = 3e-4, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entropy_rate = entropy_rate

    def update(self: Any, batch: Transitions) -> Metrics:
        if self.use_sde:
            self.actor.reset_noise()
        features = self.policy.encode(batch.observations)
        actions, log_prob = self.actor.action_log_prob(features.detach())
        log_prob = log_prob.reshape(-1, 1)
        weight = self.entropy_weight(log_prob.detach())
        with torch.no_grad():
            after = self.policy.encode(batch.next_observations)
            next_actions, next_log_prob = self.actor.action_log_prob(after)
            worth = self.cautious(
                self.critic_target(after, next_actions)
            ) - weight * next_log_prob.reshape(-1, 1)
            targets = self.backup(batch, worth)
        current = self.critic(features, batch.actions)
        loss = self.critic_loss(current, targets)
        norm = self.descend(self.critic.optimizer, loss)
        acted = self.expected(self.critic(features.detach(), actions))
        actor_loss = (weight * log_prob - acted).mean()
        actor_norm = self.descend(self.actor.optimizer, actor_loss)
        self.follow([(self.critic, self.critic_target)])
        first, second = self.first_and_last(current)
        return critic_metrics(batch, targets, first.detach(), second.detach(), acted.detach()) | {
            "losses/loss_critic": loss.detach(),
            "losses/loss_actor": actor_loss.detach(),
            "debug/critic_grad_norm": norm,
            "debug/actor_grad_norm": actor_norm,
            "debug/entropy": -log_prob.detach().mean(),
            "entropy_coef": weight,
        }

    def entropy_weight(self: Any, log_prob: torch.Tensor) -> torch.Tensor:
        """The weight of the entropy in this step; a learned one then moves towards the target entropy."""
        if self.ent_coef_optimizer is None:
            return self.ent_coef_tensor
        weight = self.log_ent_coef.detach().exp()
        self.ent_coef_optimizer.param_groups[0]["lr"] = self.entropy_rate
        self.ent_coef_optimizer.zero_grad()
        (-(self.log_ent_coef * (log_prob + self.target_entropy)).mean()).backward()
        self.ent_coef_optimizer.step()
        return weight

    def cautious(self, said: Any) -> torch.Tensor:
        """What of the target critics' answer enters the targets, (batch, n)."""
        return torch.cat(said, dim=1).min(dim=1, keepdim=True).values

    def expected(self, said: Any) -> torch.Tensor:
        """The worth (batch, 1) that the policy climbs."""
        return self.cautious(said)

    def critic_loss(self, current: Any, targets: torch.Tensor) -> torch.Tensor:
        """How far the critics are from their targets."""
        return (
            0.5
            * torch.stack([torch.nn.functional.mse_loss(each, targets) for each in current]).sum()
        )

    def first_and_last(self, current: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """What the first critic says, and the last."""
        return current[0], current[-1]


class SAC(Entropic, SB3SAC):
    """SB3's SAC with one encoder and our gradient steps."""


def entropic(config: TrialConfig, worlds: VecEnv) -> dict[str, Any]:
    """What SAC and TQC are built with."""
    told = config.settings
    return {
        "ent_coef": f"auto_{told.ent_coef}" if told.entropy_rate else told.ent_coef,
        "entropy_rate": told.entropy_rate,
        "target_entropy": told.target_entropy,
        "use_sde": told.sde_freq > 0,
        "sde_sample_freq": told.sde_freq or -1,
        **off_policy(
            config, worlds, n_critics=told.n_critics, log_std_init=told.log_std_init, use_expln=True
        ),
    }


def build(config: TrialConfig, worlds: VecEnv) -> SAC:
    """The untrained model."""
    return SAC(OneEncoderSACPolicy, worlds, **entropic(config, worlds))
