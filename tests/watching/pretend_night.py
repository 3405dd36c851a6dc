"""A night made up for the page: a ledger, folders of trials, some of them still at work."""

from __future__ import annotations

import json
import math
import os
import random
from datetime import datetime, timedelta
from pathlib import Path
from platform import node
from typing import Any

BEGAN = datetime(2026, 11, 30, 21, 30)
SPACE: dict[str, list[Any]] = {
    "learning_rate": [0.0001, 0.0003, 0.0007, 0.0015, 0.003],
    "gamma": [0.95, 0.98, 0.99, 0.995],
    "n_steps": [16, 32, 64, 128],
    "batch_size": [64, 128, 256],
    "timesteps": [20000, 40000, 60000, 80000],
}
ENDS = (
    ("pruned", "below the median at 50 % of training: 212.4 against 388.1"),
    ("crashed", "RuntimeError: the optimiser's state does not fit"),
    ("timeout", "longer than 360 s"),
    ("diverged", "parameter log_std is not finite at step 4096"),
)


def make_night(home: Path, trials: int, running: int = 0, seed: int = 0) -> tuple[Path, Path]:
    """Writes a night; returns its folders of results and of models.

    :param home: both lie there
    :param trials: records in the ledger
    :param running: trials at work
    :param seed: of the numbers
    """
    results = home / "results"
    models = home / "models"
    results.mkdir(parents=True)
    models.mkdir()
    rng = random.Random(seed)
    lines = [record(number, rng) for number in range(1, trials + 1)]
    mark_champions(lines)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (results / "autoresearch_results.jsonl").write_text(text)
    (results / "autoresearch_log.txt").write_text("a night\n")
    for number in range(trials + 1, trials + running + 1):
        launch(results, models, number, rng)
    if running:
        hold(results)
    return results, models


def hold(results: Path) -> None:
    """Leaves the name of a controller at work: this process."""
    since = (datetime.now() - timedelta(minutes=221)).isoformat(sep=" ", timespec="seconds")
    (results / ".controller.holder").write_text(
        f"process {os.getpid()} on {node()} since {since}\n"
    )


def params_of(number: int, rng: random.Random) -> dict[str, Any]:
    chosen = {name: rng.choice(values) for name, values in SPACE.items()}
    agent = rng.choice(["ppo", "ppo", "ppo", "sac"])
    others: dict[str, Any] = {"n_envs": 32, "frame_stack": 2, "features_dim": 64, "device": "auto"}
    if agent == "sac":
        del chosen["n_steps"]
        others["tau"] = 0.005
    env = ["donkey-warren-track-v0"]
    return {"agent": agent, "env": env, "seed": number, **chosen, **others}


def score_of(params: dict[str, Any], number: int, rng: random.Random) -> float:
    rate = math.log10(params["learning_rate"] / 0.0007)
    expected = 900 - 900 * rate**2 - 4e4 * (0.99 - params["gamma"]) ** 2 * 10
    learned = 1 - math.exp(-params["timesteps"] / 25000)
    return max(3.0, learned * expected * (1 - 0.3 * math.exp(-number / 15)) + rng.gauss(0, 45))


def record(number: int, rng: random.Random) -> dict[str, Any]:
    params = params_of(number, rng)
    ended = BEGAN + timedelta(seconds=131 * number)
    status = "ok"
    cause = None
    score: float | None = score_of(params, number, rng)
    if rng.random() < 0.14:
        status, cause = rng.choice(ENDS)
        score = None
    return {
        "trial": number,
        "timestamp": ended.isoformat(),
        "params": params,
        "mean_reward": score,
        "std_reward": None if score is None else abs(rng.gauss(0, 22)),
        "model_path": f"agent/models/trial-{number:03d}/model.zip",
        "champion": False,
        "elapsed_sec": 129.0 + rng.gauss(0, 20),
        "run_status": status,
        "schema": 1,
        "kind": "replicate" if number % 17 in (3, 4, 5) and number > 30 else "search",
        "seed": number,
        "simulator": "embedded",
        "score": score and {"episodes": [score - 9.0, score + 9.0], "laps": [3, 4]},
        "cause": cause,
        "suggestion": {"ucb": 900.0, "mean": 700.0, "std": 100.0} if number > 4 else None,
        "rungs": [],
        "confirm_seeds": 3,
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
        "git_commit": "c9686309a728ab69379b6dc7984414b6ba01ca0d",
        "git_dirty": False,
        "host": "night",
        "world": "donkey",
    }


