"""Problems whose trials are real trainings, short ones: PPO on CartPole, and on the embedded DonkeyCar.

The true mean of a configuration is that of three trainings on fresh seeds, so a regret is itself an estimate.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from agent.search.space import Choice, Range, Space
from tests.benchmarks.search_problems import Params, Problem

FRESH = (10**6, 10**6 + 1, 10**6 + 2)  # seeds that no trial of a search has
CARTPOLE_STEPS = 5_000
CARTPOLE_EPISODES = 10
DONKEY_STEPS = 10_000
RUNNER = Path(__file__).resolve().parents[2] / "agent" / "donkeycar_sb3_runner.py"
SPACE = Space(
    (
        Range("learning_rate", 1e-5, 1e-2, log=True),
        Choice("gamma", (0.9, 0.95, 0.98, 0.99, 0.999)),
        Choice("batch_size", (32, 64, 128, 256)),
        Range("ent_coef", 1e-5, 1e-1, log=True),
        Range("clip_range", 0.1, 0.4),
    )
)


@dataclass(frozen=True)
class Live(Problem):
    """A problem whose trial is a training with a seed of its own."""

    def trial(self, params: Params, repeat: int, number: int) -> float:
        return _trained(self.name, tuple(params.items()), 1000 * repeat + number)


def live_problems() -> list[Problem]:
    """Score of CartPole: the return, 500 at best. Of the car: laps in an episode, of which nobody drives seven."""
    return [
        Live(name, SPACE, lambda params, name=name: _mean(name, tuple(params.items())), best, 0.0)  # type: ignore[misc]
        for name, best in (("live cartpole", 500.0), ("live donkey", 7.0))
    ]


def _mean(name: str, params: tuple[tuple[str, Any], ...]) -> float:
    return sum(_trained(name, params, seed) for seed in FRESH) / len(FRESH)


@cache
def _trained(name: str, params: tuple[tuple[str, Any], ...], seed: int) -> float:
    return (_cartpole if name == "live cartpole" else _donkey)(dict(params), seed)


def _cartpole(params: Params, seed: int) -> float:
    import gymnasium
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy

    torch.set_num_threads(1)
    env = gymnasium.make("CartPole-v1")
    model = PPO("MlpPolicy", env, n_steps=512, seed=seed, device="cpu", **params).learn(CARTPOLE_STEPS)
    returns = evaluate_policy(model, env, CARTPOLE_EPISODES, return_episode_rewards=True, warn=False)[0]
    return float(np.mean(returns))


def _donkey(params: Params, seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        options = [text for name, value in params.items() for text in ("--" + name.replace("_", "-"), str(value))]
        command = [sys.executable, str(RUNNER), "--save-dir", folder, "--agent", "ppo", "--seed", str(seed), *options]
        run = subprocess.run(
            [*command, "--timesteps", str(DONKEY_STEPS), "--eval-episodes", "3"], capture_output=True, check=False
        )
        result = Path(folder) / "result.json"
        if run.returncode or not result.exists():
            return 0.0  # diverged: no lap
        progress = json.loads(result.read_text())["score"]["progress"]
        return float(sum(progress) / len(progress))
