"""What the off-policy algorithms share: how they are told their settings, and the loop of their gradient steps.

SB3 collects, stores and explores; ``OffPolicy`` replaces only its gradient steps. A step shifts the pictures of a batch
at random, lets the algorithm's ``update`` descend its losses with clipped gradients, and logs what it saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from stable_baselines3.common.utils import polyak_update

from agent.config.trial import TrialConfig
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.training.algorithms.replay import Replay, replay_capacity, shifted
from agent.training.imitation.demonstration_replay import DemoReplay

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

Metrics = Mapping[str, torch.Tensor]


class Transitions(NamedTuple):
    """Transitions drawn from the replay buffer, pictures shifted.

    ``observations`` and ``next_observations`` are (batch, channels, height, width), ``actions`` (batch, actions),
    ``rewards``, ``dones`` and ``discounts`` (batch, 1); rewards are summed over the return's steps, and discounts are
    those of what comes after them.
    """

    observations: torch.Tensor
    actions: torch.Tensor
    next_observations: torch.Tensor
    dones: torch.Tensor
    rewards: torch.Tensor
    discounts: torch.Tensor


class OffPolicy:
    """Mixin before one of SB3's off-policy algorithms.

    :param max_grad_norm: longest gradient of actor and critics each, 0 for any
    :param target_clip: targets lie within plus and minus this, 0 for anywhere
    :param shift: pixels by which a batch's pictures are shifted at random
    """

    def __init__(
        self,
        *args: Any,
        max_grad_norm: float = 0.0,
        target_clip: float = 0.0,
        shift: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.max_grad_norm, self.target_clip, self.shift = max_grad_norm, target_clip, shift

    def train(self: Any, gradient_steps: int, batch_size: int = 64) -> None:
        """Take ``gradient_steps`` and log the last one's numbers."""
        self.policy.set_training_mode(True)
        self.set_rates()
        for _ in range(gradient_steps):
            self._n_updates += 1
            seen = self.update(self.batch(batch_size))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        for name, value in {**seen, **self.replay_buffer.metrics}.items():
            self.logger.record(name, float(value))

    def update(self, batch: Transitions) -> Metrics:
        """One gradient step; the numbers to log, by their names in TensorBoard."""
        raise NotImplementedError

    def set_rates(self: Any) -> None:
        """Give every optimiser the learning rate of the moment."""
        self._update_learning_rate([self.actor.optimizer, self.critic.optimizer])

    def batch(self: Any, size: int) -> Transitions:
        """A random batch of the replay buffer."""
        drawn = self.replay_buffer.sample(size, env=self._vec_normalize_env)
        pictures, after = drawn.observations, drawn.next_observations
        if self.shift:
            pictures, after = shifted(pictures, self.shift), shifted(after, self.shift)
        return Transitions(
            pictures, drawn.actions, after, drawn.dones, drawn.rewards, drawn.discounts
        )

    def backup(self, batch: Transitions, worth: torch.Tensor) -> torch.Tensor:
        """Targets (batch, n) of the critics, from the worth (batch, n) of where the batch's returns end."""
        targets = batch.rewards + (1.0 - batch.dones) * batch.discounts * worth
        return targets.clamp(-self.target_clip, self.target_clip) if self.target_clip else targets

    def descend(self, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> torch.Tensor:
        """A step down ``loss``; returns the gradient's norm as it was before clipping."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.max_grad_norm or float("inf"))
        optimizer.step()
        return norm

    def follow(self: Any, networks: Iterable[tuple[torch.nn.Module, torch.nn.Module]]) -> None:
        """Move target networks by ``tau`` towards theirs; pairs of (network, target)."""
        for network, target in networks:
            polyak_update(network.parameters(), target.parameters(), self.tau)


def critic_metrics(
    batch: Transitions,
    targets: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
    acted: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """What the TrackMania report watches of the critics, by its names.

    :param first: worth of the batch's actions to the first critic, ``second`` to the second
    :param acted: worth of the policy's own actions
    """
    return {
        "debug/q1": first.mean(),
        "debug/q2": second.mean(),
        "debug/q_a1": acted.mean(),
        "debug/q_a1_std": acted.std(),
        "debug/backup": targets.mean(),
        "debug/backup_std": targets.std(),
        "debug/r": batch.rewards.mean(),
        "debug/d": batch.dones.mean(),
    }


def off_policy(config: TrialConfig, worlds: VecEnv, **policy: Any) -> dict[str, Any]:
    """What every off-policy algorithm is built with.

    :param policy: more arguments of the policy
    :raises UserError: the memory limit holds not even one batch
    """
    told = config.settings
    wanted = min(told.buffer_size, config.timesteps)
    capacity, size = replay_capacity(
        worlds.observation_space, wanted, config.memory_limit, told.batch_size
    )
    demos = (
        {"weight": told.demo_weight, "repeat": told.demo_repeat, "decay": told.demo_decay}
        if told.demos
        else {}
    )
    print(f"replay buffer: {capacity} transitions, {size / 1024**2:.1f} MB", flush=True)
    return {
        "learning_rate": told.learning_rate,
        # SB3 divides the capacity among the worlds and rounds down.
        "buffer_size": max(capacity, worlds.num_envs),
        "replay_buffer_class": DemoReplay if demos else Replay,
        "replay_buffer_kwargs": {"n_steps": told.return_steps, "gamma": told.gamma, **demos},
        "batch_size": told.batch_size,
        "learning_starts": min(told.learning_starts, config.timesteps // 10),
        "train_freq": told.train_freq,
        "gradient_steps": told.gradient_steps,
        "tau": told.tau,
        "gamma": told.gamma,
        "max_grad_norm": told.max_grad_norm,
        "target_clip": told.target_clip,
        "shift": told.shift,
        "policy_kwargs": {
            "features_extractor_class": PatchEncoder,
            "features_extractor_kwargs": {
                "features_dim": told.features_dim,
                "layers": told.conv_layers,
                "bounded": True,
            },
            "normalize_images": False,
            "net_arch": [told.net_width],
            "optimizer_kwargs": {"fused": True},
            **policy,
        },
        "seed": config.seed,
        "device": config.device,
    }
