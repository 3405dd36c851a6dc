"""Rows of ``generalisation.py``: trainings that differ from the preset in one thing."""

from __future__ import annotations

import shlex

from experiments.unseen_tracks import GENERATED, RANDOM

THE_PRESET = "the preset"
PRESET_BEFORE = "--teacher-grip 0.6 --averaged 0 --lr-end 0.05"  # what DECISIONS 100 changed
ANY_ROAD = "--narrow-crossing-share 0"
NO_IMITATION = "--imitation-share 0 --imitation-weight 0"
NO_EXPERT = f"{ANY_ROAD} {NO_IMITATION} --reward speed"
OFF_POLICY = (
    "--throttle-max 0.45 --appearance random --roads 512 --reward-shaping"
    f" --env {RANDOM} --env {GENERATED}"
    " --conv-layers 2 --frame-stack 3 --frame-gap 6 --choosing-episodes 16"
)
# Options of the runner, besides the preset's unless they name an algorithm of their own.
ROWS = {
    THE_PRESET: "",
    "1 road": "--roads 1",
    "4 roads": "--roads 4",
    "16 roads": "--roads 16",
    "64 roads": "--roads 64",
    "another road in every episode": "--roads 0",
    "plain looks": "--appearance plain",
    "augmented, without flip": (
        "--augment blur --augment crop --augment brightness --augment noise"
    ),
    "augmented, flip": "--augment flip",
    "road replay": f"{ANY_ROAD} --road-replay 0.5",
    "two pictures, one step apart": "--frame-stack 2 --frame-gap 1",
    "one layer": "--conv-layers 1",
    "two layers": "--conv-layers 2",
    "raw pictures": "--observation raw",
    "no expert: PPO": NO_EXPERT,
    "no expert: PPO, curriculum": f"{NO_EXPERT} --curriculum-share 0.5",
    "curriculum": f"{ANY_ROAD} --curriculum-share 0.3",
    "roads as they come": ANY_ROAD,
    "all of the grip": "--teacher-grip 1",
    "the latest weights": "--averaged 0",
    "the latest weights, ever smaller steps": "--averaged 0 --lr-end 0.05",
    "the preset before": f"{PRESET_BEFORE} {ANY_ROAD} --imitation-share 0.667",
    "narrow crossings and the reward": f"{PRESET_BEFORE} --imitation-share 0.35",
    "action repeat 2": "--action-repeat 2 --frame-gap 3",
    "imitation alone": "--imitation-share 1 --imitation-weight 0 --reward speed",
    "imitation for half, PPO alone then": "--imitation-weight 0",
    "imitation for half, PPO for speed then": (
        "--imitation-share 0.5 --imitation-weight 0 --reward speed --log-std-init -3"
    ),
    "no expert: SAC": f"--agent sac {OFF_POLICY}",
    "no expert: TQC": f"--agent tqc {OFF_POLICY}",
}
# Share of the steps that takes about as long as all of the preset's; measured by this experiment.
SLOWER = {"raw pictures": 0.25, "no expert: SAC": 0.09, "no expert: TQC": 0.065}
# Names in ledgers of older versions.
OLD_NAMES = {
    "no teacher: PPO": "no expert: PPO",
    "no teacher: PPO, growing": "no expert: PPO, curriculum",
    "growing": "curriculum",
    "crossroads and the reward": "narrow crossings and the reward",
    "lessons alone": "imitation alone",
    "taught two thirds, PPO alone then": "imitation for half, PPO alone then",
    "taught half, PPO then": "imitation for half, PPO for speed then",
    "no teacher: SAC": "no expert: SAC",
    "no teacher: TQC": "no expert: TQC",
}


def steps_of(row: str, timesteps: int) -> int:
    """Steps of a row that take about as long as ``timesteps`` of the preset."""
    return round(timesteps * SLOWER.get(row, 1.0))


def runner_options(row: str) -> list[str]:
    """Options of the runner for a row."""
    own = shlex.split(ROWS[row])
    return own if "--agent" in own else ["--preset", "generalist", *own]


def folder_name(row: str, seed: int) -> str:
    """Name of the folder of a row's trial."""
    return f"{row.replace(' ', '_').replace(':', '')}-{seed}"
