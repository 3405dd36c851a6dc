"""Frames a second of CarRacing's environments on one core, beside Gymnasium's.

    python tests/benchmarks/bench_car_racing.py

The expert drives 16 cars. A row is the median of several rounds, which take turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from agent.worlds.base import Learner, Purpose
from agent.worlds.car_racing.make_vec_env import make_vec_env
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.scripted import ExpertPolicy
from agent.worlds.car_racing.teacher import PATIENT, Teacher
from agent.worlds.car_racing.vec_env import CarRacingVecEnv

CARS = 16
DECISIONS = 100
ROUNDS = 7
CASES: Mapping[str, CarRacingOptions] = {
    "ours, whole picture in colour": CarRacingOptions(action_repeat=1, colour=True, bar="keep"),
    "ours, grey, bar read": CarRacingOptions(action_repeat=1),
    "ours, grey, bar read, repeat 2": CarRacingOptions(action_repeat=2),
    "ours, grey, bar read, repeat 4": CarRacingOptions(action_repeat=4),
    "ours, grey 84 x 84, repeat 4": CarRacingOptions(action_repeat=4, frame_size=84, bar="crop"),
}
GYMNASIUM = CarRacingOptions(action_repeat=1, colour=True, bar="keep", backend="gymnasium")


class Drive:
    """Cars that the expert drives, for as long as is asked for."""

    def __init__(self, options: CarRacingOptions, cars: int) -> None:
        vec_env = make_vec_env(options, cars, Purpose.TRAIN, 0, Learner())
        assert isinstance(vec_env, CarRacingVecEnv)
        vec_env.teacher = Teacher(cars, PATIENT, options.steer_limit)
        self.policy = ExpertPolicy(vec_env)
        self.vec_env = vec_env
        self.repeat = options.action_repeat
        self.observations = vec_env.reset()

    def frames_per_sec(self, decisions: int) -> float:
        """Drives on, and returns how fast."""
        started = time.perf_counter()
        for _ in range(decisions):
            actions, _ = self.policy.predict(self.observations)
            self.observations, *_ = self.vec_env.step(actions)
            self.vec_env.take_labels()
        seconds = time.perf_counter() - started
        return self.repeat * decisions * self.vec_env.num_envs / seconds


def main() -> None:
    """Prints the table."""
    drives = {name: Drive(options, CARS) for name, options in CASES.items()}
    found: dict[str, list[float]] = {name: [] for name in drives}
    gymnasium = Drive(GYMNASIUM, 1)
    real: list[float] = []
    for _ in range(ROUNDS):
        for name, drive in drives.items():
            found[name].append(drive.frames_per_sec(DECISIONS))
        real.append(gymnasium.frames_per_sec(DECISIONS))
    gymnasium.vec_env.close()
    print("| frames/s, one core | median | least | times Gymnasium |")
    print("|---|---|---|---|")
    for name, speeds in {"Gymnasium, whole picture in colour": real, **found}.items():
        ratio = median(speeds) / median(real)
        print(f"| {name} | {median(speeds):,.0f} | {min(speeds):,.0f} | {ratio:.0f} |")


if __name__ == "__main__":
    main()
