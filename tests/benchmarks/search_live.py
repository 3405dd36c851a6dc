"""Problems whose trials are short real trainings: PPO on CartPole, and on the embedded DonkeyCar.

A search of them trains as it goes (``live_problems``), and the true mean of a configuration is that
of three trainings on fresh seeds: one search takes minutes, and a regret is itself an estimate. So
some configurations were trained with several seeds beforehand, and searches of these tables
(``recorded_tables``) can be repeated:

    python tests/benchmarks/search_live.py --problems cartpole --seeds 5 --workers 2
    python tests/benchmarks/search_live.py --problems donkey --seeds 4 --workers 2
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from agent.search.parameter import Choice, Range
from agent.search.space import Space
from tests.benchmarks.search_problems import Params, Problem
from tests.benchmarks.search_tables import table_of

FRESH = (10**6, 10**6 + 1, 10**6 + 2)  # seeds that no trial of a search has
CARTPOLE_STEPS = 5_000
CARTPOLE_EPISODES = 10
DONKEY_STEPS = 10_000
LONGEST_SEC = 600.0  # that one may take; it takes a quarter of a minute
RECORDED = Path(__file__).resolve().parents[2] / "docs" / "results" / "trainings.jsonl"
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

SB3_OWN: Params = {
    "learning_rate": 3e-4,
    "gamma": 0.99,
    "batch_size": 64,
    "ent_coef": 1e-5,
    "clip_range": 0.2,
}


@dataclass(frozen=True)
class Live(Problem):
    """A problem whose trial is a training with a seed of its own."""

    def trial(self, params: Params, repeat: int, number: int) -> float:
        return _trained(self.name, tuple(params.items()), 1000 * repeat + number)


def live_problems() -> list[Problem]:
    """Problems whose score is CartPole's return, 500 at best, or the car's laps, below 7."""
    return [
        Live(name, SPACE, _mean_of(name), best, worst=0.0)
        for name, best in (("live cartpole", 500.0), ("live donkey", 7.0))
    ]


def recorded_tables(path: Path = RECORDED) -> list[Problem]:
    """Tables of the trainings that ``main`` has recorded in JSON lines, one per problem."""
    scores: dict[str, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in map(json.loads, path.read_text().splitlines()):
        scores[line["problem"]][tuple(line["params"].values())].append(line["score"])
    return [table_of(name.replace("live", "ppo"), SPACE, seeds) for name, seeds in scores.items()]


def drawn(count: int) -> list[Params]:
    """Configurations to train: SB3's own, then random ones, the same ones for every ``count``."""
    rng = np.random.default_rng(0)
    return [SB3_OWN, *(SPACE.sample(rng) for _ in range(count - 1))]


def main() -> None:
    """Trains the same configurations on every problem, seed after seed; appends the scores."""
    parser = argparse.ArgumentParser(description=main.__doc__, allow_abbrev=False)
    parser.add_argument(
        "--cells", type=int, default=64, help="configurations, the first one SB3's own (default 64)"
    )
    parser.add_argument("--seeds", type=int, default=4, help="trainings of each (default 4)")
    parser.add_argument("--problems", default="", help="only those whose name contains this")
    parser.add_argument("--workers", type=int, default=1, help="trainings side by side (default 1)")
    parser.add_argument(
        "--out", type=Path, default=RECORDED, help="JSON lines, continued (default %(default)s)"
    )
    options = parser.parse_args()
    names = [problem.name for problem in live_problems() if options.problems in problem.name]
    lines = (
        [json.loads(line) for line in options.out.read_text().splitlines()]
        if options.out.exists()
        else []
    )
    done = {(line["problem"], tuple(line["params"].items()), line["seed"]) for line in lines}
    cells = drawn(options.cells)
    tasks = [
        (name, tuple(cell.items()), seed)
        for name in names
        for seed in range(options.seeds)
        for cell in cells
    ]
    tasks = [task for task in tasks if task not in done]
    with ProcessPoolExecutor(options.workers) as pool, options.out.open("a", buffering=1) as out:
        for (name, params, seed), score in zip(
            tasks, pool.map(_trained, *zip(*tasks, strict=True)), strict=True
        ):
            line = {"problem": name, "params": dict(params), "seed": seed, "score": round(score, 4)}
            out.write(json.dumps(line) + "\n")


def _mean_of(name: str) -> Callable[[Params], float]:
    def mean(params: Params) -> float:
        key = tuple(params.items())
        return sum(_trained(name, key, seed) for seed in FRESH) / len(FRESH)

    return mean


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
    model = PPO("MlpPolicy", env, n_steps=512, seed=seed, device="cpu", **params).learn(
        CARTPOLE_STEPS
    )
    returns = evaluate_policy(
        model, env, CARTPOLE_EPISODES, return_episode_rewards=True, warn=False
    )[0]
    return float(np.mean(returns))


def _donkey(params: Params, seed: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        options = [
            text
            for name, value in params.items()
            for text in ("--" + name.replace("_", "-"), str(value))
        ]
        command = [
            sys.executable,
            str(RUNNER),
            "--save-dir",
            folder,
            "--agent",
            "ppo",
            "--seed",
            str(seed),
            *options,
        ]
        run = subprocess.run(
            [*command, "--timesteps", str(DONKEY_STEPS), "--eval-episodes", "3"],
            capture_output=True,
            check=False,
            timeout=LONGEST_SEC,
        )
        result = Path(folder) / "result.json"
        if run.returncode or not result.exists():
            return 0.0  # diverged: no lap
        progress = json.loads(result.read_text())["score"]["progress"]
        return float(sum(progress) / len(progress))


if __name__ == "__main__":
    main()
