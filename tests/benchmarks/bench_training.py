"""Where a training step's time goes: world steps drawn directly on one core, and PPO's steps with its parts.

python tests/benchmarks/bench_training.py [--timesteps 20000] [--device cpu|cuda] [--n-envs 32 ... any runner option]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.config.command_line import add_trial_arguments, trial_config
from agent.simulator.fleet import Fleet
from agent.simulator.world import World
from agent.training.algorithms import build, prepare_torch
from agent.training.vec_envs import make_training_worlds
from agent.worlds.donkey.observation import FAST_VIEW, FRAMES
from agent.worlds.donkey.vector_env import DonkeyVectorEnv

SCENES = ("generated_track", "generated_road", "random_track", "mountain_track")
WORLDS, STEPS, ROUNDS = 16, 500, 7


def world_steps_per_sec(scene: str) -> float:
    """Median over rounds, in seconds of CPU time: physics and a grey 40x80 picture, resets included."""
    fleet = Fleet([World(scene) for _ in range(WORLDS)], FAST_VIEW, grey=True)
    pictures = np.zeros((WORLDS, FRAMES, 40, 80), dtype=np.uint8)
    commands = np.tile([0.0, 0.3], (WORLDS, 1))

    def drive() -> float:
        started = time.process_time()
        for step in range(STEPS):
            if step % 50 == 0:
                for k, world in enumerate(fleet.worlds):
                    world.reset(
                        arc_u=0.8 * (k / WORLDS + step / STEPS) % 1.0 * world.track.length_u
                    )
                    fleet.refresh(k)
            fleet.step(commands)
            fleet.render(pictures)
        return STEPS * WORLDS / (time.process_time() - started)

    drive()
    return statistics.median(drive() for _ in range(ROUNDS))


class Stopwatch:
    """Seconds spent inside functions, by a name for each."""

    def __init__(self) -> None:
        self.sec: dict[str, float] = {}

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Count the time of ``owner.method`` as ``name``."""
        timed: Callable[..., Any] = getattr(owner, method)

        def watched(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return timed(*arguments, **options)
            finally:
                self.sec[name] = self.sec.get(name, 0.0) + time.perf_counter() - started

        setattr(owner, method, watched)


def profile(namespace: argparse.Namespace) -> None:
    """Train, and print steps per second and microseconds of a step by part."""
    config = trial_config(namespace)
    prepare_torch(config.seed)
    worlds = make_training_worlds(config, config.gamma)
    model, clock = build(config, worlds), Stopwatch()
    clock.watch(model, "train", "update")
    clock.watch(model, "collect_rollouts", "rollout")
    clock.watch(model.policy, "forward", "  policy")
    clock.watch(worlds, "step", "  environments")
    clock.watch(DonkeyVectorEnv, "step", "    batch")
    clock.watch(Fleet, "step", "      physics")
    clock.watch(Fleet, "render", "      camera")
    started = time.perf_counter()
    model.learn(config.timesteps)
    elapsed_sec = time.perf_counter() - started
    steps, card = model.num_timesteps, ""
    if model.device.type == "cuda":
        card = f" on {torch.cuda.get_device_name()}"
    print(
        f"{config.agent} training, update included{card}: {steps / elapsed_sec:.0f} steps/s (must: >= 4000 for ppo)"
    )
    for name in (
        "rollout",
        "  environments",
        "    batch",
        "      physics",
        "      camera",
        "  policy",
        "update",
    ):
        print(f"  {name:<18} {clock.sec.get(name, 0.0) / steps * 1e6:6.1f} us a step")
    worlds.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_trial_arguments(parser)
    parser.set_defaults(timesteps=20_000, reward_shaping=True)
    namespace = parser.parse_args()
    figures = {scene: world_steps_per_sec(scene) for scene in SCENES}
    told = ", ".join(f"{scene} {figure:.0f}" for scene, figure in figures.items())
    print(
        f"world steps/s, fast observation drawn directly, one core (must: >= 50000): {told}",
        flush=True,
    )
    profile(namespace)


if __name__ == "__main__":
    main()
