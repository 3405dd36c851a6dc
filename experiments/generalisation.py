"""What makes a driver of tracks that it has never seen: trainings that differ in one thing, judged on the named tracks.

    python experiments/generalisation.py --seeds 3 --workers 2 --out DIR
    python experiments/generalisation.py --rows "the preset" --seeds 5 --timesteps 450000

A row is a name and arguments of the runner besides ``--preset generalist``. A track is lapped if the deterministic
driver laps it in each of three episodes of two minutes, generated_road if it is driven to its end. Its episodes from
one start are nearly one sample, so it is also asked how much it *holds*: after 16 starts anywhere on each named track,
the share after which it is still on the road 30 s later. With ``--race``, also what share of the generated roads from
seed 9000 on it drives to their end, of those among them that cross themselves, and of those that do so narrowly. Every
run's line goes to ``DIR/generalisation.jsonl`` as soon as it is there, and one that is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.config.trial import TrialConfig
from agent.evaluate_champion import load_model, read_config
from agent.evaluation.episodes import Score, evaluate
from agent.training.checkpoints import append_line
from agent.training.vec_envs import JUDGING, YARDSTICK, first_seed, make_worlds
from agent.worlds.donkey.env import TRUNCATIONS
from agent.worlds.donkey.judging.baselines import race_reference, reference_lap
from agent.worlds.donkey.judging.race import race, race_env
from agent.worlds.donkey.curriculum import NARROW, narrowest_crossing
from agent.worlds.donkey.tasks import SCENE_OF_ENV

RUNNER = Path(__file__).resolve().parents[2] / "agent" / "donkeycar_sb3_runner.py"
RANDOM, GENERATED = "donkey-random-track-v0", "donkey-generated-roads-v0"
EPISODES, EPISODE_STEPS, MAX_CTE = 3, 2400, 8.0
SURVIVED_STEPS, SURVIVED_EPISODES = 500, 48
HELD_STEPS, HELD_STARTS = 600, 16
RACE_LAPS = 3
FIRST_ROAD, ROADS, SIDE_BY_SIDE = 9000, 288, 96
BEFORE = (
    "--teacher-grip",
    "0.6",
    "--averaged",
    "0",
    "--lr-end",
    "0.05",
)  # what DECISIONS 100 changed
ANY_ROAD = ("--crossroads", "0")
UNTAUGHT = (*ANY_ROAD, "--taught", "0", "--lesson-weight", "0", "--reward", "speed")
OFF_POLICY = ("--throttle-max", "0.45", "--appearance", "random", "--roads", "512", "--reward-shaping",
              "--env", RANDOM, "--env", GENERATED, "--conv-layers", "2",
              "--frame-stack", "3", "--frame-gap", "6", "--choosing-episodes", "16")  # fmt: skip
ROWS: dict[str, tuple[str, ...]] = {
    "the preset": (),
    "1 road": ("--roads", "1"),
    "4 roads": ("--roads", "4"),
    "16 roads": ("--roads", "16"),
    "64 roads": ("--roads", "64"),
    "another road in every episode": ("--roads", "0"),
    "plain looks": ("--appearance", "plain"),
    "augmented, without flip": tuple(
        f"--augment={kind}" for kind in ("blur", "crop", "brightness", "noise")
    ),
    "augmented, flip": ("--augment=flip",),
    "road replay": (*ANY_ROAD, "--road-replay", "0.5"),
    "two pictures, one step apart": ("--frame-stack", "2", "--frame-gap", "1"),
    "one layer": ("--conv-layers", "1"),
    "two layers": ("--conv-layers", "2"),
    "raw pictures": ("--observation", "raw"),
    "no teacher: PPO": UNTAUGHT,
    "no teacher: PPO, growing": (*UNTAUGHT, "--growing", "0.5"),
    "growing": (*ANY_ROAD, "--growing", "0.3"),
    "roads as they come": ANY_ROAD,
    "all of the grip": ("--teacher-grip", "1"),
    "the latest weights": ("--averaged", "0"),
    "the latest weights, ever smaller steps": ("--averaged", "0", "--lr-end", "0.05"),
    "the preset before": (*BEFORE, *ANY_ROAD, "--taught", "0.667"),
    "crossroads and the reward": (*BEFORE, "--taught", "0.35"),
    "action repeat 2": ("--action-repeat", "2", "--frame-gap", "3"),
    "lessons alone": ("--taught", "1", "--lesson-weight", "0", "--reward", "speed"),
    "taught two thirds, PPO alone then": ("--lesson-weight", "0"),
    "taught half, PPO then": (
        "--taught",
        "0.5",
        "--lesson-weight",
        "0",
        "--reward",
        "speed",
        "--log-std-init",
        "-3",
    ),
    "no teacher: SAC": ("--agent", "sac", *OFF_POLICY),
    "no teacher: TQC": ("--agent", "tqc", *OFF_POLICY),
}
SLOWER = {
    "raw pictures": 0.25,
    "no teacher: SAC": 0.09,
    "no teacher: TQC": 0.065,
}  # steps at about equal wall-clock


def run(
    row: str, seed: int, timesteps: int, folder: Path, judging: Sequence[str]
) -> dict[str, Any]:
    """Train and judge one run of a row."""
    place, steps = (
        folder / f"{row.replace(' ', '_').replace(':', '')}-{seed}",
        round(timesteps * SLOWER.get(row, 1.0)),
    )
    preset = () if "--agent" in ROWS[row] else ("--preset", "generalist")
    command = [sys.executable, str(RUNNER), *preset, *ROWS[row]]
    command += [
        "--seed",
        str(seed),
        "--timesteps",
        str(steps),
        "--eval-episodes",
        "2",
        "--save-dir",
        str(place),
    ]
    started = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    seconds = time.perf_counter() - started
    if ran.returncode:
        raise SystemExit(
            f"{row}, seed {seed}: {(ran.stdout + ran.stderr).strip().splitlines()[-1]}"
        )
    told = subprocess.run(
        [sys.executable, __file__, "--judge", str(place / "model.zip"), *judging],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "row": row,
        "seed": seed,
        "timesteps": steps,
        "seconds": round(seconds, 1),
        **json.loads(told.stdout),
    }


def judged(model: Any, config: TrialConfig, with_races: bool) -> dict[str, Any]:
    """Laps on every named track, races, their mean times over the reference lap's, and survival on random ones."""
    env_ids = [env_id for env_id in SCENE_OF_ENV if env_id != RANDOM]
    seed = first_seed(0, JUDGING)
    plain = config.changed(appearance="plain", max_episode_steps=EPISODE_STEPS, max_cte=MAX_CTE)
    worlds = make_worlds(plain, env_ids, EPISODES * len(env_ids), YARDSTICK)  # dealt in turn
    episodes = evaluate(model, worlds, worlds.num_envs, seed).episodes
    worlds.close()
    tracks: dict[str, Any] = {}
    for k, env_id in enumerate(env_ids):
        own = Score(episodes[k :: len(env_ids)])
        finished = [
            episode.laps > 0 or episode.end_reason == "finished" for episode in own.episodes
        ]
        reference = (
            reference_lap(env_id, MAX_CTE, config.world.throttle_max) if own.mean_lap_sec else None
        )
        tracks[SCENE_OF_ENV[env_id]] = {
            "lapped": all(finished),
            "progress": round(float(np.mean([episode.progress for episode in own.episodes])), 3),
            "mean_lap_sec": own.mean_lap_sec,
            "of_reference": round(own.mean_lap_sec / reference, 3)
            if own.mean_lap_sec and reference
            else None,
        }
    anywhere = replace(plain, road_replay=None, max_episode_steps=HELD_STEPS)
    if anywhere.taught:  # or it would begin astray
        anywhere = replace(anywhere, taught=0.0, lesson_weight=0.0, crossroads=0.0)
    worlds = make_worlds(anywhere, env_ids, HELD_STARTS * len(env_ids), "speed")
    ends = [
        episode.end_reason in TRUNCATIONS
        for episode in evaluate(model, worlds, worlds.num_envs, seed).episodes
    ]
    worlds.close()
    for k, env_id in enumerate(env_ids):
        own = tracks[SCENE_OF_ENV[env_id]]
        own["held"] = float(np.mean(ends[k :: len(env_ids)]))
        if not with_races:
            continue
        raced = race(race_env(config, env_id), model, RACE_LAPS, seed)
        own["crashes"], own["raced_sec"] = raced.crashes, raced.mean_lap_sec
        reference = race_reference(config, env_id, RACE_LAPS, seed)
        own["raced_of_reference"] = (
            raced.mean_lap_sec / reference if raced.mean_lap_sec and reference else None
        )
    looks = replace(
        config,
        appearance="random",
        roads=0,
        road_replay=None,
        max_episode_steps=SURVIVED_STEPS,
        env=[RANDOM],
    )
    worlds = make_worlds(looks, looks.env, 16, YARDSTICK)
    score = evaluate(model, worlds, SURVIVED_EPISODES, seed)
    worlds.close()
    survived = float(np.mean([episode.end_reason == "time_limit" for episode in score.episodes]))
    lapped = sum(track["lapped"] for track in tracks.values())
    ratios = [
        track["raced_of_reference"] for track in tracks.values() if track.get("raced_of_reference")
    ]
    found = {"lapped": lapped, "held": float(np.mean(ends)), "survived": survived, "tracks": tracks}
    if with_races:
        found["raced"] = sum(track["crashes"] == 0 for track in tracks.values())
        found["of_reference"] = float(np.mean(ratios)) if ratios else None
        found |= on_generated_roads(model, plain)
    return found


