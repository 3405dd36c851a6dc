"""What each algorithm can be told, and what it is told when nobody says otherwise: data, light to import.

A name is a field of ``TrialConfig``. A setting that an algorithm lacks here does not apply to it and is refused.
The values were tuned for the fast observation on two cores; docs/training.md has the table of what they reach.
"""

from __future__ import annotations

import math
from typing import Any


def minibatch(timesteps: int) -> int:
    """PPO's minibatch, a power of two: 64 in 10,000 steps of training, growing with the root of their number.

    A short training needs all the gradient steps that it can get, a long one needs them to be quick.
    """
    return 2 ** round(math.log2(min(max(64 * math.sqrt(max(timesteps, 0) / 10_000), 32), 512)))


EVERY: dict[str, Any] = {
    "frame_stack": 2,
    "conv_layers": 1,
    "features_dim": 64,
    "net_width": 64,
    "n_envs": 8,
}

ON_POLICY = EVERY | {
    "learning_rate": 1e-3,
    "lr_end": 1.0,
    "gamma": 0.98,
    "n_envs": 32,
    "n_steps": 16,
    "batch_size": minibatch,
    "n_epochs": 2,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "log_std_init": -0.7,
    "sde_freq": 16,
}

OFF_POLICY = EVERY | {
    "learning_rate": 1e-3,
    "gamma": 0.98,
    "batch_size": 128,
    "buffer_size": 100_000,
    "learning_starts": 1000,
    "train_freq": 4,
    "gradient_steps": 8,
    "tau": 0.01,
    "return_steps": 3,
    "action_repeat": 1,
    "max_grad_norm": 10.0,
    "target_clip": 0.0,
    "shift": 2,
    "demos": None,
    "demo_weight": 1.0,
    "demo_repeat": 1,
    "demo_decay": 200_000,
}

ENTROPY = {
    "ent_coef": 0.01,
    "entropy_rate": 1e-3,
    "target_entropy": -2.0,
    "sde_freq": 16,
    "log_std_init": -2.0,
    "n_critics": 2,
}

DEFAULTS: dict[str, dict[str, Any]] = {
    # Of one picture two layers make more than one layer of two pictures; three passes then pay, with smaller steps.
    "ppo": ON_POLICY
    | {"frame_stack": 1, "conv_layers": 2, "n_epochs": 3, "learning_rate": 7e-4}
    | {"action_repeat": 1, "taught": 0.0, "teacher_grip": 0.5, "lesson_weight": 0.0}
    | {"road_replay": 0.0, "averaged": 0.0},
    "dqn": OFF_POLICY
    | {"n_steer": 7, "n_throttle": 3, "exploration_fraction": 0.4, "exploration_final": 0.05},
    "sac": OFF_POLICY | ENTROPY,
    "td3": OFF_POLICY | {"noise_std": 0.2, "n_critics": 2, "policy_delay": 2},
    "ddpg": OFF_POLICY | {"noise_std": 0.2},
    "tqc": OFF_POLICY | ENTROPY | {"n_quantiles": 25, "drop_quantiles": 2},
    "recurrent_ppo": ON_POLICY
    | {"lstm_size": 64, "n_envs": 16, "n_steps": 64, "batch_size": 128, "n_epochs": 4},
}

# What docs/results/generalisation.md found for a driver of tracks that it has never seen.
PRESETS: dict[str, dict[str, Any]] = {
    "generalist": {
        "env": [*["donkey-random-track-v0"] * 3, "donkey-generated-roads-v0"],
        "frame_stack": 3,
        "frame_gap": 6,
        "timesteps": 800_000,
        "appearance": "random",
        "roads": 512,
        "crossroads": 0.5,
        "throttle_max": 0.45,
        "taught": 0.5,
        "teacher_grip": 0.6,
        "lesson_weight": 3.0,
        "conv_layers": 3,
        "learning_rate": 1e-3,
        "log_std_init": -2.3,
        "max_episode_steps": 300,
        "n_envs": 64,
        "n_steps": 32,
        "n_epochs": 3,
        "batch_size": 256,
        "lr_end": 0.3,
        "averaged": 0.06,
        "reward": "race",
        "choosing_episodes": 16,
    },
}


def defaults_of(agent: str, timesteps: int) -> dict[str, Any]:
    """What ``agent`` is told in a training of so many steps."""
    return {
        name: value(timesteps) if callable(value) else value
        for name, value in DEFAULTS[agent].items()
    }
