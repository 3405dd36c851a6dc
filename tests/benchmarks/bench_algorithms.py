"""Every algorithm against its own untrained policy: the same worlds, the same episodes, seed by seed.

python tests/benchmarks/bench_algorithms.py [--agents ppo,sac] [--seeds 5] [--timesteps 20000] [--option gamma=0.97]

An interval is Student's, 95 % of the mean over the seeds; one seed has none.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from agent.config.algorithms import DEFAULTS
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Score, evaluate
from agent.training.algorithms import build, prepare_torch
from agent.training.run import run_trial
from agent.training.vec_envs import (
    JUDGING,
    first_seed,
    make_evaluation_worlds,
    make_training_worlds,
)

# What each trains in a trial of three minutes on two cores.
TIMESTEPS = {
    "ppo": 40_000,
    "recurrent_ppo": 40_000,
    "dqn": 12_000,
    "sac": 10_000,
    "tqc": 10_000,
    "td3": 12_000,
    "ddpg": 12_000,
}
# Student's t for 95 % by degrees of freedom.
STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}


def untrained(config: TrialConfig) -> Score:
    """What the very model that training begins with scores on the trial's final episodes."""
    prepare_torch(config.seed)
    worlds = make_training_worlds(config, config.gamma)
    judging = make_evaluation_worlds(config, config.env, config.eval_episodes)
    try:
        return evaluate(
            build(config, worlds), judging, config.eval_episodes, first_seed(config.seed, JUDGING)
        )
    finally:
        worlds.close()
        judging.close()


def mean_and_half(values: list[float]) -> tuple[float, float]:
    """The mean and half the width of its interval; NaN for one value."""
    half = math.nan
    if len(values) > 1:
        half = (
            STUDENT.get(len(values) - 1, 2.0)
            * float(np.std(values, ddof=1))
            / math.sqrt(len(values))
        )
    return float(np.mean(values)), half


def measure(
    agent: str, seed: int, timesteps: int | None, options: dict[str, Any]
) -> tuple[float, float, str]:
    """Mean rewards of the untrained and the trained policy, and a line about the trial."""
    length = timesteps or TIMESTEPS[agent]
    config = TrialConfig(
        **{
            "agent": agent,
            "seed": seed,
            "env": ["donkey-generated-roads-v0"],
            "timesteps": length,
            **options,
        }
    )
    with contextlib.redirect_stdout(io.StringIO()):
        before = untrained(config)
        wall, cpu = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            after, _ = run_trial(config, Path(folder))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    progress = np.mean([episode.progress for episode in after.episodes])
    memory = psutil.Process(os.getpid()).memory_info().rss / 1024**3
    line = f"{config.timesteps} steps  {wall:.0f} s, {cpu:.0f} s of processor  progress {progress:.2f}  {memory:.1f} GB"
    return before.mean_reward, after.mean_reward, line


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", default=",".join(DEFAULTS), help="algorithms, comma between")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--timesteps", type=int, help="for all of them, instead of each one's own")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="a setting of the trials",
    )
    arguments = parser.parse_args()
    pairs = (text.split("=") for text in arguments.option)
    options = {
        name: float(value) if "." in value or "e" in value else int(value) for name, value in pairs
    }
    for agent in arguments.agents.split(","):
        before, after = [], []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            first, then, line = measure(agent, seed, arguments.timesteps, options)
            before.append(first)
            after.append(then)
            print(
                f"{agent} seed {seed}: untrained {first:.1f}  trained {then:.1f}  {line}",
                flush=True,
            )
        (low, low_half), (high, high_half) = mean_and_half(before), mean_and_half(after)
        gain, gain_half = mean_and_half([b - a for a, b in zip(before, after, strict=True)])
        apart = high - high_half > low + low_half
        print(
            f"| {agent} | {low:.1f} ± {low_half:.1f} | {high:.1f} ± {high_half:.1f} | {gain:.1f} ± {gain_half:.1f}"
            f" | {'apart' if apart else 'overlap'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
