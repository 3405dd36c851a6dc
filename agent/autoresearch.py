"""CLI: one command whose verbs are the others, such as ``autoresearch train``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_OK
from agent.config.one_line_parser import OneLineParser

PROG = "autoresearch"


@dataclass(frozen=True)
class Verb:
    """A command under a short name.

    :param module: that has its ``main``
    :param help: what it does, in a line
    :param arguments: of ``main`` before those that are given
    :param of_world: modules that take its place, by the world that ``--world`` names
    """

    module: str
    help: str
    arguments: tuple[str, ...] = ()
    of_world: Mapping[str, str] = field(default_factory=dict)


VERBS = {
    "search": Verb("agent.autoresearch_controller", "search hyperparameters, keep the champion"),
    "train": Verb("agent.donkeycar_sb3_runner", "train and evaluate one model"),
    "evaluate": Verb("agent.evaluate_champion", "evaluate a saved model on any tasks"),
    "race": Verb("agent.evaluate_champion", "race a saved model against the clock", ("--race",)),
    "drive": Verb("agent.drive", "let a model drive in a simulator, or by a camera"),
    "record": Verb("agent.record_drive", "record a drive that a learner can be shown"),
    "simulate": Verb(
        "agent.donkey_sim",
        "serve the headless simulator, or Robotini's, on a port",
        of_world={"donkey": "agent.donkey_sim", "robotini": "agent.robotini_sim"},
    ),
    "export": Verb("agent.export_model", "write a model as a file for a car or another program"),
    "createcar": Verb("agent.createcar", "make a donkeycar application that drives with a model"),
    "export-study": Verb("agent.export_study", "write the trials for Optuna, or as a CSV file"),
    "push": Verb("agent.push_model", "put a model on the Hugging Face Hub"),
    "track": Verb("agent.make_track", "make a track of your own from points, a drawing or a drive"),
    "report": Verb("agent.report", "make a page of pictures from the ledgers"),
    "watch": Verb("agent.watch", "show nights in a browser while they run"),
}

FIRST_STEPS = f"""\
{PROG} trains, tests and remembers drivers of DonkeyCars. First steps:

  {PROG} race --env warren             the champion that comes with it, against the clock
  {PROG} race --env warren --gif film  the same, with a film of a lap in the folder film
  {PROG} train --env warren --timesteps 40000 --save-dir mine
                                           a driver of your own, in a minute or less
  {PROG} race --model mine             and its race
  {PROG} search --trials 6             look for better ones; results lie in this folder

{PROG} --help lists all verbs, and VERB --help the options of one.
"""


def build_parser() -> OneLineParser:
    """The command line: a verb, whose command has the rest."""
    parser = OneLineParser(
        prog=PROG,
        usage=f"{PROG} VERB [OPTION ...]",
        description="Search for, train and evaluate models that drive.",
        epilog=f"{PROG} VERB --help shows the options of a verb.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
    for name, verb in VERBS.items():
        verbs.add_parser(name, help=verb.help, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command of a verb, and imports no other; returns its exit code.

    Without a verb it tells a newcomer what to do first.
    """
    keep_streams_open()
    if argv is None:
        argv = sys.argv[1:]
    if not argv:
        print(FIRST_STEPS, end="", flush=True)
        return EXIT_OK
    name = build_parser().parse_args(argv[:1]).verb
    verb = VERBS[name]
    prog = f"{PROG} {name}"
    module = verb.module
    arguments = argv[1:]
    if verb.of_world:
        parser = OneLineParser(prog=prog, add_help=False, allow_abbrev=False)
        parser.add_argument("--world", choices=verb.of_world)
        world, arguments = parser.parse_known_args(arguments)
        if world.world is not None:
            prog += f" --world {world.world}"
            module = verb.of_world[world.world]
    run: Callable[..., int] = importlib.import_module(module).main
    return run([*verb.arguments, *arguments], prog=prog)


if __name__ == "__main__":
    raise SystemExit(main())
