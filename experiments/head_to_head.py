"""The preset against settings that people tuned by hand, in equal time or equal steps.

    python experiments/head_to_head.py --seconds 60 --preset-steps 140000 --out DIR
    python experiments/head_to_head.py --steps 4096 --out DIR

- SB3's defaults: stock ``PPO("CnnPolicy")`` on one raw camera, as gym-donkeycar's example has it.
- rl_zoo3's settings: TQC with the numbers of its donkeycar branch. It has SB3's own convolutions on
  our small pictures instead of that branch's autoencoder.

All learn on the preset's roads and looks, and are evaluated alike: the tables are in
docs/results/generalisation.md. Every run's line goes to ``DIR/head_to_head.jsonl``, and one that is
there is not run again. So two commands with other ``--rows`` or seeds can share a folder. The last
column of the table is how much more of the first lap the preset drives, paired by track and seed,
with the bootstrap's 95 % interval over both.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import TQC
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.presets import PRESETS
from agent.config.trial import TrialConfig
from agent.training.checkpoints import append_line
from agent.training.vec_envs import make_training_envs
from experiments.generalisation import train_and_judge
from experiments.generalisation_rows import THE_PRESET
from experiments.unseen_tracks import evaluate_unseen

LEDGER = "head_to_head.jsonl"
MANY_STEPS = 10**9  # where time is the limit
RESAMPLES = 2000  # of the bootstrap
GENERALIST = PRESETS["generalist"]
# Both hand-tuned ones learn in one environment, with gamma 0.99.
HAND_TUNED: dict[str, Any] = {
    "env": GENERALIST["env"][:1],
    "appearance": GENERALIST["appearance"],
    "roads": GENERALIST["roads"],
    "throttle_max": GENERALIST["throttle_max"],
    "reward_shaping": True,
    "n_envs": 1,
    "gamma": 0.99,
}
Line = dict[str, Any]


class Clock(BaseCallback):
    """Ends training after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.end = time.perf_counter() + seconds

    def _on_step(self) -> bool:
        return time.perf_counter() < self.end


def stock_ppo(seed: int) -> tuple[TrialConfig, BaseAlgorithm]:
    """SB3's defaults on raw pictures."""
    config = TrialConfig.of(**HAND_TUNED, observation="raw", seed=seed)
    vec_env = make_training_envs(config).vec_env
    return config, PPO("CnnPolicy", vec_env, seed=seed, device="cpu")


def zoo_tqc(seed: int) -> tuple[TrialConfig, BaseAlgorithm]:
    """TQC with rl_zoo3's numbers."""
    config = TrialConfig.of(**HAND_TUNED, agent="tqc", seed=seed)
    model = TQC(
        "CnnPolicy",
        make_training_envs(config).vec_env,
        learning_rate=7.3e-4,
        buffer_size=20_000,
        batch_size=256,
        gamma=0.99,
        tau=0.02,
        train_freq=200,
        gradient_steps=256,
        learning_starts=500,
        use_sde=True,
        sde_sample_freq=16,
        policy_kwargs={
            "log_std_init": -3,
            "use_expln": True,
            "net_arch": [256, 256],
            "n_critics": 2,
        },
        seed=seed,
        device="cpu",
    )
    return config, model


PEERS = {"SB3's defaults": stock_ppo, "rl_zoo3's TQC settings": zoo_tqc}
ROWS = [THE_PRESET, *PEERS]


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument(
        "--seconds", type=float, default=math.inf, help="of training, of each hand-tuned one"
    )
    limit.add_argument("--steps", type=int, help="of training, of all")
    parser.add_argument(
        "--preset-steps", type=int, default=140_000, help="steps of the preset in --seconds"
    )
    parser.add_argument("--rows", nargs="*", default=ROWS, choices=ROWS, metavar="ROW")
    parser.add_argument("--out", type=Path, default=Path("generalisation"))
    return parser


