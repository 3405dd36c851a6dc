"""CLI: the trials of every ledger for other tools, as Optuna's journal or comma-separated values.

It reads the ledgers alone, so a running search is not disturbed, and ``--follow`` goes on as they
grow.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_INTERRUPTED, EXIT_OK, UserError
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.trials.experiment import add_experiment_arguments, settle_folders

if TYPE_CHECKING:
    from agent.reporting.history import Trial

PROG = command_name(__file__)
POLL_SEC = 2.0


def build_parser(prog: str = PROG) -> OneLineParser:
    """Returns the command line of the export."""
    parser = OneLineParser(
        prog=prog,
        description="Write the trials of every ledger for other tools. optuna-dashboard FILE shows"
        " a journal, and every new trial as it comes.",
        allow_abbrev=False,
    )
    add_experiment_arguments(parser)
    parser.add_argument(
        "--optuna",
        type=Path,
        metavar="FILE",
        help="Optuna journal to write, a study for each task; one of ours gets what it lacks",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="comma-separated values to write, a row for each trial",
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on as the ledgers grow, until Ctrl-C"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="lose what the files to write hold already"
    )
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Writes the files; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        settle_folders(arguments)
        check_outputs(arguments)
        known = state_of(arguments.results_dir)
        export(arguments)
        if arguments.follow:
            follow(arguments, known)
    except UserError as error:
        return parser.refuse(error)
    except KeyboardInterrupt:
        print("interrupted; run it again to go on", file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED
    return EXIT_OK


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuses files that cannot be written or would be lost; writes nothing.

    :raises UserError: such a file, the same one twice, or none
    """
    from agent.reporting.optuna_journal import read_journal

    paths = {"--optuna": arguments.optuna, "--csv": arguments.csv}
    named = {option: path for option, path in paths.items() if path is not None}
    if not named:
        raise UserError("no file is named; give --optuna FILE, --csv FILE or both")
    if len({path.resolve() for path in named.values()}) < len(named):
        raise UserError(f"--csv {arguments.csv} is the file of --optuna too; name another")
    for option, path in named.items():
        if not path.parent.is_dir():
            raise UserError(
                f"{option} {path} lies in no folder; make {path.parent} or name another"
            )
        if path.is_dir():
            raise UserError(f"{option} {path} is a folder; name a file")
        check_folder(option, path.parent, path.name)
    if arguments.overwrite:
        return
    if arguments.csv and arguments.csv.exists():
        raise UserError(f"--csv {arguments.csv} exists; name another file or give --overwrite")
    if arguments.optuna:
        read_journal(arguments.optuna)


def export(arguments: argparse.Namespace) -> None:
    """Writes the files once; with ``--follow`` it waits for the first trial.

    :raises UserError: no ledger, no trial in it, or a file that cannot be read or written
    """
    from agent.reporting.history import load_trials

    trials = load_trials(arguments.results_dir)
    if trials:
        if arguments.optuna and arguments.overwrite:
            arguments.optuna.unlink(missing_ok=True)
        write(trials, arguments)
    elif not arguments.follow:
        raise UserError(
            f"results-dir {arguments.results_dir} has no ledger with a trial in it; give the one"
            " that a search writes its ledgers to"
        )


def write(trials: Sequence[Trial], arguments: argparse.Namespace) -> None:
    """Writes the trials to the files that are asked for.

    :raises UserError: a file that cannot be read or written
    """
    from agent.reporting.csv_table import write_csv
    from agent.reporting.optuna_journal import append_to_journal

    try:
        if arguments.optuna:
            append_to_journal(trials, arguments.optuna)
        if arguments.csv:
            write_csv(trials, arguments.csv)
    except OSError as error:
        name = error.filename or "the file"
        raise UserError(f"{name} cannot be written ({error.strerror}); name another") from None
    written = " and ".join(str(path) for path in (arguments.optuna, arguments.csv) if path)
    print(f"{len(trials)} trials in {written}", flush=True)


def follow(arguments: argparse.Namespace, known: dict[str, tuple[int, int]]) -> None:
    """Writes the files again whenever a ledger has grown, until the process is interrupted.

    :param arguments: of the command line
    :param known: state of the ledgers before they were read, see ``state_of``
    :raises UserError: a file that cannot be read or written
    """
    from agent.reporting.history import load_trials

    while True:
        time.sleep(POLL_SEC)
        state = state_of(arguments.results_dir)
        if state == known:
            continue
        known = state
        trials = load_trials(arguments.results_dir)
        if trials:
            write(trials, arguments)


def state_of(results_dir: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change in ns of every file in the folder that may be a ledger."""
    found = {}
    for path in sorted(results_dir.glob("*.jsonl")):
        with suppress(FileNotFoundError):
            status = path.stat()
            found[path.name] = (status.st_size, status.st_mtime_ns)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
