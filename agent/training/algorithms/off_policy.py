"""Parts that the off-policy algorithms share: their settings, and the loop of their gradient steps.

SB3 collects, stores and explores; ``OffPolicy`` replaces only its gradient steps. A step shifts the
pictures of a batch at random, lets the algorithm's ``update`` descend its losses with clipped
gradients, and logs numbers of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from stable_baselines3.common.utils import polyak_update

from agent.config import algorithms as settings
from agent.config.trial import TrialConfig
from agent.training.algorithms.patch_encoder import PatchEncoder
from agent.training.imitation.demonstration_replay import DemonstrationReplay
from agent.training.precision import answers_of
from agent.training.replay import Replay, replay_capacity, shifted

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

Metrics = Mapping[str, torch.Tensor]


class Transitions(NamedTuple):
    """Transitions drawn from the replay buffer, pictures shifted.

    ``observations`` and ``next_observations`` are (batch, channels, height, width), ``actions``
    (batch, k), ``rewards``, ``dones`` and ``discounts`` (batch, 1). Rewards are summed over the
    return's steps, and ``discounts`` are those of what comes after them.
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
    :param mixed_precision: of the networks in gradient steps
    """

    def __init__(
        self,
        *args: Any,
        max_grad_norm: float = 0.0,
        target_clip: float = 0.0,
        shift: int = 0,
        mixed_precision: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.max_grad_norm = max_grad_norm
        self.target_clip = target_clip
        self.shift = shift
        self.mixed_precision = mixed_precision

    def train(self: Any, gradient_steps: int, batch_size: int = 64) -> None:
        """Takes ``gradient_steps`` and logs the last one's numbers."""
        self.policy.set_training_mode(True)
        self.set_rates()
        for _ in range(gradient_steps):
            self._n_updates += 1
            seen = self.update(self.batch(batch_size))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        for name, value in {**seen, **self.replay_buffer.metrics}.items():
            self.logger.record(name, float(value))

    def update(self, batch: Transitions) -> Metrics:
        """Takes one gradient step; returns the numbers to log, by their names in TensorBoard."""
        raise NotImplementedError

    def set_rates(self: Any) -> None:
        """Gives every optimiser the learning rate of the moment."""
        self._update_learning_rate([self.actor.optimizer, self.critic.optimizer])

    def batch(self: Any, size: int) -> Transitions:
        """A random batch of the replay buffer."""
        drawn = self.replay_buffer.sample(size, env=self._vec_normalize_env)
        before = drawn.observations
        after = drawn.next_observations
        if self.shift:
            before = shifted(before, self.shift)
            after = shifted(after, self.shift)
        return Transitions(
            before, drawn.actions, after, drawn.dones, drawn.rewards, drawn.discounts
        )

    def answers_of(self, network: Callable[..., Any], *inputs: torch.Tensor) -> Any:
        """Answers of a network in a gradient step, float32 in either precision."""
        return answers_of(network, *inputs, mixed=self.mixed_precision)

    def backup(self, batch: Transitions, value: torch.Tensor) -> torch.Tensor:
        """Targets (batch, n) of the critics, from the value (batch, n) where the returns end."""
        targets = batch.rewards + (1.0 - batch.dones) * batch.discounts * value
        if self.target_clip:
            return targets.clamp(-self.target_clip, self.target_clip)
        return targets

    def descend(self, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> torch.Tensor:
        """Takes a step down ``loss``; returns the gradient's norm before clipping."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.max_grad_norm or float("inf"))
        optimizer.step()
        return norm

    def update_targets(
        self: Any, networks: Iterable[tuple[torch.nn.Module, torch.nn.Module]]
    ) -> None:
        """Moves target networks by ``tau`` towards theirs; pairs of (network, target)."""
        for network, target in networks:
            polyak_update(network.parameters(), target.parameters(), self.tau)


def critic_metrics(
    batch: Transitions,
    targets: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
    acted: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """Numbers to watch of the critics, by the names of the report that docs/training.md cites.

    :param batch: that was learned
    :param targets: of the critics
    :param first: value of the batch's actions to the first critic
    :param second: and to the second
    :param acted: value of the policy's own actions
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


def off_policy(config: TrialConfig, vec_env: VecEnv, **policy: Any) -> dict[str, Any]:
    """Arguments of every off-policy algorithm.

    :param config: the trial's
    :param vec_env: training environments
    :param policy: more arguments of the policy
    :raises UserError: the memory limit holds not even one batch
    """
    own = config.algorithm
    assert isinstance(own, settings.OffPolicy)
    encoder = {"features_dim": own.features_dim, "layers": own.conv_layers, "bounded": True}
    return {
        "learning_rate": own.learning_rate,
        "batch_size": own.batch_size,
        "learning_starts": min(own.learning_starts, config.trial.timesteps // 10),
        "train_freq": own.train_freq,
        "gradient_steps": own.gradient_steps,
        "tau": own.tau,
        "gamma": own.gamma,
        "max_grad_norm": own.max_grad_norm,
        "target_clip": own.target_clip,
        "shift": own.shift,
        "mixed_precision": config.trial.mixed_precision,
        "policy_kwargs": {
            "features_extractor_class": PatchEncoder,
            "features_extractor_kwargs": encoder,
            "normalize_images": False,
            "net_arch": [own.net_width],
            "optimizer_kwargs": {"fused": True},
            **policy,
        },
        "seed": config.trial.seed,
        "device": config.trial.device,
        **_replay_buffer(config, own, vec_env),
    }


def _replay_buffer(config: TrialConfig, own: settings.OffPolicy, vec_env: VecEnv) -> dict[str, Any]:
    """Arguments of SB3 that make the replay buffer."""
    wanted = min(own.buffer_size, config.trial.timesteps)
    capacity, size = replay_capacity(
        vec_env.observation_space, wanted, config.trial.memory_limit, own.batch_size
    )
    print(f"replay buffer: {capacity} transitions, {size / 1024**2:.1f} MB", flush=True)
    kind: type[Replay] = Replay
    arguments: dict[str, Any] = {"n_steps": own.return_steps, "gamma": own.gamma}
    if own.demos:
        kind = DemonstrationReplay
        arguments["weight"] = own.demo_weight
        arguments["repeat"] = own.demo_repeat
        arguments["decay"] = own.demo_decay
    return {
        # SB3 divides the capacity among the environments and rounds down.
        "buffer_size": max(capacity, vec_env.num_envs),
        "replay_buffer_class": kind,
        "replay_buffer_kwargs": arguments,
    }
