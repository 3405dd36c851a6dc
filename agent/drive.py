"""CLI: let a trained model drive until it is stopped: in a simulator on a port, or by a camera."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import at_least_float, at_least_int, port
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_ERROR, EXIT_OK, EXIT_SIM_LOST, UserError
from agent.config.one_line_parser import OneLineParser
from agent.config.signals import interruptible
from agent.training.saved_model import check_drives_in, read_driver
from agent.trials.champion import check_trust, find_model
from agent.trials.experiment import add_model_arguments, settle_folders
from agent.worlds.base import SimulatorLost, shown_address, split_task
from agent.worlds.comparisons import check_task, full_task
from agent.worlds.donkey.tasks import scene_of
from agent.worlds.donkey.world import WORLD

if TYPE_CHECKING:
    from agent.deployment.camera import Camera
    from agent.deployment.drive_log import DriveLog
    from agent.worlds.donkey.env import DonkeyEnv

PROG = command_name(__file__)
HOST = "127.0.0.1"
PORT = 9091  # of the simulator, ours and Unity's
ENDLESS = 10**9  # steps of an episode
CRASHES_OUT = 10  # chosen; in a row
LAST_CAMERA_DIGITS = 2  # chosen: no machine has a hundred cameras
NOT_FOR_CAMERAS = ("env", "host", "port", "client", "laps", "seed")


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of a drive."""
    parser = OneLineParser(
        prog=prog,
        description="Let a trained model drive until Ctrl-C: in the simulator on a port, ours or"
        " Unity's; with --env alone in an embedded track, as fast as it computes; with --camera by"
        " a camera's pictures. Prints lap times and how long a decision takes.",
        allow_abbrev=False,
    )
    add_model_arguments(parser)
    add_place_arguments(parser)
    add_length_arguments(parser)
    return parser


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what is driven."""
    parser.add_argument(
        "--env",
        metavar="ID",
        help="track, by its id, its scene's name or a scene file of your own, with @[HOST:]PORT in"
        " the simulator there, which is asked to load it (default: what is loaded there)",
    )
    parser.add_argument(
        "--host", metavar="ADDRESS", help=f"of the simulator to drive in (default {HOST})"
    )
    parser.add_argument(
        "--port", type=port, metavar="N", help=f"of the simulator to drive in (default {PORT})"
    )
    parser.add_argument(
        "--client",
        choices=("own", "gym-donkeycar"),
        help="what speaks to the simulator: our own client, or upstream's (default own)",
    )
    parser.add_argument(
        "--camera",
        metavar="N",
        help="drive by the pictures of this camera, 0 for the first, or of a film by its path:"
        " prints steering and throttle, a line for each of 20 pictures a second",
    )


def add_length_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how long is driven."""
    parser.add_argument("--laps", type=at_least_int(1), metavar="N", help="end after so many laps")
    parser.add_argument(
        "--seconds",
        type=at_least_float(0.05),
        metavar="S",
        help="end after so many seconds, 20 decisions each",
    )
    parser.add_argument(
        "--seed",
        type=at_least_int(0),
        metavar="N",
        help="draws a random road and looks (default 0; on a port the road is kept)",
    )


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Drives until it is stopped; returns an exit code of ``agent.config.errors``."""
    keep_streams_open(ends_without_reader=True)
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        settle_folders(arguments)
        with interruptible(), contextlib.suppress(KeyboardInterrupt):
            if arguments.camera is not None:
                drive_by_camera(arguments)
            else:
                drive(arguments)
    except UserError as error:
        return parser.refuse(error)
    except (SimulatorLost, NoLap) as error:
        print(f"{prog}: error: {error}", file=sys.stderr, flush=True)
        return EXIT_SIM_LOST if isinstance(error, SimulatorLost) else EXIT_ERROR
    return EXIT_OK


class NoLap(RuntimeError):
    """The model crashes again and again without a lap between."""


@dataclass(frozen=True)
class Place:
    """Place to drive in.

    :param env_id: of the track; empty for what the simulator has loaded
    :param conf: of its environment, see ``conf_checks``
    """

    env_id: str
    conf: dict[str, Any]

    @property
    def address(self) -> str:
        """Address of the simulator, or ``embedded``."""
        if "port" not in self.conf:
            return "embedded"
        return shown_address(self.conf["host"], self.conf["port"])

    @property
    def scene(self) -> str:
        """The simulator's name of the scene.

        :raises SimulatorLost: a simulator that does not answer
        """
        from agent.worlds.donkey.remote.loaded_scene import loaded_scene

        if self.env_id:
            return scene_of(self.env_id)
        default = scene_of(WORLD.default_task)
        return loaded_scene(self.conf["host"], self.conf["port"], default)


def place_of(arguments: argparse.Namespace) -> Place:
    """The place that the command line asks for.

    :raises UserError: there is none such, or it is named twice
    """
    env_id, address = "", None
    if arguments.env:
        env_id, address = split_task(full_task(WORLD, arguments.env))
        check_task(WORLD, env_id)
    for name in ("host", "port"):
        value = vars(arguments)[name]
        if address and value is not None:
            raise UserError(f"--{name} {value} and --env {arguments.env} both say where; drop one")
    if arguments.env and not address and arguments.host is None and arguments.port is None:
        if arguments.client:
            raise UserError(f"--client {arguments.client} is for simulators on ports; give --port")
        return Place(env_id, {})
    host, number = address or (arguments.host or HOST, arguments.port)
    if number is None:
        number = PORT
    return Place(env_id, checked_port(host, number, arguments.client or "own"))


def checked_port(host: str, number: int, client: str) -> dict[str, Any]:
    """The conf of a simulator on a port.

    :param host: of the simulator
    :param number: of its port
    :param client: that speaks to it
    :raises UserError: they are none, or the client is not installed
    """
    from agent.worlds.donkey.conf_checks import checked
    from agent.worlds.donkey.remote.upstream_version import missing

    if client != "own" and (reason := missing()):
        raise UserError(reason)
    asked = {"host": host, "port": number, "client": client}
    try:
        read = checked(asked)
    except ValueError as error:
        raise UserError(str(error).removeprefix("conf "), "host", "port") from None
    return {name: read[name] for name in asked}


def drive(arguments: argparse.Namespace) -> None:
    """Drives in an environment.

    :raises UserError: a model or a place that there is not
    :raises SimulatorLost: a simulator that does not answer, or no longer
    """
    place = place_of(arguments)
    model = checked_model(arguments)
    env = open_env(place)  # before torch is loaded, which takes seconds
    try:
        log = open_log(model, arguments.trust)
        name = env.world.scene.name
        model_path = files.shown_path(model)
        print(f"{model_path} drives {name}, {place.address}; Ctrl-C ends it", flush=True)
        try:
            drive_env(env, log, arguments)
        finally:
            print(log.summary(), flush=True)
    finally:
        env.close()


def checked_model(arguments: argparse.Namespace) -> Path:
    """The model that is to drive.

    :raises UserError: there is none such
    """
    model = find_model(arguments.model, arguments.models_dir)
    if not model.is_file():
        raise UserError(f"--model {model} does not exist; give a model.zip, its folder or bundled")
    if not arguments.trust:
        check_trust(model)
    check_drives_in(read_driver(model)[1], model, WORLD.name)
    return model


def open_env(place: Place) -> DonkeyEnv:
    """The environment of a place, with the camera's pictures and the whole range of commands.

    :raises SimulatorLost: a simulator that does not answer, or drives another scene
    """
    from agent.kernels.compilation import announce_compilation
    from agent.worlds.donkey.env import DonkeyEnv

    announce_compilation()
    return DonkeyEnv(place.scene, place.conf | {"max_episode_steps": ENDLESS})


def open_log(model: Path, trusted: bool) -> DriveLog:
    """The log of a drive that is to begin, with its pilot.

    :param model: a model.zip
    :param trusted: nobody else needs to vouch for it
    :raises UserError: a model that cannot drive a car, or that nobody vouches for
    """
    from agent.deployment.drive_log import DriveLog
    from agent.deployment.pilot import Pilot
    from agent.training.algorithms import prepare_torch

    prepare_torch(0)
    return DriveLog(Pilot(model, trust=trusted))


def drive_env(env: DonkeyEnv, log: DriveLog, arguments: argparse.Namespace) -> None:
    """Drives round after round, and prints what happens.

    :param env: of ``open_env``
    :param log: of the drive
    :param arguments: of the command line
    :raises NoLap: it only crashes
    """
    import numpy as np

    from agent.simulator.world import World

    seed = arguments.seed
    if seed is None and isinstance(env.world, World):
        seed = 0  # a road on a port is kept as it is, unless a seed is given
    picture, _ = env.reset(seed=seed)
    while not is_over(log, arguments):
        command = np.array(log.decide(picture), dtype=np.float32)
        picture, _, terminated, truncated, info = env.step(command)
        for line in log.note(info, closed=env.world.track.closed):
            print(line, flush=True)
        if log.crashes_in_a_row >= CRASHES_OUT:
            raise NoLap(f"no lap between {CRASHES_OUT} crashes; this model cannot drive here")
        if terminated or truncated:
            log.pilot.restart()
            picture, _ = env.reset()


def is_over(log: DriveLog, arguments: argparse.Namespace) -> bool:
    """True once the drive has its laps or its seconds."""
    if arguments.laps is not None and len(log.lap_times) >= arguments.laps:
        return True
    return arguments.seconds is not None and log.driven_sec >= arguments.seconds


def drive_by_camera(arguments: argparse.Namespace) -> None:
    """Prints the commands for a camera's pictures, and a last line with which the car stands.

    :raises UserError: a camera or a model that there is not
    :raises SimulatorLost: the camera gives no picture any more
    """
    for name in NOT_FOR_CAMERAS:
        value = vars(arguments)[name]
        if value is not None:
            raise UserError(f"--{name} {value} is for simulators; drop it or --camera")
    source = camera_source(arguments.camera)
    model = checked_model(arguments)
    camera = open_camera(source)
    try:
        log = open_log(model, arguments.trust)
        try:
            print_commands(camera, log, arguments)
        finally:
            show_command(0.0, 0.0)
            print(log.summary(), file=sys.stderr, flush=True)
    finally:
        camera.close()


def camera_source(text: str) -> int | Path:
    """Number of a camera, or path of a film.

    :raises UserError: neither
    """
    if text.isascii() and text.isdecimal() and len(text) <= LAST_CAMERA_DIGITS:
        return int(text)
    path = Path(text)
    if not path.is_file():
        raise UserError(
            f"--camera {text} is no number of a camera, and no such film is there; give 0 for the"
            " first camera"
        )
    return path


def open_camera(source: int | Path) -> Camera:
    """The camera.

    :raises UserError: it cannot be opened
    """
    from agent.deployment.camera import Camera

    return Camera(source)


def print_commands(camera: Camera, log: DriveLog, arguments: argparse.Namespace) -> None:
    """Prints steering and throttle for every picture until there are no more.

    :param camera: that is open
    :param log: of the drive
    :param arguments: of the command line
    """
    for picture in camera.pictures():
        show_command(*log.decide(picture))
        if is_over(log, arguments):
            break


def show_command(steering: float, throttle: float) -> None:
    """Prints a command, for a program that reads them."""
    print(f"{steering:.4f} {throttle:.4f}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
