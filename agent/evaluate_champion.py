"""Judge a saved driver on any tracks: a table per track, a verdict, and the generalisation gap (FR-007).

Configuration and algorithm come from ``config.json`` or ``manifest.json`` beside the model, so the driver
sees and steers as in training. Its training tracks are driven first: with the same seed and as many
episodes they give the reward that the others are compared with. All are embedded, wherever the model was trained,
except those that are given as ID@[HOST:]PORT.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.donkeycar_sb3_runner import check_envs
from agent.training.checkpoints import append_line
from agent.trials.champion import MODEL_NAME, check_trust, sha256
from agent.trials.config import (
    EXIT_BAD_ARGUMENTS,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SIM_LOST,
    OneLineParser,
    TrialConfig,
    UserError,
    split_env,
)
from agent.trials.record import git_commit, installed_versions, shown_path
from agent.trials.session import MODELS_DIR, RESULTS_DIR

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from agent.training.evaluation import Score

CHAMPION = MODELS_DIR / "champion" / MODEL_NAME
LEDGER = "evaluations.jsonl"
ALL_TRACKS = "all"
UNHURT = ("time_limit", "finished")


def build_parser() -> OneLineParser:
    """The command line of the judge."""
    parser = OneLineParser(prog="evaluate_champion.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--model", type=Path, default=CHAMPION, metavar="ZIP", help=f"default {shown_path(CHAMPION)}")
    parser.add_argument("--trust", action="store_true", help="load a model that no manifest or result beside it knows")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="ID",
        help="environment id, with @[HOST:]PORT in the simulator there; repeatable",
    )
    parser.add_argument("--track", action="append", default=[], metavar="NAME", help="scene name or all; repeatable")
    parser.add_argument("--episodes", type=_positive, default=10, metavar="N", help="episodes per track (default 10)")
    parser.add_argument("--seed", type=_natural, default=0, metavar="N", help="seed of the episodes (default 0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--results-dir", type=Path, default=RESULTS_DIR, metavar="DIR")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Judge one model; returns an exit code of ``agent.trials.config``."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        model_path = _existing(arguments.model)
        if not arguments.trust:
            check_trust(model_path)
        config = read_config(model_path)
        env_ids = chosen_envs(arguments.env, arguments.track)
        home = training_tracks(config, env_ids)
        check_envs([*home, *env_ids])
        _open_results(arguments.results_dir)
        judge(model_path, config, home, env_ids, arguments)
    except UserError as error:
        print(f"{parser.prog}: error: {error} (see {parser.prog} --help)", file=sys.stderr, flush=True)
        return EXIT_BAD_ARGUMENTS
    except Exception as error:
        from agent.envs.client import SimulatorLost

        if not isinstance(error, SimulatorLost):
            raise
        print(f"{parser.prog}: error: {error}", file=sys.stderr, flush=True)
        return EXIT_SIM_LOST
    except KeyboardInterrupt:
        print("interrupted; tracks judged so far are recorded", file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED
    return EXIT_OK


def read_config(model_path: Path) -> TrialConfig:
    """The configuration that trained the model, from the file beside it.

    :raises UserError: no such file, or one that does not hold a configuration
    """
    for name in ("config.json", "manifest.json"):
        path = model_path.with_name(name)
        if path.exists():
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
                return TrialConfig.from_params(document["params"] if name == "manifest.json" else document)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UserError(f"{path} does not hold a trial's configuration ({error}); restore it") from error
    raise UserError(f"no config.json or manifest.json beside {model_path}; put the one that trained it there")


def chosen_envs(env_ids: list[str], tracks: list[str]) -> list[str]:
    """Environment ids asked for by id or by scene name, each once; none means the training tracks only.

    :raises UserError: a scene that is not at hand
    """
    from agent.envs import SCENE_OF_ENV, embedded_env_ids

    at_hand = {SCENE_OF_ENV[env_id]: env_id for env_id in embedded_env_ids()}
    for name in tracks:
        if name not in (*at_hand, ALL_TRACKS):
            raise UserError(f"track {name!r} is unknown; choose from {', '.join((*at_hand, ALL_TRACKS))}")
    named = list(at_hand) if ALL_TRACKS in tracks else tracks
    return list(dict.fromkeys([*env_ids, *(at_hand[name] for name in named)]))


def training_tracks(config: TrialConfig, envs: list[str]) -> list[str]:
    """The tracks that the model was trained on, where ``envs`` has them, else embedded."""
    asked = {split_env(env)[0]: env for env in envs}
    return list(dict.fromkeys(asked.get(env_id, env_id) for env_id, _ in map(split_env, config.env)))


def load_model(path: Path, config: TrialConfig, device: str) -> BaseAlgorithm:
    """The model saved at ``path``, by the algorithm of its configuration.

    :raises UserError: the file is not a model of that algorithm
    """
    from agent.training.algorithms import ALGORITHMS, check_device

    check_device(device)
    try:
        with warnings.catch_warnings(action="ignore"):
            return ALGORITHMS[config.agent].model.load(path, device=device)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is not a {config.agent} model ({reason}); give a model.zip of the runner") from error


def judge(
    path: Path, config: TrialConfig, home_ids: list[str], env_ids: list[str], arguments: argparse.Namespace
) -> None:
    """Drive the training tracks, then the others; print a table and append a line for each."""
    from agent.training.algorithms import prepare_torch

    prepare_torch(arguments.seed)
    model = load_model(path, config, arguments.device)
    identity = {"model": shown_path(path), "sha256": sha256(path)}
    home: dict[str, Score] = {env_id: _drive(model, config, env_id, arguments) for env_id in home_ids}
    at_home = sum(score.mean_reward for score in home.values()) / len(home)
    print(f"model {identity['model']}  algorithm {config.agent}  trained on {', '.join(home)}", flush=True)
    for env_id in dict.fromkeys([*home, *env_ids]):
        score = home.get(env_id) or _drive(model, config, env_id, arguments)
        gap = None if env_id in home else at_home - score.mean_reward
        _print_table(env_id, score, gap)
        record = {
            "timestamp": datetime.now().isoformat(),
            **identity,
            "params": config.to_params(),
            "env": env_id,
            "trained_on": env_id in home,
            "seed": arguments.seed,
            "mean_reward": score.mean_reward,
            "std_reward": score.std_reward,
            "score": score.to_json(),
            "lap_times": [episode.lap_times for episode in score.episodes],
            "verdict": verdict(score),
            "training_mean_reward": at_home,
            "generalisation_gap": gap,
            "simulator": replace(config, env=[env_id]).simulator,
            "versions": installed_versions(),
            "git_commit": git_commit(),
        }
        append_line(arguments.results_dir / LEDGER, record)


def verdict(score: Score) -> str:
    """``drives``: a whole lap in every episode; ``partly``: in some; else ``slow`` or ``crashes``.

    ``slow`` ran out of time in every episode, ``crashes`` left the road or hit something.
    """
    if min(score.laps) >= 1:
        return "drives"
    if max(score.laps) >= 1:
        return "partly"
    return "slow" if all(episode.end_reason in UNHURT for episode in score.episodes) else "crashes"


def _drive(model: BaseAlgorithm, config: TrialConfig, env_id: str, arguments: argparse.Namespace) -> Score:
    from agent.training.evaluation import evaluate
    from agent.training.worlds import JUDGING, first_seed, make_evaluation_worlds

    config = replace(config, env=[env_id], client="own", reconnect=False)
    worlds = make_evaluation_worlds(config, config.env, arguments.episodes)
    try:
        # SB3 turns the raw camera's image channels-first, so only the order of its lengths may differ.
        seen, given = (sorted(space.shape or ()) for space in (model.observation_space, worlds.observation_space))
        if seen != given or model.action_space != worlds.action_space:
            raise UserError(
                f"{arguments.model} senses or acts otherwise than the configuration beside it says"
                f" ({config.observation}, {worlds.action_space}); put the one that trained it there"
            )
        return evaluate(model, worlds, arguments.episodes, first_seed(arguments.seed, JUDGING))
    finally:
        worlds.close()


def _print_table(env_id: str, score: Score, gap: float | None) -> None:
    print(f"\n{env_id}{'  (training track)' if gap is None else ''}")
    print(f"{'episode':>7} {'reward':>10} {'laps':>5} {'progress':>9}  {'ended by':<12} lap times [s]")
    for number, episode in enumerate(score.episodes, start=1):
        times = " ".join(f"{seconds:.2f}" for seconds in episode.lap_times) or "-"
        print(
            f"{number:>7} {episode.reward:>10.2f} {episode.laps:>5} {episode.progress:>9.3f}"
            f"  {episode.end_reason:<12} {times}"
        )
    best = "-" if score.best_lap_sec is None else f"{score.best_lap_sec:.2f} s"
    print(f"mean_reward {score.mean_reward:.2f} +- {score.std_reward:.2f}  best lap {best}  verdict {verdict(score)}")
    if gap is not None:
        print(f"generalisation gap {gap:.2f} (training-track reward minus this track's)")
    sys.stdout.flush()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"model {path} does not exist; train one with autoresearch_controller.py or give --model")
    return path


def _open_results(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"results-dir {folder} cannot be a folder ({error.strerror}); choose another") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"results-dir {folder} cannot be written; choose another")


def _natural(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative; give 0 or more")
    return number


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is too small; give at least 1")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
