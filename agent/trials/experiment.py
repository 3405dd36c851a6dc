"""An experiment: its ledger, log and lock in one folder, its models and champions in another.

Every command that reads or writes one takes the same four options. ``--name NAME`` puts both
folders below ``RUNS_DIR/NAME``; without any of them they are the specification's. ``--home DIR``
has all of these folders lie in ``DIR``.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NamedTuple

from agent.config import files
from agent.config.errors import UserError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Experiment(NamedTuple):
    """Folders of one experiment.

    :param results_dir: of ledgers, log and lock
    :param models_dir: of trials' models and champions
    """

    results_dir: Path
    models_dir: Path


HOME = files.RESULTS_ROOT
DEFAULT = Experiment(files.RESULTS_DIR, files.MODELS_DIR)


def add_experiment_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Adds the options that say whose files are read and written."""
    _add_home(parser)
    parser.add_argument(
        "--results-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of ledgers and log (default {files.shown_path(DEFAULT.results_dir)})",
    )
    _add_models_dir(parser)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which model is meant, of a command that reads no ledger."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="ZIP",
        help="a model's file, its folder, bundled or bundled/WORLD (default: the champion of the"
        " study, or the bundled one while there is none)",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a model that no manifest or result beside it knows",
    )
    _add_home(parser)
    _add_models_dir(parser)
    parser.set_defaults(results_dir=None)


def _add_home(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help=f"folder that all folders of results lie in (default {files.shown_path(HOME)})",
    )
    parser.add_argument(
        "--name",
        metavar="NAME",
        help=f"an experiment of its own, with all its files in {shown_runs()}/NAME",
    )


def _add_models_dir(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--models-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of models and champions (default {files.shown_path(DEFAULT.models_dir)})",
    )


def settle_folders(options: argparse.Namespace) -> None:
    """Gives ``options`` the two folders that its four options ask for.

    :raises UserError: a name that is none, or beside a folder, or a home that is no folder
    """
    usual = DEFAULT
    runs = files.RUNS_DIR
    if options.home is not None:
        check_home(options.home)
        usual = Experiment(*(options.home / each.name for each in DEFAULT))
        runs = options.home / runs.name
    if options.name is not None:
        usual = named(options.name, runs)
        for option in ("--results-dir", "--models-dir"):
            folder = vars(options)[option.strip("-").replace("-", "_")]
            if folder is not None:
                raise UserError(
                    f"--name {options.name} has folders of its own; drop {option} {folder}"
                )
    options.results_dir = options.results_dir or usual.results_dir
    options.models_dir = options.models_dir or usual.models_dir


def check_home(home: Path) -> None:
    """Refuses a home that cannot be a folder; makes none.

    :raises UserError: a file is there, or above it
    """
    here = home.absolute()
    nearest = next(each for each in (here, *here.parents) if each.exists())
    if not nearest.is_dir():
        raise UserError(f"--home {home} cannot be a folder, {nearest} is none; choose another")


def named(name: str, runs: Path) -> Experiment:
    """Returns the folders of the experiment of that name.

    :param name: of the experiment
    :param runs: folder of all that have a name
    :raises UserError: it cannot be the name of a folder
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"--name {name!r} cannot be a folder; write letters, digits, dots, dashes, underscores"
        )
    folder = runs / name
    return Experiment(folder / "results", folder / "models")


def shown_runs() -> str:
    """Returns the folder of named experiments as a person reads it."""
    return files.shown_path(files.RUNS_DIR)
