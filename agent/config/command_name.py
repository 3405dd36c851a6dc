"""The names of commands as they were called, and the version that they are of.

In a checkout a command is a script; where the package is installed it is a program of its own, or a
verb of ``autoresearch``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from agent import PRODUCT
from agent.config import files

SHOWN_COMMIT_CHARS = 12


def command_name(script: str) -> str:
    """Returns the name of a command in its messages: of its program if called so, or its script.

    :param script: path of its file
    """
    called = Path(sys.argv[0]).name
    name = Path(script)
    if called.endswith(name.stem.replace("_", "-")):
        return called
    return name.name


def to_run(script: str, verb: str) -> str:
    """Returns what a person types to run a command here.

    :param script: in a checkout
    :param verb: of ``autoresearch`` where the package is installed
    """
    if files.CHECKOUT:
        return script
    return f"autoresearch {verb}"


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds the option that prints the version and ends the command."""
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and exit")


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"{parser.prog} {version()}", flush=True)
        parser.exit()


def version() -> str:
    """Returns the version of the package, with the commit of a checkout."""
    if not files.CHECKOUT:
        from importlib import metadata  # takes 10 ms, which no other option needs

        return metadata.version(PRODUCT)
    import tomllib

    from agent.config.provenance import git_commit, git_dirty

    number: str = tomllib.loads(files.PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    commit = git_commit()
    if commit is None:
        return number
    changed = ", changed" if git_dirty() else ""
    return f"{number} (commit {commit[:SHOWN_COMMIT_CHARS]}{changed})"