def write_belief(results: Path, next_trial: int) -> None:
    """Writes what the search would believe after the records in the ledger."""
    import numpy as np

    from agent.search.belief import belief_of
    from agent.search.parameter import Choice, Range
    from agent.search.proposer import propose
    from agent.search.space import Space
    from agent.search.stopping import assess
    from agent.search.surrogate import Entry, Surrogate
    from agent.study.belief_file import BeliefFile

    space = Space(
        (
            Choice("agent", ("ppo", "sac")),
            Range("learning_rate", 1e-4, 3e-3, log=True),
            Range("gamma", 0.95, 0.995),
            Choice("batch_size", (64, 128, 256)),
            Range("timesteps", 20000, 80000, integer=True),
            Choice("n_steps", (16, 32, 64, 128), when=("agent", "ppo")),
        )
    )
    lines = (results / "autoresearch_results.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    history: list[Entry] = [(each["params"], each["mean_reward"]) for each in records]
    belief = BeliefFile(results / "belief.json", space, 2.0)
    for count in range(8, len(history) + 1, max(1, len(history) // 12)):
        known = history[:count]
        surrogate = Surrogate.fit(space, known)
        rng = np.random.default_rng(count)
        convergence = assess(space, known, rng, surrogate=surrogate)
        belief.note_fit(count, belief_of(surrogate, 2.0), convergence)
    proposal = propose(space, history, np.random.default_rng(0), 2.0)
    belief.note_next(next_trial, proposal.source, proposal.params, proposal)


def write_champion(results: Path, models: Path, number: int) -> None:
    """Makes a trial of the ledger the champion, confirmed on three seeds."""
    lines = (results / "autoresearch_results.jsonl").read_text().splitlines()
    found = json.loads(lines[number - 1])
    folder = models / "champion"
    folder.mkdir()
    (folder / "model.zip").write_bytes(b"a model")
    score = found["mean_reward"] or 0.0
    manifest = {
        "trial": number,
        "kind": found["kind"],
        "timestamp": found["timestamp"],
        "params": found["params"],
        "mean_reward": score,
        "sha256": "5" * 64,
        "ledger": os.path.relpath(results / "autoresearch_results.jsonl", models),
        "confirmation": {
            "rule": "--confirm-seeds 3",
            "standing": f"confirmed: mean {score - 12:.2f} on 3 fresh seeds",
            "trials": [number - 2, number - 1, number],
            "seeds": [11, 12, 13],
            "scores": [score - 30, score - 6, score],
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def mark_champions(lines: list[dict[str, Any]]) -> None:
    best = -math.inf
    for line in lines:
        score = line["mean_reward"]
        if score is not None and score > best:
            best = score
            line["champion"] = True


def append(results: Path, number: int, **changes: Any) -> dict[str, Any]:
    """Adds a record to the ledger, as a controller does; returns it."""
    line = record(number, random.Random(number)) | changes
    with (results / "autoresearch_results.jsonl").open("a") as ledger:
        ledger.write(json.dumps(line) + "\n")
    return line


def launch(results: Path, models: Path, number: int, rng: random.Random) -> Path:
    """Makes the folder of a trial at work."""
    folder = models / f"trial-{number:03d}"
    folder.mkdir()
    params = params_of(number, rng)
    ledger = os.path.relpath(results / "autoresearch_results.jsonl", models)
    document = {
        "trial": number,
        "ledger": ledger,
        "kind": "search",
        "params": params,
        "suggestion": {"ucb": 905.0, "mean": 742.0, "std": 81.5},
    }
    (folder / "launch.json").write_text(json.dumps(document))
    (folder / "log.txt").write_text("training 10 %: 6000 of 60000 steps, 1510 steps/s, ETA 35 s\n")
    done = rng.randint(1, 7)
    with (folder / "progress.jsonl").open("w") as progress:
        for part in range(1, done + 1):
            score = 700 * (1 - math.exp(-part / 3)) + rng.gauss(0, 30)
            line = {
                "timesteps": params["timesteps"] * part // 8,
                "mean_reward": score,
                "std_reward": 30.0,
            }
            progress.write(json.dumps(line) + "\n")
    return folder
