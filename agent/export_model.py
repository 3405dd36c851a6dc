"""CLI: a trained model as a file for a car or another program, which needs nothing of this project.

The file takes camera frames and answers with steering and throttle: cropping, grey, the stack of
frames, the mean with the mirrored picture and the ranges of the commands are inside. It is written
only if it drives as the model does; a manifest is written beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_INTERRUPTED, EXIT_OK, UserError
from agent.config.export_formats import EXPORT_FORMATS, check_libraries, check_suffix
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.trials.champion import find_model
from agent.trials.experiment import add_model_arguments, settle_folders

if TYPE_CHECKING:
    from agent.deployment.export import Exported
    from agent.deployment.pilot import Pilot

PROG = command_name(__file__)


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of an export."""
    parser = OneLineParser(
        prog=prog,
        usage=f"{prog} [--model ZIP] [--format NAME] OUT",
        description="Write a trained model as a file for a car or another program: camera frames"
        " in, steering and throttle out. It is written only if it drives as the model does."
        " OUT.json says what is in it; for donkeycar the lines of myconfig.py are printed.",
        allow_abbrev=False,
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--format",
        choices=tuple(EXPORT_FORMATS),
        default="tflite",
        help="tflite for donkeycar (default); onnx; torchscript",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace OUT and its manifest if they are there"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="file to write")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Exports one model; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        export(arguments)
    except UserError as error:
        return parser.refuse(error)
    except KeyboardInterrupt:
        print("interrupted; nothing is written", file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED
    return EXIT_OK


def export(arguments: argparse.Namespace) -> None:
    """Checks what is asked for, and writes the file.

    :raises UserError: something that cannot be done
    """
    settle_folders(arguments)
    check_suffix(arguments.out, arguments.format)
    check_out(arguments.out, arguments.overwrite)
    check_libraries(f"--format {arguments.format}", arguments.format)
    # torch takes seconds to import, which a mistake in the arguments does without
    from agent.deployment.export import export as export_pilot

    exported = export_pilot(pilot_of(arguments), arguments.format)
    try:
        manifest = exported.save(arguments.out)
    except OSError as error:
        raise UserError(
            f"OUT {arguments.out} cannot be written ({error.strerror}); choose another"
        ) from error
    show(exported, arguments.out, manifest)


def check_out(out: Path, overwrite: bool) -> None:
    """Refuse a file that cannot be written, or that is there.

    :param out: of the command line
    :param overwrite: replace it
    :raises UserError: either
    """
    folder = out.absolute().parent
    if not folder.is_dir():
        raise UserError(f"OUT {out} cannot be written, there is no folder {folder}; make it")
    for path in (out, out.with_name(f"{out.name}.json")):
        if path.is_dir():
            raise UserError(f"OUT {path} is a folder; choose another name")
        if path.exists() and not overwrite:
            raise UserError(f"OUT {path} exists; choose another name or give --overwrite")
    check_folder("OUT", folder, out.name)


def pilot_of(arguments: argparse.Namespace) -> Pilot:
    """The model that is meant.

    :raises UserError: a model that cannot be loaded
    """
    from agent.deployment.pilot import Pilot

    model = find_model(arguments.model, arguments.models_dir)
    return Pilot(model, trust=arguments.trust)


def show(exported: Exported, out: Path, manifest: Path) -> None:
    """Prints what was written, and what donkeycar wants to know of it.

    :param exported: the file
    :param out: its path
    :param manifest: path of its manifest
    """
    from agent.deployment.car_settings import lines

    found = exported.agreement
    facts = exported.manifest
    print(f"{facts['model']} ({facts['algorithm']}) is {files.shown_path(out)}")
    print(
        f"{facts['bytes']:,} bytes, {found.decision_ms:.1f} ms a decision; in {found.frames} frames"
        f" it differs from the model by at most {found.steering:.2g} in steering and"
        f" {found.throttle:.2g} in throttle"
    )
    if found.ties:
        print(
            f"{found.ties} frames are left out: two actions are of equal worth there, and the file"
            " chose another than the model"
        )
    print(f"{files.shown_path(manifest)} says what is in it")
    settings = facts["myconfig"]
    if settings is None:
        given = facts["input"]
        print(f"input {given['name']} {given['shape']} {given['type']}: {given['meaning']}")
    else:
        print("\nlines of donkeycar's myconfig.py:\n")
        print(*lines(settings), sep="\n")


if __name__ == "__main__":
    raise SystemExit(main())
