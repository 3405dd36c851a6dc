"""Every algorithm against its own untrained policy: same task, same episodes, seed by seed.

python tests/benchmarks/bench_algorithms.py [--agents ppo,sac] [--seeds 5] [--timesteps 20000]
    [--option gamma=0.97]

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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from agent.config.algorithms import ALGORITHMS
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Score, evaluate
from agent.training.algorithms import build, prepare_torch
from agent.training.run import run_trial
from agent.training.vec_envs import make_training_envs
from agent.worlds.base import Purpose

TASK = "donkey-generated-roads-v0"
# Steps that each trains in a trial of three minutes on two cores.
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
    """Score of the very model that training begins with, on the trial's final episodes."""
    trial = config.trial
    prepare_torch(trial.seed)
    training = make_training_envs(config)
    judging = config.the_world.make_vec(
        trial.env, config.world, trial.eval_episodes, Purpose.JUDGE, trial.seed, config.learner
    )
    try:
        model = build(config, training)
        seed = Purpose.JUDGE.first_seed(trial.seed)
        return evaluate(model, config.the_world, judging, trial.eval_episodes, seed)
    finally:
        training.vec_env.close()
        judging.close()


def mean_and_half(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half the width of its interval; NaN for one value."""
    n = len(values)
    half = math.nan
    if n > 1:
        error = float(np.std(values, ddof=1)) / math.sqrt(n)
        half = STUDENT.get(n - 1, 2.0) * error
    return float(np.mean(values)), half


def measure(config: TrialConfig) -> tuple[float, float, str]:
    """Mean rewards of the untrained and the trained policy, and a line about the trial."""
    with contextlib.redirect_stdout(io.StringIO()):
        before = untrained(config)
        started = time.perf_counter()
        cpu = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            after, _ = run_trial(config, Path(folder))
        elapsed_sec = time.perf_counter() - started
        cpu_sec = time.process_time() - cpu
    progress = np.mean([episode.measures["progress"] for episode in after.episodes])
    memory = psutil.Process(os.getpid()).memory_info().rss / 1024**3
    line = (
        f"{config.trial.timesteps} steps  {elapsed_sec:.0f} s, {cpu_sec:.0f} s of processor"
        f"  progress {progress:.2f}  {memory:.1f} GB"
    )
    return before.mean_reward, after.mean_reward, line


def compare(agent: str, seeds: Sequence[int], params: dict[str, Any]) -> str:
    """Row of the table for one algorithm; prints a line for every seed."""
    before = []
    after = []
    for seed in seeds:
        first, last, line = measure(TrialConfig.of(agent=agent, seed=seed, **params))
        before.append(first)
        after.append(last)
        print(f"{agent} seed {seed}: untrained {first:.1f}  trained {last:.1f}  {line}", flush=True)
    low, low_half = mean_and_half(before)
    high, high_half = mean_and_half(after)
    gain, gain_half = mean_and_half([b - a for a, b in zip(before, after, strict=True)])
    apart = "apart" if high - high_half > low + low_half else "overlap"
    return (
        f"| {agent} | {low:.1f} ± {low_half:.1f} | {high:.1f} ± {high_half:.1f}"
        f" | {gain:.1f} ± {gain_half:.1f} | {apart} |"
    )


def number(text: str) -> int | float:
    """A whole number, or one with a dot or an exponent."""
    return float(text) if "." in text or "e" in text else int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", default=",".join(ALGORITHMS), help="algorithms, comma between")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--timesteps", type=int, help="for all of them, instead of each one's own")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="a parameter of the trials",
    )
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    pairs = (text.split("=") for text in arguments.option)
    options = {name: number(value) for name, value in pairs}
    for agent in arguments.agents.split(","):
        timesteps = arguments.timesteps or TIMESTEPS[agent]
        params = {"env": [TASK], "timesteps": timesteps, **options}
        print(compare(agent, seeds, params), flush=True)


if __name__ == "__main__":
    main()
