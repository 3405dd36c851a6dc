"""Presets: parameters under one name, with the algorithm whose settings are among them."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # A driver of tracks that it has never seen, see docs/results/generalisation.md.
    "generalist": {
        "agent": "ppo",
        "env": [*["donkey-random-track-v0"] * 3, "donkey-generated-roads-v0"],
        "frame_stack": 3,
        "frame_gap": 6,
        "timesteps": 800_000,
        "appearance": "random",
        "roads": 512,
        "narrow_crossing_share": 0.5,
        "throttle_max": 0.45,
        "imitation_share": 0.5,
        "teacher_grip": 0.6,
        "imitation_weight": 3.0,
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
