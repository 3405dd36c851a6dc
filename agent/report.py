"""See the search: pictures and one self-contained HTML page, from the ledgers alone.

Reads every ledger of the results folder and the champion's manifest, and writes ``report.html`` with the pictures in
it, and each picture as a PNG: scores over trials, the searched parameters, what the Gaussian process expects along
each, which of them matter, how the trials ended and how fast they came. The same ledgers give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.command_line import OneLineParser
from agent.config.trial import EXIT_BAD_ARGUMENTS, EXIT_OK, UserError
from agent.evaluate_champion import LEDGER as EVALUATIONS
from agent.trials.record import shown_path
from agent.trials.session import MODELS_DIR, RESULTS_DIR

FOLDER = "report"


def build_parser() -> OneLineParser:
    """The command line of the report."""
    parser = OneLineParser(prog="report.py", description=__doc__, allow_abbrev=False)
    folders = (
        ("--results-dir", RESULTS_DIR, "ledgers to read", shown_path(RESULTS_DIR)),
        ("--models-dir", MODELS_DIR, "models, for the champion's manifest", shown_path(MODELS_DIR)),
        ("--out", None, "report to write", f"{FOLDER} in the results folder"),
    )
    for option, default, text, shown in folders:
        hint = f"folder of the {text} (default {shown})"
        parser.add_argument(option, type=Path, default=default, metavar="DIR", help=hint)
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the trials for TensorBoard's HParams tab too",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Write one report; returns an exit code of ``agent.config.trial``."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        out = arguments.out or arguments.results_dir / FOLDER
        page = report(
            arguments.results_dir, arguments.models_dir, out, tensorboard=arguments.tensorboard
        )
    except UserError as error:
        print(
            f"{parser.prog}: error: {error} (see {parser.prog} --help)", file=sys.stderr, flush=True
        )
        return EXIT_BAD_ARGUMENTS
    print(f"report: {shown_path(page)}")
    return EXIT_OK


def report(results_dir: Path, models_dir: Path, out: Path, *, tensorboard: bool = False) -> Path:
    """Read the folders and write the report; returns the page's path.

    :raises UserError: a folder or file that cannot be read or written
    """
    from agent.reporting.history import load_trials, read_champion, read_evaluations
    from agent.reporting.page import (  # matplotlib takes a second: --help does without
        Report,
        write_report,
    )

    trials = load_trials(results_dir, not_ledgers=[EVALUATIONS])
    champion = read_champion(models_dir / "champion")
    evaluations = read_evaluations(results_dir / EVALUATIONS)
    if tensorboard:
        from agent.reporting.hparams import write_hparams

        write_hparams(trials, out)
    source = f"Made from the {len(trials)} records of {shown_path(results_dir)}"
    return write_report(Report(source, trials, champion, evaluations), out)


if __name__ == "__main__":
    raise SystemExit(main())
