"""Judge a saved driver on any tracks: tables beside floors, a verdict and the generalisation gap (FR-007), or a race.

Configuration and algorithm come from ``config.json`` or ``manifest.json`` beside the model, so the driver
sees and steers as in training. Its training tracks are driven first: with the same seed and as many
episodes they give the reward that the others are compared with. All are embedded, wherever the model was trained,
except those that are given as ID@[HOST:]PORT, where there are neither floors nor films.

A race is some laps against the clock, 10 s more for every crash, and the third crash is the end.
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
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import at_least_int
from agent.config.command_line import OneLineParser
from agent.config.errors import (
    EXIT_BAD_ARGUMENTS,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SIM_LOST,
    UserError,
)
from agent.config.provenance import git_commit, installed_versions
from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import check_envs
from agent.training.checkpoints import append_line
from agent.trials.champion import check_trust, sha256
from agent.worlds.base import split_task

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from agent.evaluation.judge import Judge

CHAMPION = files.MODELS_DIR / files.CHAMPION / files.MODEL
ALL_TRACKS, NAMED_TRACKS = "all", "named"
OUR_OWN = "random_track"  # no track of the simulator's
EPISODES, LAPS = 10, 10


def build_parser() -> OneLineParser:
    """The command line of the judge."""
    parser = OneLineParser(prog="evaluate_champion.py", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--model",
        type=Path,
        default=CHAMPION,
        metavar="ZIP",
        help=f"default {files.shown_path(CHAMPION)}",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a model that no manifest or result beside it knows",
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="ID",
        help="environment id, with @[HOST:]PORT in the simulator there; repeatable",
    )
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="NAME",
        help=f"scene name, {NAMED_TRACKS} (all of the simulator's) or {ALL_TRACKS} (the random one too); repeatable",
    )
    parser.add_argument(
        "--episodes", type=at_least_int(1), metavar="N", help=f"episodes per track (default {EPISODES})"
    )
    parser.add_argument(
        "--race", action="store_true", help="race instead, on the training tracks if none is named"
    )
    parser.add_argument(
        "--laps", type=at_least_int(1), metavar="N", help=f"laps of a race (default {LAPS})"
    )
    parser.add_argument(
        "--no-floors", dest="floors", action="store_false", help="drive nobody to compare with"
    )
    parser.add_argument(
        "--gif", type=Path, metavar="DIR", help="film a lap of every track, DIR/SCENE.gif and .mp4"
    )
    parser.add_argument(
        "--seed", type=at_least_int(0), default=0, metavar="N", help="seed of the episodes (default 0)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--results-dir", type=Path, default=files.RESULTS_DIR, metavar="DIR")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Judge one model; returns an exit code of ``agent.config.trial``."""
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
        check_asked(arguments)
        for option, folder in (("results-dir", arguments.results_dir), ("gif", arguments.gif)):
            _open_folder(option, folder)
        judge = introduce(model_path, config, arguments)
        if arguments.race:
            hold_races(judge, env_ids or home, arguments)
        else:
            hold_evaluations(judge, home, env_ids, arguments)
    except UserError as error:
        print(
            f"{parser.prog}: error: {error} (see {parser.prog} --help)", file=sys.stderr, flush=True
        )
        return EXIT_BAD_ARGUMENTS
    except Exception as error:
        from agent.worlds.donkey.remote.client import SimulatorLost

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
    for name in (files.CONFIG, files.MANIFEST):
        path = model_path.with_name(name)
        if path.exists():
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
                return TrialConfig.from_params(
                    document["params"] if name == files.MANIFEST else document
                )
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{path} does not hold a trial's configuration ({error}); restore it"
                ) from error
    raise UserError(
        f"no {files.CONFIG} or {files.MANIFEST} beside {model_path}; put the one that trained it there"
    )


def chosen_envs(env_ids: list[str], tracks: list[str]) -> list[str]:
    """Environment ids asked for by id or by scene name, each once; none means the training tracks only.

    :raises UserError: a scene that is not at hand
    """
    from agent.worlds.donkey.tasks import SCENE_OF_ENV, embedded_env_ids

    at_hand = {SCENE_OF_ENV[env_id]: env_id for env_id in embedded_env_ids()}
    for name in tracks:
        if name not in (*at_hand, NAMED_TRACKS, ALL_TRACKS):
            choices = ", ".join((*at_hand, NAMED_TRACKS, ALL_TRACKS))
            raise UserError(f"track {name!r} is unknown; choose from {choices}")
    several = {
        ALL_TRACKS: list(at_hand),
        NAMED_TRACKS: [name for name in at_hand if name != OUR_OWN],
    }
    scenes = [scene for name in tracks for scene in several.get(name, [name])]
    return list(dict.fromkeys([*env_ids, *(at_hand[scene] for scene in scenes)]))


