"""CLI: the page that shows nights while they run, in a browser.

It is a process of its own that only reads, so it can end and start again without touching a night.
It shows a night that is over as well.
"""

from __future__ import annotations

import argparse
import re
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent import PRODUCT
from agent.config import files
from agent.config.argument_types import port
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_OK, UserError
from agent.config.one_line_parser import OneLineParser
from agent.trials.experiment import DEFAULT, Experiment, check_home, named, shown_runs

if TYPE_CHECKING:
    from agent.watching.night import Night

PROG = command_name(__file__)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
NEW_TOKEN = "new"
NEEDED = ("starlette", "uvicorn")
EXTRA = "web"
# A folder of results has one of these from its first moment.
MARKS = (
    files.SEARCH_LEDGER,
    files.SWEEP_LEDGER,
    files.STUDY_LOG,
    files.LOCK,
    files.SIMULATORS,
)


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of the page.

    :param prog: name of the command
    """
    parser = OneLineParser(
        prog=prog,
        description="Show nights in a browser while they run, and when they are over: trials, what"
        " the search believes, the champion, live cameras. The first line on stdout is the page's"
        " address; it is served until SIGTERM or SIGINT, and no night is touched.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port",
        type=port,
        default=8000,
        metavar="N",
        help="0 for a free one (default %(default)s)",
    )
    parser.add_argument(
        "--host",
        default=LOOPBACK[0],
        metavar="ADDRESS",
        help="address or name to bind; any but this machine's own needs --token"
        " (default %(default)s)",
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help=f"that a browser must know, 16 characters or more; {NEW_TOKEN}: a fresh one, which is"
        " printed",
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="folder that all folders of results lie in",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help=f"an experiment in {shown_runs()}; repeat for several nights",
    )
    parser.add_argument(
        "--results-dir",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="folder of ledgers and log; repeat for several nights"
        f" (default {files.shown_path(DEFAULT.results_dir)})",
    )
    parser.add_argument(
        "--models-dir",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="folder of models and champions, one for each --results-dir in order (default: models"
        f" beside it, or else {files.shown_path(DEFAULT.models_dir)})",
    )
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Serves until it is told to stop; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # the server has ended by then
        try:
            watch(arguments)
        except UserError as error:
            return parser.refuse(error)
    return EXIT_OK


def watch(arguments: argparse.Namespace) -> None:
    """Serves the page.

    :param arguments: of the command line
    :raises UserError: arguments that cannot be followed
    """
    found = experiments(arguments)
    token = checked_token(arguments)
    check_extra()
    from agent.watching.guard import Access
    from agent.watching.night import Night
    from agent.watching.server import listen, names_of_this_machine, serve

    host = arguments.host.removeprefix("[").removesuffix("]")
    nights = [Night(number, experiment) for number, experiment in enumerate(found)]
    with listen(host, arguments.port) as listener:
        bound = listener.getsockname()[1]
        print(f"watching {told(nights)} at {address(host, bound, token)}", flush=True)
        serve(nights, listener, Access.to(host, names_of_this_machine(), token, bound))


def experiments(arguments: argparse.Namespace) -> list[Experiment]:
    """Returns the folders of the nights that are asked for.

    :param arguments: of the command line
    :raises UserError: no folder, or none of results
    """
    usual = DEFAULT
    runs = files.RUNS_DIR
    if arguments.home is not None:
        check_home(arguments.home)
        usual = Experiment(*(arguments.home / each.name for each in DEFAULT))
        runs = arguments.home / runs.name
    found = [named(name, runs) for name in arguments.name]
    results_dirs = arguments.results_dir
    if not found and not results_dirs:
        results_dirs = [usual.results_dir]
    models_dirs = arguments.models_dir
    if models_dirs and len(models_dirs) != len(results_dirs):
        raise UserError(
            f"--models-dir is given {len(models_dirs)} times for {len(results_dirs)} folders of"
            " results; give one for each --results-dir, or none"
        )
    if not models_dirs:
        models_dirs = [models_beside(each, usual) for each in results_dirs]
    found += map(Experiment, results_dirs, models_dirs)
    for experiment in found:
        check_results(experiment.results_dir)
    return found


def models_beside(results_dir: Path, usual: Experiment) -> Path:
    """Returns the folder of models that belongs to a folder of results.

    :param results_dir: of the ledgers
    :param usual: where they are without options
    """
    beside = results_dir.absolute().parent / usual.models_dir.name
    return beside if beside.is_dir() else usual.models_dir


def check_results(folder: Path) -> None:
    """Refuses what is no folder of results.

    :raises UserError: it is none
    """
    shown = files.shown_path(folder)
    if not folder.is_dir():
        raise UserError(
            f"--results-dir {shown} is no folder; start a night with `autoresearch search`, or give"
            " the folder that one writes its ledgers to"
        )
    if not any((folder / name).exists() for name in MARKS):
        raise UserError(
            f"--results-dir {shown} has neither {files.SEARCH_LEDGER} nor {files.STUDY_LOG}; give"
            " the folder that a night writes its ledgers to"
        )


def checked_token(arguments: argparse.Namespace) -> str:
    """Returns the token that browsers must know, empty for none.

    :param arguments: of the command line
    :raises UserError: it is too weak, or lacks where it is needed
    """
    token: str | None = arguments.token
    if token == NEW_TOKEN:
        return secrets.token_urlsafe(24)
    if token is None:
        if arguments.host.strip("[]") not in LOOPBACK:
            raise UserError(
                f"--host {arguments.host} lets other machines in; give --token {NEW_TOKEN}, and the"
                " address that is printed has it"
            )
        return ""
    if not TOKEN.fullmatch(token):
        raise UserError(
            f"--token of {len(token)} characters is not usable; give 16 or more letters, digits,"
            f" dashes and underscores, or {NEW_TOKEN}"
        )
    return token


def check_extra() -> None:
    """Refuses to go on without the libraries of the page.

    :raises UserError: one is missing
    """
    missing = [module for module in NEEDED if find_spec(module) is None]
    if missing:
        raise UserError(
            f"the page needs {missing[0]}, which is not installed; install it with: pip install"
            f" '{PRODUCT}[{EXTRA}]'"
        )


def told(nights: Sequence[Night]) -> str:
    """Returns the nights in words."""
    if len(nights) == 1:
        return files.shown_path(nights[0].results_dir)
    return f"{len(nights)} nights"


def address(host: str, bound: int, token: str) -> str:
    """Returns the page's address for a browser; for every address, by the machine's name.

    :param host: that is listened on
    :param bound: its port
    :param token: that is needed, empty for none
    """
    shown = f"[{host}]" if ":" in host else host
    if host in EVERY_ADDRESS:
        shown = node()
    query = f"?token={token}" if token else ""
    return f"http://{shown}:{bound}/{query}"


if __name__ == "__main__":
    raise SystemExit(main())
