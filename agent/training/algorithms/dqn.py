"""DQN: the discretised actions, learnt from a replay buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stable_baselines3 import DQN

from agent.training.algorithms.networks import RoadCNN
from agent.training.algorithms.replay import replay_capacity
from agent.trials.config import TrialConfig

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

BATCH = 64


def build(config: TrialConfig, worlds: VecEnv) -> DQN:
    """The untrained model."""
    capacity, size = replay_capacity(worlds.observation_space, config.timesteps, config.memory_limit, BATCH)
    print(f"replay buffer: {capacity} transitions, {size / 1024**2:.1f} MB", flush=True)
    return DQN(
        "CnnPolicy",
        worlds,
        learning_rate=config.learning_rate,
        # SB3 divides the capacity among the worlds and rounds down.
        buffer_size=max(capacity, worlds.num_envs),
        batch_size=BATCH,
        learning_starts=min(1000, config.timesteps // 10),
        train_freq=1,
        gradient_steps=max(1, worlds.num_envs // 4),
        target_update_interval=500,
        exploration_fraction=0.4,
        exploration_final_eps=0.05,
        gamma=config.gamma,
        policy_kwargs={"features_extractor_class": RoadCNN, "net_arch": [64]},
        seed=config.seed,
        device=config.device,
    )
