"""An experiment: its ledger, log and lock in one folder, its models and champions in another.

Every command that reads or writes one takes the same three options. ``--name NAME`` puts both
folders below ``RUNS_DIR/NAME``; without any of the three they are the specification's.
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


DEFAULT = Experiment(files.RESULTS_DIR, files.MODELS_DIR)


def add_experiment_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Adds the options that say whose files are read and written."""
    parser.add_argument(
        "--name",
        metavar="NAME",
        help=f"an experiment of its own, with all its files in {shown_runs()}/NAME",
    )
    parser.add_argument(
        "--results-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of ledgers and log (default {files.shown_path(DEFAULT.results_dir)})",
    )
    parser.add_argument(
        "--models-dir",
        type=Path,
        metavar="DIR",
        help=f"folder of models and champions (default {files.shown_path(DEFAULT.models_dir)})",
    )


def settle_folders(options: argparse.Namespace) -> None:
    """Gives ``options`` the two folders that its three options ask for.

    :raises UserError: a name that is none, or beside a folder
    """
    usual = DEFAULT
    if options.name is not None:
        usual = named(options.name)
        for option in ("--results-dir", "--models-dir"):
            folder = vars(options)[option.strip("-").replace("-", "_")]
            if folder is not None:
                raise UserError(
                    f"--name {options.name} has folders of its own; drop {option} {folder}"
                )
    options.results_dir = options.results_dir or usual.results_dir
    options.models_dir = options.models_dir or usual.models_dir


def named(name: str) -> Experiment:
    """Returns the folders of the experiment of that name.

    :raises UserError: it cannot be the name of a folder
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"--name {name!r} cannot be a folder; write letters, digits, dots, dashes, underscores"
        )
    folder = files.RUNS_DIR / name
    return Experiment(folder / "results", folder / "models")


def shown_runs() -> str:
    """Returns the folder of named experiments as a person reads it."""
    return files.shown_path(files.RUNS_DIR)
