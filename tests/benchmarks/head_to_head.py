"""What people tune by hand, for as many seconds as the preset is given, judged alike: docs/results/generalisation.md.

    python tests/benchmarks/head_to_head.py --seeds 5 --seconds 60

- SB3's defaults: stock ``PPO("CnnPolicy")`` on one raw camera, as gym-donkeycar's example trains it.
- rl_zoo3's settings: TQC with the numbers of its donkeycar branch, for want of its autoencoder through SB3's own
  convolutions, on our small pictures.

Both learn on the preset's roads and looks. The preset's own line comes from ``generalisation.py``. Every run's line
goes to ``DIR/head_to_head.jsonl``, and one that is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from sb3_contrib import TQC
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from agent.training.checkpoints import append_line
from agent.training.worlds import make_training_worlds
from agent.trials.config import TrialConfig
from agent.trials.defaults import PRESETS
from tests.benchmarks.generalisation import judged

ROADS: dict[str, Any] = {
    **{name: PRESETS["generalist"][name] for name in ("env", "appearance", "roads", "throttle_max")},
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
    config = TrialConfig(**ROADS | {"env": ROADS["env"][:1]}, observation="raw", n_envs=1, seed=seed)
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


HANDS = {"SB3's defaults": stock_ppo, "rl_zoo3's TQC settings": zoo_tqc}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("generalisation"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "head_to_head.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(line["row"], line["seed"], line["seconds"]) for line in lines}
    for seed in range(1, options.seeds + 1):
        for row, build in HANDS.items():
            if (row, seed, options.seconds) in done:
                continue
            config, model = build(seed)
            model.learn(10**9, callback=Clock(options.seconds))
            line = {"row": row, "seed": seed, "timesteps": model.num_timesteps, "seconds": options.seconds}
            line |= judged(model, config, with_races=False)
            append_line(path, line)
            print(f"{row}, seed {seed}: {model.num_timesteps} steps, {line['lapped']} of 11, progress "
                  f"{sum(t['progress'] for t in line['tracks'].values()) / 11:.3f}", flush=True)  # fmt: skip
            assert model.env is not None
            model.env.close()


if __name__ == "__main__":
    main()
