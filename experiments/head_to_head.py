"""The preset against what people tune by hand, in equal time or equal steps: docs/results/generalisation.md.

    python experiments/head_to_head.py --seconds 60 --preset-steps 140000 --out DIR
    python experiments/head_to_head.py --steps 4096 --out DIR

- SB3's defaults: stock ``PPO("CnnPolicy")`` on one raw camera, as gym-donkeycar's example trains it.
- rl_zoo3's settings: TQC with the numbers of its donkeycar branch, for want of its autoencoder through SB3's own
  convolutions, on our small pictures.

All learn on the preset's roads and looks and are judged alike. Every run's line goes to ``DIR/head_to_head.jsonl``,
and one that is there is not run again, so two commands with other ``--rows`` or seeds can share a folder. The last
column of the table is what the preset drives more of the first lap, paired by track and seed, with the bootstrap's
95 % interval over both.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import TQC
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from agent.config.algorithms import PRESETS
from agent.config.trial import TrialConfig
from agent.training.checkpoints import append_line
from agent.training.vec_envs import make_training_worlds
from experiments.generalisation import judged, run

ROADS: dict[str, Any] = {
    **{
        name: PRESETS["generalist"][name] for name in ("env", "appearance", "roads", "throttle_max")
    },
    "reward_shaping": True,
}


class Clock(BaseCallback):
    """Ends training after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.end = time.perf_counter() + seconds

    def _on_step(self) -> bool:
        return time.perf_counter() < self.end


def stock_ppo(seed: int) -> tuple[TrialConfig, BaseAlgorithm]:
    config = TrialConfig(
        **ROADS | {"env": ROADS["env"][:1]}, observation="raw", n_envs=1, seed=seed
    )
    return config, PPO("CnnPolicy", make_training_worlds(config, 0.99), seed=seed, device="cpu")


def zoo_tqc(seed: int) -> tuple[TrialConfig, BaseAlgorithm]:
    config = TrialConfig(**ROADS | {"env": ROADS["env"][:1]}, agent="tqc", n_envs=1, seed=seed)
    policy = {"log_std_init": -3, "use_expln": True, "net_arch": [256, 256], "n_critics": 2}
    worlds = make_training_worlds(config, 0.99)
    return config, TQC(
        "CnnPolicy", worlds, learning_rate=7.3e-4, buffer_size=20_000, batch_size=256, gamma=0.99, tau=0.02,
        train_freq=200, gradient_steps=256, learning_starts=500, use_sde=True, sde_sample_freq=16,
        policy_kwargs=policy, seed=seed, device="cpu",
    )  # fmt: skip


OURS = "the preset"
HANDS = {"SB3's defaults": stock_ppo, "rl_zoo3's TQC settings": zoo_tqc}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument(
        "--seconds", type=float, default=math.inf, help="of training, of each by hand"
    )
    limit.add_argument("--steps", type=int, help="of training, of all")
    parser.add_argument(
        "--preset-steps", type=int, default=140_000, help="what the preset does in --seconds"
    )
    parser.add_argument(
        "--rows", nargs="*", default=[OURS, *HANDS], choices=[OURS, *HANDS], metavar="ROW"
    )
    parser.add_argument("--out", type=Path, default=Path("generalisation"))
    options = parser.parse_args()
    if not 0 < (options.steps or options.seconds) < math.inf:
        parser.error("--seconds or --steps is not above 0; give how long each may train")
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "head_to_head.jsonl"
    common = {"limit": f"{options.steps} steps" if options.steps else f"{options.seconds:.0f} s"}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for row in options.rows:
            if any(
                (line["row"], line["seed"]) == (row, seed) for line in kept(path, common["limit"])
            ):
                continue
            if row == OURS:
                place = options.out / common["limit"].replace(" ", "_")  # every model is kept
                line = common | run(row, seed, options.steps or options.preset_steps, place, [])
            else:
                line = common | scripted_config(row, seed, options.seconds, options.steps or 10**9)
            append_line(path, line)
            print(
                f"{row}, seed {seed}: {line['lapped']} of 11, {line['seconds']:.0f} s", flush=True
            )
    table(kept(path, common["limit"]), options.rows)


def kept(path: Path, limit: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line.get("limit") == limit]


def scripted_config(row: str, seed: int, seconds: float, steps: int) -> dict[str, Any]:
    """Train until the first of the two limits, and judge."""
    config, model = HANDS[row](seed)
    begun = time.perf_counter()
    model.learn(steps, callback=Clock(seconds))
    line = {
        "row": row,
        "seed": seed,
        "timesteps": model.num_timesteps,
        "seconds": time.perf_counter() - begun,
    }
    assert model.env is not None
    model.env.close()
    return line | judged(model, config, with_races=False)


def table(lines: list[dict[str, Any]], rows: list[str]) -> None:
    print(
        "\n| | runs | steps | seconds | lapped, of 11 | of the first lap | the preset drives more |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        own = sorted((line for line in lines if line["row"] == row), key=lambda line: line["seed"])
        if not own:
            continue
        pairs = [
            (a, b)
            for a in lines
            if a["row"] == OURS
            for b in own
            if a["seed"] == b["seed"] and row != OURS
        ]
        more = (
            interval(np.array([of_first_lap(a) - of_first_lap(b) for a, b in pairs]))
            if pairs
            else ""
        )
        steps, seconds = (
            np.median([line[name] for line in own]) for name in ("timesteps", "seconds")
        )
        lapped, first = (
            ", ".join(str(line["lapped"]) for line in own),
            np.mean([of_first_lap(line) for line in own]),
        )
        print(
            f"| {row} | {len(own)} | {steps:,.0f} | {seconds:.0f} | {lapped} | {first:.2f} | {more} |"
        )


def of_first_lap(line: dict[str, Any]) -> NDArray[np.float64]:
    """How much of its first lap was driven on each named track (11,), in [0, 1]."""
    return np.array([min(track["progress"], 1.0) for track in line["tracks"].values()])


def interval(differences: NDArray[np.float64], resamples: int = 2000) -> str:
    """Mean of ``differences`` (seeds, tracks), and where the means of resampled seeds and tracks lie."""
    rng, (seeds, tracks) = np.random.default_rng(0), differences.shape
    means = [
        differences[rng.integers(seeds, size=seeds)][:, rng.integers(tracks, size=tracks)].mean()
        for _ in range(resamples)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{differences.mean():+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main()