def main() -> None:
    """Runs what the command line asks for and prints the table."""
    parser = build_parser()
    options = parser.parse_args()
    if not 0 < (options.steps or options.seconds) < math.inf:
        parser.error("--seconds or --steps is not above 0; give how long each may train")
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    ledger = options.out / LEDGER
    limit = f"{options.steps} steps" if options.steps else f"{options.seconds:.0f} s"
    models = options.out / limit.replace(" ", "_")
    done = {(line["row"], line["seed"]) for line in read_lines(ledger, limit)}
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for row, seed in [(row, seed) for seed in seeds for row in options.rows]:
        if (row, seed) not in done:
            line = {"limit": limit, **run(row, seed, options, models)}
            append_line(ledger, line)
            drove = f"{line['lapped']} of 11, {line['seconds']:.0f} s"
            print(f"{row}, seed {seed}: {drove}", flush=True)
    print_table(read_lines(ledger, limit), options.rows)


def read_lines(ledger: Path, limit: str) -> list[Line]:
    """Lines of the ledger with this limit; none where there is no such file."""
    if not ledger.exists():
        return []
    lines = [json.loads(text) for text in ledger.read_text().splitlines()]
    return [line for line in lines if line.get("limit") == limit]


def run(row: str, seed: int, options: argparse.Namespace, folder: Path) -> Line:
    """Train and evaluate one run of a row; returns its line.

    :param row: of ``ROWS``
    :param seed: of the training
    :param options: of the command line
    :param folder: keeps the preset's models
    """
    if row == THE_PRESET:
        return train_and_judge(row, seed, options.steps or options.preset_steps, folder)
    return run_hand_tuned(row, seed, options.seconds, options.steps or MANY_STEPS)


def run_hand_tuned(row: str, seed: int, seconds: float, steps: int) -> Line:
    """Train until the first of the two limits, and evaluate.

    :param row: of ``PEERS``
    :param seed: of the training
    :param seconds: the one limit
    :param steps: the other
    """
    config, model = PEERS[row](seed)
    begun = time.perf_counter()
    model.learn(steps, callback=Clock(seconds))
    trained_sec = time.perf_counter() - begun
    assert model.env is not None
    model.env.close()
    return {
        "row": row,
        "seed": seed,
        "timesteps": model.num_timesteps,
        "seconds": trained_sec,
        **evaluate_unseen(model, config, with_races=False),
    }


def print_table(lines: Sequence[Line], rows: Sequence[str]) -> None:
    """Print one line for each row's runs."""
    print(
        "\n| | runs | steps | seconds | lapped, of 11 | of the first lap | the preset drives more |"
    )
    print("|---|---|---|---|---|---|---|")
    ours = [line for line in lines if line["row"] == THE_PRESET]
    for row in rows:
        own = sorted((line for line in lines if line["row"] == row), key=lambda line: line["seed"])
        if own:
            print(table_row(own, ours))


def table_row(own: Sequence[Line], ours: Sequence[Line]) -> str:
    """Runs of one row, together in a line of the table.

    :param own: its runs
    :param ours: the preset's
    """
    row = own[0]["row"]
    differences = [
        of_first_lap(line) - of_first_lap(other)
        for line in ours
        for other in own
        if row != THE_PRESET and line["seed"] == other["seed"]
    ]
    cells = [
        row,
        str(len(own)),
        f"{np.median([line['timesteps'] for line in own]):,.0f}",
        f"{np.median([line['seconds'] for line in own]):.0f}",
        ", ".join(str(line["lapped"]) for line in own),
        f"{np.mean([of_first_lap(line) for line in own]):.2f}",
        interval(np.array(differences)) if differences else "",
    ]
    return f"| {' | '.join(cells)} |"


def of_first_lap(line: Mapping[str, Any]) -> NDArray[np.float64]:
    """Share of its first lap that was driven on each named track (11,)."""
    return np.array([min(track["progress"], 1.0) for track in line["tracks"].values()])


def interval(differences: NDArray[np.float64]) -> str:
    """Mean of differences (seeds, tracks), and the interval of it over resampled ones."""
    rng = np.random.default_rng(0)
    seeds, tracks = differences.shape
    means = [
        differences[rng.integers(seeds, size=seeds)][:, rng.integers(tracks, size=tracks)].mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{differences.mean():+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main()
