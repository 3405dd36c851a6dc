"""The learning algorithms of a trial, built from its configuration.

PPO drives with continuous actions, DQN with the discretised ones. Both see the camera through the
same small convolutional network. The settings aim at a driver within ten thousand steps on two cores.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.preprocessing import get_flattened_obs_dim
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.utils import set_random_seed

from agent.trials.config import TrialConfig, UserError, parse_memory

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

ALGORITHMS: dict[str, type[PPO] | type[DQN]] = {"ppo": PPO, "dqn": DQN}

GAMMA = 0.98
ROLLOUT_STEPS = 128
BATCH = 256
DQN_BATCH = 64
# Half of the plan is for torch, the worlds and the batches in flight.
REPLAY_SHARE = 0.5
# Action, reward, done, timeout flag of one stored transition, rounded up.
TRANSITION_OVERHEAD_BYTES = 32


class RoadCNN(BaseFeaturesExtractor):
    """A small convolutional network for channels-first uint8 images, SB3-scaled to [0, 1].

    A 5x5 convolution of stride 4, then 3x3 convolutions of stride 2 until at most six rows are left,
    then one linear layer: two convolutions for 4x40x80, three for 3x120x160.

    :param features_dim: length of the feature vector
    """

    def __init__(self, observation_space: spaces.Box, features_dim: int = 128) -> None:
        super().__init__(observation_space, features_dim)
        channels, height, width = observation_space.shape
        layers: list[torch.nn.Module] = [torch.nn.Conv2d(channels, 16, 5, stride=4), torch.nn.ReLU()]
        channels, height, width = 16, (height - 5) // 4 + 1, (width - 5) // 4 + 1
        while height > 6:
            layers += [torch.nn.Conv2d(channels, 32, 3, stride=2), torch.nn.ReLU()]
            channels, height, width = 32, (height - 3) // 2 + 1, (width - 3) // 2 + 1
        layers += [torch.nn.Flatten(), torch.nn.Linear(channels * height * width, features_dim), torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*layers)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Features (batch, features_dim) of images (batch, channels, height, width) in [0, 1]."""
        # On a CPU the convolutions run a third faster with the channels innermost.
        features: torch.Tensor = self.network(observations.contiguous(memory_format=torch.channels_last))
        return features


def prepare_torch(seed: int, deterministic: bool = False) -> None:
    """Seed python, numpy and torch, ask CUDA for deterministic kernels, and keep torch to one thread.

    A second thread gains a tenth of a trial on idle cores. On busy ones, with two trials side by side,
    every hand-over between threads waits for the scheduler and a trial takes twice as long.

    :param deterministic: refuse kernels that do not repeat to the last digit, instead of warning of them
    """
    torch.set_num_threads(1)
    cuda = torch.cuda.is_available()
    # The kernels for processors are deterministic anyway, and the switch takes two seconds to import.
    if cuda or deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=not deterministic)
    set_random_seed(seed, using_cuda=cuda)


def check_device(device: str) -> None:
    """Refuse ``cuda`` on a machine without it.

    :raises UserError: no usable CUDA device
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not available here; give --device cpu or auto")


def build(config: TrialConfig, worlds: VecEnv) -> BaseAlgorithm:
    """The untrained model of a trial. The learning rate is ``config.learning_rate`` from first step to last."""
    model = _build_ppo(config, worlds) if config.agent == "ppo" else _build_dqn(config, worlds)
    # Weights laid out as the network's input is: their gradient takes a fifth less.
    model.policy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def rollout_shape(timesteps: int, n_envs: int) -> tuple[int, int]:
    """Steps per world and minibatch size of PPO's rollouts.

    Rollouts are shortened a little so that whole ones add up to ``timesteps``: 10,000 steps in 8 worlds
    are ten rollouts of 125 steps, not ten of 128 that overshoot.
    """
    rollouts = math.ceil(timesteps / (ROLLOUT_STEPS * n_envs))
    steps = max(2, math.ceil(timesteps / (rollouts * n_envs)))
    minibatches = max(1, round(steps * n_envs / BATCH))
    return steps, math.ceil(steps * n_envs / minibatches)


def replay_capacity(observation_space: spaces.Space[Any], timesteps: int, memory_limit: str) -> tuple[int, int]:
    """Transitions and bytes of DQN's replay buffer.

    A transition keeps two observations. The buffer holds the whole training if that fits into
    ``REPLAY_SHARE`` of the memory limit, and what fits otherwise.

    :raises UserError: not even one batch fits
    """
    pixel = np.dtype(observation_space.dtype or np.uint8).itemsize
    each = 2 * get_flattened_obs_dim(observation_space) * pixel + TRANSITION_OVERHEAD_BYTES
    fitting = int(parse_memory(memory_limit) * REPLAY_SHARE) // each
    if fitting < DQN_BATCH:
        needed = math.ceil(DQN_BATCH * each / REPLAY_SHARE / 1024**2)
        raise UserError(f"memory_limit {memory_limit!r} holds {fitting} transitions; give at least {needed}M")
    capacity = min(timesteps, fitting)
    return capacity, capacity * each


def _build_ppo(config: TrialConfig, worlds: VecEnv) -> PPO:
    steps, batch = rollout_shape(config.timesteps, worlds.num_envs)
    return PPO(
        "CnnPolicy",
        worlds,
        learning_rate=config.learning_rate,
        n_steps=steps,
        batch_size=batch,
        n_epochs=4,
        gamma=GAMMA,
        gae_lambda=0.95,
        ent_coef=0.0,
        policy_kwargs={"features_extractor_class": RoadCNN, "net_arch": [64], "log_std_init": -0.7},
        seed=config.seed,
        device=config.device,
    )


def _build_dqn(config: TrialConfig, worlds: VecEnv) -> DQN:
    capacity, size = replay_capacity(worlds.observation_space, config.timesteps, config.memory_limit)
    print(f"replay buffer: {capacity} transitions, {size / 1024**2:.1f} MB", flush=True)
    return DQN(
        "CnnPolicy",
        worlds,
        learning_rate=config.learning_rate,
        # SB3 divides the capacity among the worlds and rounds down.
        buffer_size=max(capacity, worlds.num_envs),
        batch_size=DQN_BATCH,
        learning_starts=min(1000, config.timesteps // 10),
        train_freq=1,
        gradient_steps=max(1, worlds.num_envs // 4),
        target_update_interval=500,
        exploration_fraction=0.4,
        exploration_final_eps=0.05,
        gamma=GAMMA,
        policy_kwargs={"features_extractor_class": RoadCNN, "net_arch": [64]},
        seed=config.seed,
        device=config.device,
    )
