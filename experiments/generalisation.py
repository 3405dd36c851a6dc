"""Trainings that differ from the preset in one thing, evaluated on tracks that none has seen.

    python experiments/generalisation.py --seeds 3 --workers 2 --out DIR
    python experiments/generalisation.py --rows "the preset" --seeds 5 --timesteps 450000

Rows and their options of the runner are in ``generalisation_rows.py``. A track is lapped if the
deterministic driver laps it in each of three episodes of two minutes; generated_road if it is
driven to its end. Episodes from one start are nearly one sample. So each run is also asked how much
it *holds*: of 16 starts anywhere on each named track, the share after which it is on the road 30 s
later. With ``--race`` it also races there, and drives generated roads from seed 9000 on. Of these
the shares driven to their end are taken of all, of those that cross themselves, and of those that
do so narrowly.

Every run's line goes to ``DIR/generalisation.jsonl`` as soon as it is there. One that is there is
not run again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.training.algorithms.fast_policy import FastPolicy
from agent.training.checkpoints import append_line
from agent.training.saved_model import load_model, read_config
from experiments.generalisation_rows import (
    OLD_NAMES,
    ROWS,
    folder_name,
    runner_options,
    steps_of,
)
from experiments.unseen_tracks import evaluate_unseen

LEDGER = "generalisation.jsonl"
RUNNER = files.REPO_ROOT / "agent" / "donkeycar_sb3_runner.py"
TRAINING_LIMIT_SEC = 3600.0
Line = dict[str, Any]


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
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
    return parser


def main() -> None:
    """Runs what the command line asks for."""
    options = build_parser().parse_args()
    if options.judge:
        print(json.dumps(judge(options.judge, options.race, options.unmirrored)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    ledger = options.out / LEDGER
    done = {(line["row"], line["seed"], line["timesteps"]) for line in read_lines(ledger)}
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    runs = [(row, seed, steps_of(row, options.timesteps)) for seed in seeds for row in options.rows]
    run_one = partial(run_and_record, ledger, ["--race"] if options.race else [])
    with ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(run_one, [run for run in runs if run not in done]))
    print_table(read_lines(ledger), options.rows)


def judge(model_path: Path, with_races: bool, unmirrored: bool) -> Line:
    """What one model is worth on tracks that it has never seen.

    :param model_path: a model.zip with its configuration beside it
    :param with_races: races and generated roads as well
    :param unmirrored: without the mean of each decision and the mirrored picture's
    """
    torch.set_num_threads(1)
    config = read_config(model_path)
    model = load_model(model_path, config, "cpu")
    if unmirrored and isinstance(model.policy, FastPolicy):
        model.policy.mirror_signs = ()
    return evaluate_unseen(model, config, with_races)


def read_lines(ledger: Path) -> list[Line]:
    """Lines of a ledger under today's names of rows; none where there is no such file."""
    if not ledger.exists():
        return []
    lines: list[Line] = [json.loads(text) for text in ledger.read_text().splitlines()]
    return [line | {"row": OLD_NAMES.get(line["row"], line["row"])} for line in lines]


def run_and_record(ledger: Path, judging: Sequence[str], run: tuple[str, int, int]) -> None:
    """Train and judge one run, and add its line to the ledger.

    :param ledger: gets the line
    :param judging: options of ``--judge``
    :param run: row, seed and steps
    """
    row, seed, _ = run
    line = train_and_judge(*run, ledger.parent, judging)
    append_line(ledger, line)
    print(f"{row}, seed {seed}: {line['lapped']} of 11, {line['seconds']:.0f} s", flush=True)


def train_and_judge(
    row: str, seed: int, timesteps: int, folder: Path, judging: Sequence[str] = ()
) -> Line:
    """Train and judge one run of a row; returns its line.

    :param row: of ``ROWS``
    :param seed: of the trial
    :param timesteps: of training
    :param folder: gets the trial's folder
    :param judging: options of ``--judge``
    """
    save_dir = folder / folder_name(row, seed)
    command = [sys.executable, str(RUNNER), *runner_options(row)]
    command += ["--seed", str(seed), "--timesteps", str(timesteps)]
    command += ["--eval-episodes", "2", "--save-dir", str(save_dir)]
    started = time.perf_counter()
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=TRAINING_LIMIT_SEC, check=False
    )
    seconds = time.perf_counter() - started
    if ran.returncode:
        reason = (ran.stdout + ran.stderr).strip().splitlines()[-1]
        raise SystemExit(f"{row}, seed {seed}: {reason}")
    judged = subprocess.run(
        [sys.executable, __file__, "--judge", str(save_dir / files.MODEL), *judging],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {
        "row": row,
        "seed": seed,
        "timesteps": timesteps,
        "seconds": round(seconds, 1),
        **json.loads(judged.stdout),
    }


def print_table(lines: Sequence[Line], rows: Sequence[str]) -> None:
    """Print one line for each row's runs of one length."""
    print(
        "\n| | runs | steps | seconds | tracks lapped, of 11 | mean | raced without a crash"
        " | mean lap, of reference | holds | survives random roads and looks |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        own = [line for line in lines if line["row"] == row]
        for steps in sorted({line["timesteps"] for line in own}):
            print(table_row([line for line in own if line["timesteps"] == steps]))


def table_row(lines: Sequence[Mapping[str, Any]]) -> str:
    """Runs of one row and length, together in a line of the table."""
    lapped = sorted(line["lapped"] for line in lines)
    raced = sorted(line["raced"] for line in lines if "raced" in line)
    ratios = [line["of_reference"] for line in lines if line.get("of_reference")]
    cells = [
        lines[0]["row"],
        str(len(lines)),
        f"{lines[0]['timesteps']:,}",
        f"{np.median([line['seconds'] for line in lines]):.0f}",
        " ".join(map(str, lapped)),
        f"{np.mean(lapped):.1f}",
        " ".join(map(str, raced)) or "-",
        f"{np.mean(ratios):.2f}" if ratios else "-",
        f"{np.mean([line['held'] for line in lines]):.2f}",
        f"{np.mean([line['survived'] for line in lines]):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