def training_tracks(config: TrialConfig, envs: list[str]) -> list[str]:
    """The tracks that the model was trained on, where ``envs`` has them, else embedded."""
    asked = {split_task(env)[0]: env for env in envs}
    return list(
        dict.fromkeys(asked.get(env_id, env_id) for env_id, _ in map(split_task, config.trial.env))
    )


def check_asked(arguments: argparse.Namespace) -> None:
    """Refuse options that do nothing together.

    :raises UserError: such a pair
    """
    if arguments.race and arguments.episodes:
        raise UserError(
            f"episodes {arguments.episodes} are not for a race; give --laps or drop --race"
        )
    if arguments.laps and not arguments.race:
        raise UserError(f"laps {arguments.laps} are for a race; add --race or give --episodes")
    if remote := [env for env in arguments.env if "@" in env and (arguments.race or arguments.gif)]:
        raise UserError(f"races and films are of embedded tracks; drop the port of {remote[0]}")


def load_model(path: Path, config: TrialConfig, device: str) -> BaseAlgorithm:
    """The model saved at ``path``, by the algorithm of its configuration.

    :raises UserError: the file is not a model of that algorithm
    """
    from agent.training.algorithms import ALGORITHMS, check_device

    check_device(device)
    try:
        with warnings.catch_warnings(action="ignore"):
            return ALGORITHMS[config.trial.agent].model.load(path, device=device)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path} is not a {config.trial.agent} model ({reason}); give a model.zip of the runner"
        ) from error


def introduce(path: Path, config: TrialConfig, arguments: argparse.Namespace) -> Judge:
    """Load the model and say whose it is."""
    from agent.evaluation.judge import Judge
    from agent.training.algorithms import prepare_torch

    prepare_torch(arguments.seed)
    model = load_model(path, config, arguments.device)
    print(
        f"model {files.shown_path(path)}  algorithm {config.trial.agent}  trained on {', '.join(config.trial.env)}",
        flush=True,
    )
    return Judge(model, config, arguments.seed, arguments.floors, arguments.gif)


def hold_evaluations(
    judge: Judge, home_ids: list[str], env_ids: list[str], arguments: argparse.Namespace
) -> None:
    """Drive the training tracks, then the others; print tables and append a line for each."""
    episodes = arguments.episodes or EPISODES
    home = {env_id: judge.drive(env_id, episodes) for env_id in home_ids}
    at_home = sum(score.mean_reward for score in home.values()) / len(home)
    for env_id in dict.fromkeys([*home, *env_ids]):
        score = home.get(env_id) or judge.drive(env_id, episodes)
        gap = None if env_id in home else at_home - score.mean_reward
        found = {
            "trained_on": env_id in home,
            "training_mean_reward": at_home,
            **judge.judge(env_id, score, gap),
        }
        _note(files.EVALUATIONS, judge, env_id, found, arguments)


def hold_races(judge: Judge, env_ids: list[str], arguments: argparse.Namespace) -> None:
    """Race on every track; print tables and append a line for each."""
    for env_id in env_ids:
        _note(files.RACES, judge, env_id, judge.race(env_id, arguments.laps or LAPS), arguments)


def _note(
    ledger: str, judge: Judge, env_id: str, found: dict[str, Any], arguments: argparse.Namespace
) -> None:
    sys.stdout.flush()
    record = {
        "timestamp": datetime.now().isoformat(),
        "model": files.shown_path(arguments.model),
        "sha256": sha256(arguments.model),
        "params": judge.config.to_params(),
        "env": env_id,
        "seed": arguments.seed,
        **found,
        "simulator": replace(judge.config, env=[env_id]).simulator,
        "versions": installed_versions(),
        "git_commit": git_commit(),
    }
    append_line(arguments.results_dir / ledger, record)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UserError(
            f"model {path} does not exist; train one with autoresearch_controller.py or give --model"
        )
    return path


def _open_folder(option: str, folder: Path | None) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{option} {folder} cannot be a folder ({error.strerror}); choose another"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{option} {folder} cannot be written; choose another")


if __name__ == "__main__":
    raise SystemExit(main())
