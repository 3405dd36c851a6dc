"""CLI: make a track of your own from points, a drawing or a drive (docs/scenes.md).

What it writes is a scene file, which goes wherever a track is named, and a picture of it. A circuit
that the car cannot drive is refused, with the place and the remedy.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.argument_types import within
from agent.config.atomic import write_bytes
from agent.config.command_name import command_name, to_run
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_INTERRUPTED, EXIT_OK, UserError
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder

if TYPE_CHECKING:
    from agent.worlds.donkey.track_making.circuit import Circuit
    from agent.worlds.donkey.track_making.line_read import LineRead
    from agent.worlds.donkey.track_making.made_scene import Look

PROG = command_name(__file__)
PATTERNS = ("edges", "middle", "dashed", "both", "none")
DEFAULT_LIKE = "thunderhill"
# u for a unit of the input, where --scale says nothing; the car's world has 8 u to a metre.
METRE_U = 8.0
DRAWING_U = 1.0
MOST_MOVED_U = 4.0  # the same as ``track_making.rounding``'s, which loads compiled kernels
SMOOTHINGS_U = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # chosen: that are tried for a remedy
DRIVE_SMOOTH_U = 2.0  # chosen: takes the driver's wobble out and leaves the bends


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of the track maker."""
    parser = OneLineParser(
        prog=prog,
        usage=f"{prog} INPUT OUT.json [OPTION ...]",
        description="Make a track of your own: a scene file for every --env, and a picture of it"
        " beside, OUT.png. A circuit that the car cannot drive is refused, with the place and the"
        " remedy.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "input",
        type=Path,
        metavar="INPUT",
        help="points of the road's middle, .csv or .txt: x,y or x,y,right,left a line; a drawing,"
        " .svg, of which the longest path counts; a drive: a donkeycar tub's folder, whose records"
        " have pos/pos_x and pos/pos_z, or an .npz of the recorder",
    )
    parser.add_argument("out", type=Path, metavar="OUT.json", help="scene file to write")
    parser.add_argument(
        "--scale",
        type=within(1e-6, 1e6),
        metavar="U",
        help=f"u for a unit of INPUT (default {METRE_U:g}: metres of the car's own size; an .svg's"
        f" {DRAWING_U:g}); 1 for points in u, 0.7 for a real circuit in metres",
    )
    parser.add_argument(
        "--width",
        type=within(2.0, 40.0),
        metavar="U",
        help="width of the road, u (default: the median of INPUT's, or the look's)",
    )
    parser.add_argument(
        "--like",
        default=DEFAULT_LIKE,
        metavar="SCENE",
        help="scene whose look it gets: road, lines, ground, sky, light, fences"
        " (default %(default)s)",
    )
    parser.add_argument(
        "--lines",
        choices=PATTERNS,
        default="",
        help="painted lines instead of that scene's",
    )
    parser.add_argument(
        "--smooth",
        type=within(0.0, 100.0),
        metavar="U",
        help="smooth the line: waves of 2 pi times this are halved (default 0, of a drive"
        f" {DRIVE_SMOOTH_U:g})",
    )
    parser.add_argument(
        "--start",
        type=within(0.0, 1e6),
        metavar="U",
        help="begin the lap so far along the line (default 0, of an .svg where it is straightest)",
    )
    parser.add_argument(
        "--as-it-is",
        dest="rounds",
        action="store_false",
        help="refuse bends that are too tight, instead of moving the line there by up to"
        f" {MOST_MOVED_U:g} u",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="lose what is in OUT.json and OUT.png"
    )
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Makes one track; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        make_track(arguments)
    except UserError as error:
        return parser.refuse(error)
    except KeyboardInterrupt:
        print("interrupted; no track was made", file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED
    return EXIT_OK


def make_track(arguments: argparse.Namespace) -> None:
    """Makes the track and writes both files.

    :raises UserError: an input, an option or a place that will not do; nothing is written
    """
    check_out(arguments.out, overwrite=arguments.overwrite)
    # Compiled kernels take seconds to load, which a mistake in the arguments does without.
    from agent.worlds.donkey.track_making.drivable import radii
    from agent.worlds.donkey.track_making.made_scene import Look, check_look, road_width_u
    from agent.worlds.donkey.track_making.rounding import rounded

    check_look(arguments.like)
    line = read_line(arguments.input)
    circuit = made_circuit(arguments, line)
    look = Look(arguments.like, arguments.lines, arguments.width)
    moved_u = 0.0
    found = rounded(circuit) if arguments.rounds else None
    if found is not None:
        circuit, moved_u = found
    circuit = circuit.started_at(start_u(arguments, circuit))
    check_drivable(arguments, line, circuit, look)
    write_track(arguments.out, circuit, look)
    if line.note:
        print(f"took {line.note}")
    if moved_u:
        print(f"rounded bends that were too tight; the line moved by up to {moved_u:.1f} u")
    radius = radii(circuit.points)
    print(
        f"{arguments.out}: {circuit.length_u:.0f} u round ({circuit.length_u / METRE_U:.0f} m),"
        f" road {road_width_u(circuit, look):.1f} u wide, tightest bend {radius.min():.1f} u;"
        f" picture {arguments.out.with_suffix('.png')}"
    )
    race = to_run("python agent/evaluate_champion.py --race", "race")
    print(f"drive it with: {race} --model bundled --env {arguments.out}", flush=True)


def check_out(out: Path, *, overwrite: bool) -> None:
    """Refuse files that cannot be written, or that are there.

    :raises UserError: either
    """
    if out.suffix != ".json":
        raise UserError(f"OUT {str(out)!r} is no name of a scene file; end it in .json")
    if not out.absolute().parent.is_dir():
        raise UserError(f"OUT {out} has no folder {out.parent}; make it")
    for each in (out, out.with_suffix(".png")):
        if each.is_dir():
            raise UserError(f"OUT {each} is a folder; choose another name")
        if each.exists() and not overwrite:
            raise UserError(f"OUT {each} is there already; choose another name or --overwrite")
    check_folder("OUT", out.absolute().parent, out.name, out.with_suffix(".png").name)


def read_line(path: Path) -> LineRead:
    """The line of an input of any kind.

    :raises UserError: one that cannot be read, or of no known kind
    """
    if not path.exists():
        raise UserError(f"INPUT {path} does not exist; give points, an .svg or a drive")
    if path.is_dir() or path.suffix in (".npz", ".catalog"):
        from agent.worlds.donkey.track_making.driven_line import read_drive

        return read_drive(path)
    if path.suffix.lower() == ".svg":
        from agent.worlds.donkey.track_making.svg_line import read_svg

        return read_svg(path)
    if path.suffix.lower() in (".csv", ".txt", ".tsv", ".dat"):
        from agent.worlds.donkey.track_making.points_file import read_points

        return read_points(path)
    raise UserError(
        f"INPUT {path} is of no known kind; give a .csv, an .svg, a tub's folder or an .npz"
    )


def start_u(arguments: argparse.Namespace, circuit: Circuit) -> float:
    """Place along the circuit where the lap begins, u.

    :raises UserError: beyond its length
    """
    if arguments.start is None:
        return circuit.straightest_u if arguments.input.suffix.lower() == ".svg" else 0.0
    if arguments.start >= circuit.length_u:
        raise UserError(
            f"--start {arguments.start:g} is beyond the circuit of {circuit.length_u:.0f} u;"
            " give less"
        )
    return float(arguments.start)


def is_drive(path: Path) -> bool:
    """True for an input that somebody drove; its places are kept where they are."""
    return path.is_dir() or path.suffix in (".npz", ".catalog")


def made_circuit(
    arguments: argparse.Namespace, line: LineRead, smooth_u: float | None = None
) -> Circuit:
    """The circuit that the options make of a line.

    :param arguments: of the command line
    :param line: as read
    :param smooth_u: instead of what is asked for
    :raises UserError: a line that is no circuit
    """
    from agent.worlds.donkey.track_making.circuit import make_circuit

    path = arguments.input
    scale = METRE_U
    if path.suffix.lower() == ".svg":
        scale = DRAWING_U
    if arguments.scale is not None:
        scale = arguments.scale
    if smooth_u is None:
        smooth_u = arguments.smooth
    if smooth_u is None:
        smooth_u = DRIVE_SMOOTH_U if is_drive(path) else 0.0
    return make_circuit(path, line, scale, smooth_u, centred=not is_drive(path))


def check_drivable(
    arguments: argparse.Namespace, line: LineRead, circuit: Circuit, look: Look
) -> None:
    """Refuse a circuit with something that the car cannot drive.

    :param arguments: of the command line
    :param line: that the circuit was made of
    :param circuit: to be
    :param look: of the track
    :raises UserError: the first such thing, how many more there are, and the remedy
    """
    from agent.worlds.donkey.track_making.drivable import overlapping_legs, tight_bends
    from agent.worlds.donkey.track_making.made_scene import road_width_u

    bends = tight_bends(circuit)
    legs = overlapping_legs(circuit, road_width_u(circuit, look))
    faults = [*bends, *legs]
    if not faults:
        return
    more = f", and {len(faults) - 1} more such places" if len(faults) > 1 else ""
    remedy = "narrow --width, enlarge --scale or move the points there"
    if bends:
        remedy = "move the points there or enlarge --scale"
        for smooth_u in SMOOTHINGS_U:
            if not tight_bends(made_circuit(arguments, line, smooth_u)):
                remedy = f"give --smooth {smooth_u:g} or a larger --scale, or move the points there"
                break
    raise UserError(f"{arguments.input} has {faults[0].text}{more}; {remedy}")


def write_track(out: Path, circuit: Circuit, look: Look) -> None:
    """Write the scene file and its picture, both or neither.

    :param out: the scene file
    :param circuit: the middle of its road
    :param look: of it
    :raises UserError: they cannot be written
    """
    from agent.kernels.compilation import announce_compilation
    from agent.worlds.donkey.track_making.made_scene import make_scene
    from agent.worlds.donkey.track_making.picture import save_picture

    announce_compilation()
    scene = make_scene(out.stem, circuit, look)
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in scene.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    scratch = out.with_name(f".{out.stem}.making.json")
    try:
        write_bytes(scratch, text.encode())
        save_picture(out.with_suffix(".png"), str(scratch), out.stem)
        scratch.replace(out)
    except OSError as error:
        raise UserError(f"OUT {out} cannot be written ({error.strerror}); choose another") from None
    finally:
        scratch.unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main())
