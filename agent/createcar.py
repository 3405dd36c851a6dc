"""CLI: a donkeycar application that drives with a trained model.

donkeycar's own ``donkey createcar`` makes it; the model, as TensorFlow Lite, and the settings that
it needs are put there. A car that is there already is changed only with ``--overwrite``, and of its
``myconfig.py`` only our own lines.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, UserError
from agent.config.export_formats import check_libraries
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.trials.champion import find_model
from agent.trials.experiment import add_model_arguments, settle_folders
from agent.worlds.base import split_task
from agent.worlds.comparisons import check_task, full_task
from agent.worlds.donkey.tasks import OUR_OWN, SCENE_OF_ENV
from agent.worlds.donkey.world import WORLD

PROG = command_name(__file__)
DONKEY = "donkey"  # donkeycar's command
TIMEOUT_SEC = 120.0
SIMULATOR_PORT = 9091  # the only one that donkeycar's simulator part speaks to
MYCONFIG = "myconfig.py"
FIRST_LINE = "# Settings of the trained driver; createcar --overwrite replaces them."
LAST_LINE = "# End of the trained driver's settings."
ADVICE = "# AI_THROTTLE_MULT = 0.5  # on a road: for the first metres"


class CannotCreateError(RuntimeError):
    """donkeycar made no car; the text says why."""


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line."""
    parser = OneLineParser(
        prog=prog,
        usage=f"{prog} [--model ZIP] [--env ID@[HOST:]{SIMULATOR_PORT}] [OPTION ...] PATH",
        description="Make a donkeycar application in PATH that drives with a trained model:"
        " donkeycar's own createcar makes it, and the model and its settings are put there.",
        allow_abbrev=False,
    )
    add_model_arguments(parser)
    parser.add_argument(
        "--env",
        metavar="ID",
        help=f"track, with @[HOST:]{SIMULATOR_PORT}: drive in the simulator there instead of on a"
        " road, and begin at once",
    )
    parser.add_argument(
        "--donkey",
        metavar="COMMAND",
        help="donkeycar's command, where it is installed in an environment of its own (default: the"
        " one beside this Python, or on PATH)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace the model, and our own lines of myconfig.py, of a car that is there",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="folder of the car")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Makes one car; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        create(arguments)
    except UserError as error:
        return parser.refuse(error)
    except (CannotCreateError, OSError) as error:
        print(f"{prog}: error: {error}", file=sys.stderr, flush=True)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted; start it again with --overwrite", file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED
    return EXIT_OK


def create(arguments: argparse.Namespace) -> None:
    """Checks what is asked for, and makes the car.

    :raises UserError: something that cannot be done
    :raises CannotCreateError: donkeycar made none
    """
    settle_folders(arguments)
    donkey = donkey_command(arguments.donkey)
    simulator = simulator_of(arguments.env)
    car: Path = arguments.path
    model = car / "models" / files.EXPORTED
    check_car(car, model, arguments.overwrite)
    check_libraries("createcar", "tflite")
    # torch takes seconds to import, which a mistake in the arguments does without
    from agent.deployment.car_settings import driver_settings, lines, simulator_settings
    from agent.deployment.export import export
    from agent.deployment.pilot import Pilot

    found = find_model(arguments.model, arguments.models_dir)
    exported = export(Pilot(found, trust=arguments.trust), "tflite")
    settings = driver_settings(exported.network.sensing)
    if simulator is not None:
        settings |= simulator_settings(*simulator)
    run_createcar(donkey, car)
    exported.save(model)
    add_settings(car / MYCONFIG, lines(settings))
    print(f"{car} drives with {exported.manifest['model']}; now:")
    print(f"cd {car} && python manage.py drive --model models/{files.EXPORTED}", flush=True)


def donkey_command(named: str | None) -> str:
    """donkeycar's command.

    :param named: on the command line; None for one beside this Python, or on PATH
    :raises UserError: it is not there
    """
    if named is not None:
        found = shutil.which(named)
        if found is None:
            raise UserError(f"--donkey {named} is no command; give the path of donkeycar's")
        return found
    beside = Path(sys.executable).parent
    found = shutil.which(DONKEY, path=str(beside)) or shutil.which(DONKEY)
    if found is None:
        raise UserError(
            "donkeycar is not installed here, there is no command donkey on PATH; install it with"
            " pip install donkeycar, or give --donkey where another environment has it"
        )
    return found


def simulator_of(env: str | None) -> tuple[str, str] | None:
    """Track and host of the simulator to drive in; None for a road.

    :param env: of the command line
    :raises UserError: an unknown track, or an address that donkeycar does not speak to
    """
    if env is None:
        return None
    env_id, address = split_task(full_task(WORLD, env))
    check_task(WORLD, env_id)
    if SCENE_OF_ENV.get(env_id, OUR_OWN) == OUR_OWN:
        known = [name for name, scene in SCENE_OF_ENV.items() if scene != OUR_OWN]
        raise UserError(f"env {env!r} is no track of donkeycar's; choose from {', '.join(known)}")
    if address is None or address[1] != SIMULATOR_PORT:
        raise UserError(
            f"env {env!r} is not on port {SIMULATOR_PORT}, the only one that donkeycar speaks to;"
            f" write it as {env_id}@{SIMULATOR_PORT}",
            "env",
        )
    return env_id, address[0]


def check_car(car: Path, model: Path, overwrite: bool) -> None:
    """Refuse a folder that cannot be written, or a car that is there.

    :param car: of the command line
    :param model: in it
    :param overwrite: change a car that is there
    :raises UserError: either
    """
    check_folder("PATH", car)
    for path in (car / MYCONFIG, model):
        if path.exists() and not overwrite:
            raise UserError(
                f"PATH {car} is a car, {path} exists; give --overwrite to replace its model and our"
                " lines of myconfig.py, or choose another folder"
            )


def run_createcar(donkey: str, car: Path) -> None:
    """Runs donkeycar's own createcar, which leaves files that are there.

    :raises CannotCreateError: it made no car
    """
    command = [donkey, "createcar", "--path", str(car.absolute())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SEC,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotCreateError(f"donkeycar's createcar did not run ({error})") from error
    if done.returncode != 0 or not (car / MYCONFIG).is_file():
        last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotCreateError(f"{donkey} createcar made no car in {car} ({last})")


def add_settings(myconfig: Path, lines: Sequence[str]) -> None:
    """Puts our lines at the end of a car's settings, instead of those of an earlier time.

    :param myconfig: file of a car
    :param lines: of Python
    """
    # What a person has written stays as it is, in whatever encoding.
    text = myconfig.read_text(encoding="utf-8", errors="surrogateescape")
    before, begin, rest = text.partition(f"{FIRST_LINE}\n")
    if begin:
        text = before + rest.partition(f"{LAST_LINE}\n")[2]
    own = "\n".join([FIRST_LINE, *lines, ADVICE, LAST_LINE])
    write_bytes(myconfig, f"{text.rstrip()}\n\n{own}\n".encode(errors="surrogateescape"))


if __name__ == "__main__":
    raise SystemExit(main())
