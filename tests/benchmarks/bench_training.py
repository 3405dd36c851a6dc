"""Time of a training step by its parts: DonkeyCar's physics and camera on one core, then PPO.

python tests/benchmarks/bench_training.py [--timesteps 20000] [--n-envs 32 ... any runner option]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.config.command_line import TrialParser, trial_config
from agent.config.trial import TrialConfig
from agent.simulator.fleet import Fleet
from agent.simulator.world import World
from agent.training.algorithms import build, prepare_torch
from agent.training.vec_envs import make_training_envs
from agent.worlds.donkey.observation import FAST_VIEW
from agent.worlds.donkey.vector_env import DonkeyVectorEnv

SCENES = ("generated_track", "generated_road", "random_track", "mountain_track")
WORLDS = 16
STEPS = 500
ROUNDS = 7
AIM_WORLD_STEPS = 50_000  # a second, of the plan
AIM_TRAINING_STEPS = 4_000  # a second for ppo, of the plan
# Part of a step and the function that does it; deeper parts are within the one above.
PARTS = (
    "rollout",
    "  environments",
    "    vector env",
    "      physics",
    "      camera",
    "  policy",
    "update",
)


def world_steps_per_sec(scene: str) -> float:
    """Median over rounds, in seconds of CPU time: physics and a grey 40x80 picture, with resets."""
    fleet = Fleet([World(scene) for _ in range(WORLDS)], FAST_VIEW, grey=True)
    pictures = np.zeros((WORLDS, 1, 40, 80), dtype=np.uint8)
    commands = np.tile([0.0, 0.3], (WORLDS, 1))

    def drive() -> float:
        started = time.process_time()
        for step in range(STEPS):
            if step % 50 == 0:
                _reset_all(fleet, step / STEPS)
            fleet.step(commands)
            fleet.render(pictures)
        return STEPS * WORLDS / (time.process_time() - started)

    drive()
    return statistics.median(drive() for _ in range(ROUNDS))


def _reset_all(fleet: Fleet, part: float) -> None:
    """Put every car somewhere else."""
    for k, world in enumerate(fleet.worlds):
        share = 0.8 * (k / WORLDS + part) % 1.0
        world.reset(arc_u=share * world.track.length_u)
        fleet.refresh(k)


class Stopwatch:
    """Seconds spent inside functions, by a name for each."""

    def __init__(self) -> None:
        self.sec: dict[str, float] = {}

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Count the time of a method.

        :param owner: object or class that has it
        :param method: its name
        :param name: under which its time is counted
        """
        timed: Callable[..., Any] = getattr(owner, method)

        def watched(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return timed(*arguments, **options)
            finally:
                self.sec[name] = self.sec.get(name, 0.0) + time.perf_counter() - started

        setattr(owner, method, watched)


def profile(config: TrialConfig) -> None:
    """Train, and print steps per second and microseconds of a step by part."""
    prepare_torch(config.trial.seed)
    training = make_training_envs(config)
    model = build(config, training)
    clock = Stopwatch()
    clock.watch(model, "train", "update")
    clock.watch(model, "collect_rollouts", "rollout")
    clock.watch(model.policy, "forward", "  policy")
    clock.watch(training.vec_env, "step", "  environments")
    clock.watch(DonkeyVectorEnv, "step", "    vector env")
    clock.watch(Fleet, "step", "      physics")
    clock.watch(Fleet, "render", "      camera")
    started = time.perf_counter()
    cpu = time.process_time()
    model.learn(config.trial.timesteps)
    elapsed_sec = time.perf_counter() - started
    cpu_sec = time.process_time() - cpu
    steps = model.num_timesteps
    card = f" on {torch.cuda.get_device_name()}" if model.device.type == "cuda" else ""
    print(
        f"{config.trial.agent} training, update included{card}: {steps / elapsed_sec:.0f} steps/s,"
        f" {steps / cpu_sec:.0f} a second of CPU time (must: >= {AIM_TRAINING_STEPS} for ppo)"
    )
    for name in PARTS:
        print(f"  {name:<18} {clock.sec.get(name, 0.0) / steps * 1e6:6.1f} us a step")
    training.vec_env.close()


def main() -> None:
    defaults = {"timesteps": 20_000, "reward_shaping": True}
    text = "Time of a training step by its parts."
    parser = TrialParser(sys.argv[1:], "bench_training.py", "[OPTION ...]", text, defaults)
    parser.add_configuration()
    config = trial_config(parser.parse_args())
    figures = [f"{scene} {world_steps_per_sec(scene):.0f}" for scene in SCENES]
    print(
        "world steps/s, fast observation drawn directly, one core"
        f" (must: >= {AIM_WORLD_STEPS}): {', '.join(figures)}",
        flush=True,
    )
    profile(config)


if __name__ == "__main__":
    main()
