"""See the search: pictures and one self-contained HTML page, from the ledgers alone.

Reads every ledger of the results folder and the champions' manifests. Writes ``report.html`` with
the pictures in it, and each picture as a PNG: scores over trials, the searched parameters, what the
Gaussian process expects along each, which of them matter, how the trials ended and how fast they
came. The same ledgers give the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_OK, UserError
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.trials.experiment import add_experiment_arguments, settle_folders

PROG = command_name(__file__)


def build_parser(prog: str = PROG) -> OneLineParser:
    """Returns the command line of the report."""
    parser = OneLineParser(
        prog=prog,
        description="Make one page of pictures of the search, from the ledgers alone: scores over"
        " trials, the searched parameters and which of them matter, how the trials ended.",
        allow_abbrev=False,
    )
    add_experiment_arguments(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder of the report to write (default {files.REPORT} in the results folder)",
    )
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the trials for TensorBoard's HParams tab too",
    )
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Writes one report; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        settle_folders(arguments)
        out = arguments.out or arguments.results_dir / files.REPORT
        check_folder("--out" if arguments.out else "--results-dir", out)
        page = report(
            arguments.results_dir, arguments.models_dir, out, tensorboard=arguments.tensorboard
        )
    except UserError as error:
        return parser.refuse(error)
    print(f"report: {files.shown_path(page)}")
    return EXIT_OK


def report(results_dir: Path, models_dir: Path, out: Path, *, tensorboard: bool = False) -> Path:
    """Reads the folders and writes the report; returns the page's path.

    :param results_dir: folder of the ledgers, the evaluations and the races
    :param models_dir: folder that the champions' folders lie in
    :param out: folder of the report, made when absent
    :param tensorboard: write the trials for TensorBoard too
    :raises UserError: a folder or file that cannot be read or written
    """
    # matplotlib takes a second to import, which --help does without
    from agent.reporting.films import film_folders, read_films
    from agent.reporting.history import load_trials, read_champions, read_evaluations

    try:
        from agent.reporting.page import Report, write_report
    except OSError as error:  # matplotlib has no folder for its fonts, nor a temporary one
        raise UserError(str(error)) from None
    trials = load_trials(results_dir)
    champions = read_champions(models_dir, results_dir)
    evaluations = read_evaluations(results_dir / files.EVALUATIONS)
    races = read_evaluations(results_dir / files.RACES)
    films = read_films(film_folders([*evaluations, *races]))
    if tensorboard:
        from agent.reporting.hparams import write_hparams

        write_hparams(trials, out)
    source = f"Made from the {len(trials)} records of {files.shown_path(results_dir)}"
    return write_report(Report(source, trials, champions, evaluations, races, films), out)


if __name__ == "__main__":
    raise SystemExit(main())
