"""SAC: a random policy that is paid for its entropy, twin critics of which the lower one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from stable_baselines3 import SAC as SB3SAC

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.actor_critic import OneEncoderSACPolicy
from agent.training.algorithms.off_policy import (
    Metrics,
    OffPolicy,
    Transitions,
    critic_metrics,
    off_policy,
)
from agent.training.vec_envs import TrainingEnvs

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv


class SoftActorCritic(OffPolicy):
    """Gradient steps of SAC, and of TQC, whose critics answer otherwise.

    :param entropy_rate: step size of the learned entropy weight, whatever the learning rate is
    """

    def __init__(self, *args: Any, entropy_rate: float = 3e-4, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entropy_rate = entropy_rate

    def update(self: Any, batch: Transitions) -> Metrics:
        if self.use_sde:
            self.actor.reset_noise()
        features = self.answers_of(self.policy.encode, batch.observations)
        actions, log_prob = self.action_log_prob(features.detach())
        weight = self.entropy_weight(log_prob.detach())
        targets = self._targets(batch, weight)
        current = self.answers_of(self.critic, features, batch.actions)
        critic_loss = self.critic_loss(current, targets)
        critic_norm = self.descend(self.critic.optimizer, critic_loss)
        acted = self.objective(self.answers_of(self.critic, features.detach(), actions))
        actor_loss = (weight * log_prob - acted).mean()
        actor_norm = self.descend(self.actor.optimizer, actor_loss)
        self.update_targets([(self.critic, self.critic_target)])
        first = self.answer_of(current, 0).detach()
        last = self.answer_of(current, -1).detach()
        return critic_metrics(batch, targets, first, last, acted.detach()) | {
            "losses/loss_critic": critic_loss.detach(),
            "losses/loss_actor": actor_loss.detach(),
            "debug/critic_grad_norm": critic_norm,
            "debug/actor_grad_norm": actor_norm,
            "debug/entropy": -log_prob.detach().mean(),
            "entropy_coef": weight,
        }

    @torch.no_grad()
    def _targets(self: Any, batch: Transitions, weight: torch.Tensor) -> torch.Tensor:
        after = self.answers_of(self.policy.encode, batch.next_observations)
        actions, log_prob = self.action_log_prob(after)
        value = self.lower_estimate(self.answers_of(self.critic_target, after, actions))
        targets: torch.Tensor = self.backup(batch, value - weight * log_prob)
        return targets

    def action_log_prob(self: Any, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions (batch, k) drawn at features, and their log-probabilities (batch, 1)."""
        mean, log_std, latents = self.answers_of(self.actor.get_action_dist_params, features)
        noise = self.actor.action_dist
        actions, log_prob = noise.log_prob_from_params(mean, log_std, **latents)
        return actions, log_prob.reshape(-1, 1)

    def entropy_weight(self: Any, log_prob: torch.Tensor) -> torch.Tensor:
        """Weight of the entropy in this step; a learned one then moves to its target."""
        if self.ent_coef_optimizer is None:
            return self.ent_coef_tensor
        weight = self.log_ent_coef.detach().exp()
        self.ent_coef_optimizer.param_groups[0]["lr"] = self.entropy_rate
        self.ent_coef_optimizer.zero_grad()
        loss = -(self.log_ent_coef * (log_prob + self.target_entropy)).mean()
        loss.backward()
        self.ent_coef_optimizer.step()
        return weight

    def lower_estimate(self, answers: Any) -> torch.Tensor:
        """The part of the target critics' answers (batch, n) that enters the targets."""
        return torch.cat(answers, dim=1).min(dim=1, keepdim=True).values

    def objective(self, answers: Any) -> torch.Tensor:
        """Value (batch, 1) that the policy climbs."""
        return self.lower_estimate(answers)

    def critic_loss(self, current: Any, targets: torch.Tensor) -> torch.Tensor:
        """Distance of the critics from their targets."""
        losses = [torch.nn.functional.mse_loss(each, targets) for each in current]
        return 0.5 * torch.stack(losses).sum()

    def answer_of(self, current: Any, critic: int) -> torch.Tensor:
        """The answer of one critic."""
        answer: torch.Tensor = current[critic]
        return answer


class SAC(SoftActorCritic, SB3SAC):
    """SB3's SAC with one encoder and our gradient steps."""


def soft_actor_critic(config: TrialConfig, vec_env: VecEnv) -> dict[str, Any]:
    """Arguments of SAC and TQC."""
    own = config.algorithm
    assert isinstance(own, settings.SAC)
    policy = {
        "n_critics": own.n_critics,
        "log_std_init": own.log_std_init,
        "use_expln": True,
    }
    return {
        "ent_coef": f"auto_{own.ent_coef}" if own.entropy_rate else own.ent_coef,
        "entropy_rate": own.entropy_rate,
        "target_entropy": own.target_entropy,
        "use_sde": own.sde_freq > 0,
        "sde_sample_freq": own.sde_freq or -1,
        **off_policy(config, vec_env, **policy),
    }


def build(config: TrialConfig, training: TrainingEnvs) -> SAC:
    """The untrained model."""
    arguments = soft_actor_critic(config, training.vec_env)
    return SAC(OneEncoderSACPolicy, training.vec_env, **arguments)