def on_generated_roads(model: Any, config: TrialConfig) -> dict[str, float]:
    """The shares driven to their end of ``ROADS`` generated roads, of those that cross themselves, and narrowly."""
    plain = config.changed(env=[GENERATED], roads=0, road_replay=None)
    worlds, driven = make_worlds(plain, plain.env, SIDE_BY_SIDE, YARDSTICK), []
    for first in range(FIRST_ROAD, FIRST_ROAD + ROADS, SIDE_BY_SIDE):
        for episode in evaluate(model, worlds, SIDE_BY_SIDE, first).episodes:
            driven.append(episode.end_reason in (*TRUNCATIONS, "finished"))
    worlds.close()
    narrow = np.array([narrowest_crossing(SCENE_OF_ENV[GENERATED], FIRST_ROAD + k) for k in range(ROADS)])
    kinds = {"roads": narrow >= 0.0, "crossings": narrow > 0.0, "narrow_crossings": narrow > NARROW}
    return {kind: float(np.array(driven)[these].mean()) for kind, these in kinds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS), metavar="ROW")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--timesteps", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("generalisation"))
    parser.add_argument(
        "--race",
        action="store_true",
        help="race on every named track and drive generated roads as well, two minutes a run",
    )
    parser.add_argument("--judge", type=Path, help="print what one model is worth")
    parser.add_argument(
        "--unmirrored", action="store_true", help="judge it without its mirror image's opinion"
    )
    options = parser.parse_args()
    if options.judge:
        torch.set_num_threads(1)
        config = read_config(options.judge)
        model = load_model(options.judge, config, "cpu")
        if options.unmirrored:
            setattr(model.policy, "mirrored", False)  # noqa: B010 - a policy's own, unknown to SB3's
        print(json.dumps(judged(model, config, options.race)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    ledger = options.out / "generalisation.jsonl"
    lines = (
        [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    )
    done = {(line["row"], line["seed"], line["timesteps"]) for line in lines}
    seeds = range(options.first_seed, options.first_seed + options.seeds)

    def one(task: tuple[str, int]) -> None:
        row, seed = task
        if (row, seed, round(options.timesteps * SLOWER.get(row, 1.0))) in done:
            return
        line = run(row, seed, options.timesteps, options.out, ["--race"] if options.race else [])
        append_line(ledger, line)
        print(f"{row}, seed {seed}: {line['lapped']} of 11, {line['seconds']:.0f} s", flush=True)

    with ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(one, [(row, seed) for seed in seeds for row in options.rows]))
    table([json.loads(line) for line in ledger.read_text().splitlines()], options.rows)


def table(lines: list[dict[str, Any]], rows: list[str]) -> None:
    """Print a row's runs together."""
    print(
        "\n| | runs | steps | seconds | tracks lapped, of 11 | mean | raced without a crash | mean lap, of reference"
        " | holds | survives random roads and looks |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        for steps in sorted({line["timesteps"] for line in lines if line["row"] == row}):
            own = [line for line in lines if line["row"] == row and line["timesteps"] == steps]
            lapped = [line["lapped"] for line in own]
            held, survived = (
                np.mean([line[name] for line in own]) for name in ("held", "survived")
            )
            raced = sorted(line["raced"] for line in own if "raced" in line)
            ratios = [line["of_reference"] for line in own if line.get("of_reference")]
            seconds = np.median([line["seconds"] for line in own])
            print(
                f"| {row} | {len(own)} | {steps:,} | {seconds:.0f} | {' '.join(map(str, sorted(lapped)))}"
                f" | {np.mean(lapped):.1f} | {' '.join(map(str, raced)) or '-'}"
                f" | {f'{np.mean(ratios):.2f}' if ratios else '-'} | {held:.2f} | {survived:.2f} |"
            )


if __name__ == "__main__":
    main()
