"""CLI: Robotini's simulator without a window, on its two TCP ports (docs/robotini.md).

The first line on stdout tells where it listens; then it serves until SIGTERM, SIGINT or the end of
a race. Connections that it refuses are reported on stderr, once for each sort of mistake.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.argument_types import at_least_int, port
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_OK, UserError, user_error
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.config.ports import holder
from agent.worlds.base import shown_address

if TYPE_CHECKING:
    import socket

    from agent.worlds.robotini.simulator.server import Server

PROG = command_name(__file__)
PARAMETERS = Path("RaceParameters.json")  # upstream's, in the working folder
CLOCKS = ("realtime", "lockstep")
FIELDS = ("upstream", "fork")


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of the simulator."""
    parser = OneLineParser(
        prog=prog,
        description="Serve Robotini's simulator without a window on its two TCP ports."
        " The first line on stdout tells where it listens.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--port",
        type=port,
        default=11000,
        metavar="N",
        help="for cars, 0 for a free one (default %(default)s)",
    )
    parser.add_argument(
        "--spectators-port",
        type=port,
        default=11001,
        metavar="N",
        help="for spectators, 0 for a free one (default %(default)s)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address or name to bind, :: for every one (default %(default)s)",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"parameters of the race in upstream's format (default: {PARAMETERS} in this folder,"
        " if it is there)",
    )
    parser.add_argument(
        "--track",
        metavar="NAME",
        help="a name or a file in upstream's format (default: the parameters', else stadium)",
    )
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default=CLOCKS[0],
        help="realtime: 60 frames a second; lockstep: a frame as soon as every car has answered"
        " the last one (default %(default)s)",
    )
    parser.add_argument(
        "--fields",
        choices=FIELDS,
        default=FIELDS[0],
        help="upstream: as it tells and returns cars; fork: with trackAngle and trackSegment, as"
        " robotini-ddpg needs it (default %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=at_least_int(0),
        default=0,
        metavar="N",
        help="draws where cars are put (default %(default)s)",
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
    try:
        server = open_server(arguments)
    except UserError as error:
        return parser.refuse(error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    cars, spectators = (shown_address(*address) for address in server.addresses)
    print(
        f"listening on {cars} spectators {spectators} track {server.session.track.name}"
        f" clock {arguments.clock}",
        flush=True,
    )
    server.serve()
    return EXIT_OK


def open_server(arguments: argparse.Namespace) -> Server:
    """The server, listening.

    :raises UserError: parameters or a track with something wrong in them, or an address that
        cannot be had
    """
    from agent.worlds.robotini.simulator.parameters import Parameters, read_parameters
    from agent.worlds.robotini.simulator.server import Server
    from agent.worlds.robotini.simulator.track import load_track

    if arguments.port == arguments.spectators_port != 0:
        raise UserError(f"spectators_port {arguments.port} is the cars' too; choose another")
    parameters = Parameters()
    config = arguments.config
    if config is None and PARAMETERS.is_file():
        config = PARAMETERS
    if config is not None:
        try:
            parameters = read_parameters(config)
        except ValueError as error:
            raise UserError(f"config {error}") from None
    try:
        if arguments.track is not None:
            parameters = replace(parameters, track=arguments.track)
        track = load_track(parameters.track)
    except ValueError as error:
        raise user_error(error) from None
    if parameters.mode == "race":
        check_folder("raceResultFile", Path(parameters.raceResultFile).parent)
    cars = open_port("port", arguments.host, arguments.port)
    try:
        spectators = open_port("spectators_port", arguments.host, arguments.spectators_port)
    except UserError:
        cars.close()
        raise
    return Server(
        track,
        parameters,
        cars=cars,
        spectators=spectators,
        clock=arguments.clock,
        has_fork_fields=arguments.fields == "fork",
        seed=arguments.seed,
    )


def open_port(name: str, host: str, number: int) -> socket.socket:
    """Returns a listening socket.

    :param name: of the option with its port
    :param host: address or name
    :param number: the port, 0 for a free one
    :raises UserError: it cannot be had
    """
    from agent.worlds.robotini.simulator.connection import listen

    host = host.removeprefix("[").removesuffix("]")
    try:
        return listen(host, number)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"{name} {number} is held by {holder(number)}; end it or choose another"
            ) from error
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise UserError(
            f"host {host!r} {name} {number} cannot be listened on ({reason}); choose another"
        ) from error


if __name__ == "__main__":
    raise SystemExit(main())
