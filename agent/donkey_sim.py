"""CLI: the headless simulator on a TCP port, for every client of the Unity one (docs/wire.md).

The first line on stdout tells where it listens; then it serves until SIGTERM or SIGINT. Messages
that it ignores or refuses are reported on stderr, once for each sort of mistake.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import at_least_int, port
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_OK, UserError, did_you_mean, user_error
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.config.ports import holder
from agent.simulator.protocol import CLOCKS
from agent.worlds.base import shown_address
from agent.worlds.donkey.own_tracks import parse_name
from agent.worlds.donkey.tasks import SCENE_OF_ENV

if TYPE_CHECKING:
    from agent.simulator.server import Server
    from agent.worlds.donkey.watched_car import Showing

PROG = command_name(__file__)


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of the simulator."""
    parser = OneLineParser(
        prog=prog,
        description="Serve the headless simulator on a TCP port, for every client of the Unity one."
        " The first line on stdout tells where it listens; then it serves until SIGTERM or SIGINT.",
        epilog="autoresearch simulate --world robotini serves Robotini's simulator.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port",
        type=port,
        default=9091,
        metavar="N",
        help="0 for a free one (default %(default)s)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address or name to bind, :: for every one (default %(default)s)",
    )
    parser.add_argument(
        "--scene",
        metavar="NAME",
        help="load this scene now, by its name, its environment's id or the path of a scene file,"
        " .json; +mirrored or +reversed may follow (default: clients choose in the menu)",
    )
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="realtime",
        help="realtime: 20 frames a second; 4x: four times as fast; lockstep: one frame for every"
        " control (default %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=at_least_int(0),
        default=0,
        metavar="N",
        help="draws random roads and looks (default %(default)s)",
    )
    parser.add_argument(
        "--show",
        type=Path,
        metavar="DIR",
        help="show the cars' cameras on the page of a night, DIR being its folder of results"
        " (docs/watch.md)",
    )
    parser.add_argument(
        "--no-random-look",
        dest="random_look",
        action="store_false",
        help="leave out what the real simulator randomises: light, trees, chairs, a cone",
    )
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Serves until it is told to stop; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGINT):
        # There is nothing to tidy up while it is loading.
        signal.signal(number, lambda *_: os._exit(EXIT_OK))
    showing = None
    try:
        if arguments.show is not None:
            showing = make_showing(arguments.show)
        server = open_server(arguments, showing)
    except UserError as error:
        return parser.refuse(error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    if showing is not None:
        showing.open(str(server.address[1]))
    address = shown_address(*server.address)
    print(
        f"listening on {address} scene {server.scene or 'menu'} clock {arguments.clock}",
        flush=True,
    )
    try:
        server.serve()
    finally:
        if showing is not None:
            showing.close()
    return EXIT_OK


def make_showing(results_dir: Path) -> Showing:
    """Takes pictures of the cars for the page of a night.

    :param results_dir: of the night
    :raises UserError: it cannot be written
    """
    from agent.worlds.donkey.watched_car import Showing

    folder = results_dir / files.SIMULATORS
    check_folder("--show", folder)
    return Showing(folder)


def open_server(arguments: argparse.Namespace, showing: Showing | None) -> Server:
    """The server, listening.

    :param arguments: of the command line
    :param showing: takes pictures of the cars
    :raises UserError: a scene that is not at hand, or an address that cannot be had
    """
    from agent.simulator.remote_car import RemoteCar
    from agent.simulator.server import Server

    host = arguments.host.removeprefix("[").removesuffix("]")
    port = arguments.port
    scene = arguments.scene
    if scene is not None:
        scene = asked_scene(scene)
    car: Callable[[str, int, int], RemoteCar]
    car = partial(RemoteCar, random_look=arguments.random_look)
    if showing is not None:
        from agent.worlds.donkey.watched_car import WatchedCar

        car = partial(WatchedCar, random_look=arguments.random_look, showing=showing)
    try:
        return Server(host, port, scene=scene, clock=arguments.clock, seed=arguments.seed, car=car)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} is held by {holder(port)}; end it or choose another --port"
            ) from error
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise UserError(
            f"host {host!r} port {port} cannot be listened on ({reason}); choose another"
        ) from error


def asked_scene(name: str) -> str:
    """The simulator's name of the scene that is asked for.

    :raises UserError: one that is not at hand, or a file with something wrong in it
    """
    from agent.simulator.tracks import is_scene_file, load_scene, look_names, scene_names

    parts = parse_name(name)
    source = SCENE_OF_ENV.get(parts.track, parts.track)
    if not is_scene_file(source) and source not in (names := [*scene_names(), *look_names()]):
        near = did_you_mean(source, [*names, *SCENE_OF_ENV])
        raise UserError(f"scene {source!r} is not at hand;{near} choose from {', '.join(names)}")
    scene = parts.joined(source)
    try:
        load_scene(scene)
    except ValueError as error:
        raise user_error(error) from None
    return scene


if __name__ == "__main__":
    raise SystemExit(main())
