"""CLI: the grid search, a DQN baseline over n_steer, n_throttle and learning_rate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import number, whole_number
from agent.config.command_line import TrialParser, print_params, trial_params
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import UserError
from agent.config.flat import facts_in
from agent.config.trial import TrialConfig
from agent.executors.base import Executor
from agent.executors.choice import check_executor, open_executor
from agent.trials.experiment import settle_folders
from agent.trials.folders import Launch
from agent.trials.record import Record, config_id
from agent.trials.session import add_loop_arguments, exit_code, open_loop

PROG = command_name(__file__)
AGENT = "dqn"
RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
GRID: dict[str, tuple[float, ...]] = {
    "n_steer": (3, 5, 7),
    "n_throttle": (2, 3),
    "learning_rate": (1e-4, 5e-4, 2e-3),
}


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the grid search.

    :returns: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted
    """
    keep_streams_open()
    if argv is None:
        argv = sys.argv[1:]
    parser = build_parser(argv, prog)
    options = parser.parse_args(argv)
    return exit_code(prog, lambda: sweep(options), parser.told)


def build_parser(argv: Sequence[str] = (), prog: str = PROG) -> TrialParser:
    """The command line: the trial's options, those of the grid repeatable, and the loop's.

    :param argv: the command line that it is for
    :param prog: name of the command
    """
    parser = TrialParser(
        argv,
        prog,
        "[--env ID] [--timesteps N] [OPTION ...]",
        "Train and evaluate a DQN in every cell of a grid; cells that the ledger holds as ok are"
        " skipped.",
    )
    group = parser.add_argument_group("grid")
    for name, values in GRID.items():
        group.add_argument(
            "--" + name.replace("_", "-"),
            action="append",
            type=whole_number if isinstance(values[0], int) else number,
            default=argparse.SUPPRESS,
            metavar="N" if isinstance(values[0], int) else "X",
            help=f"a value of the grid's {name}; repeat it (default {' '.join(map(str, values))})",
        )
    group.add_argument(
        "--agent",
        choices=(AGENT,),
        default=argparse.SUPPRESS,
        metavar=AGENT,
        help="a grid over action bins needs it (default)",
    )
    add_loop_arguments(parser)
    parser.add_configuration(without=("agent", *GRID))
    return parser


def sweep(options: argparse.Namespace) -> None:
    """Runs every cell that the ledger does not hold as ok yet.

    :raises UserError: options that cannot be followed
    """
    settle_folders(options)
    shared, axes = grid(options)
    configs = cells(shared, axes)
    if options.print_config:
        params = configs[0].to_params()
        print_params({**params, **axes}, f"{len(configs)} cells")
        return
    check_executor(options, configs[0])
    executor = make_executor(options, configs[0])
    with open_loop(
        options, executor, kind="sweep", prefix="sweep", ledger_name=files.SWEEP_LEDGER
    ) as loop:
        left = [config for config in configs if not is_done(config, loop.records)]
        loop.log.say(f"sweep of {len(configs)} cells, {len(configs) - len(left)} done already")

        def next_launch(records: list[Record], _running: list[TrialConfig]) -> Launch | None:
            if not left:
                return None
            return Launch(loop.folders.next_trial(records), loop.kind, left.pop(0))

        loop.watch.asked = len(left)
        loop.run(next_launch)


def make_executor(options: argparse.Namespace, config: TrialConfig) -> Executor:
    """Returns the executor that runs the cells, one after the other.

    :param options: of the command line
    :param config: of a cell
    :raises UserError: a cluster that cannot run them
    """
    return open_executor(options, RUNNER, config.trial.memory_limit)


def grid(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Parameters that all cells share, and the values of each axis, each value once.

    :raises UserError: a world without such an axis, or another algorithm
    """
    shared = {"agent": AGENT} | trial_params(options)
    if shared["agent"] != AGENT:
        raise UserError(f"agent {shared['agent']!r} has no action bins; the grid needs {AGENT}")
    world = options.sources.world
    lacking = [name for name in GRID if name not in facts_in(world)]
    if lacking:
        raise UserError(f"world {world!r} has no {lacking[0]}, which the grid needs; drop --world")
    axes = {}
    for name, usual in GRID.items():
        values = shared.pop(name, usual)
        if not isinstance(values, (list, tuple)):
            values = [values]
        axes[name] = list(dict.fromkeys(values))
    return shared, axes


def cells(shared: Mapping[str, Any], axes: Mapping[str, list[Any]]) -> list[TrialConfig]:
    """One configuration per cell, all with the same seed so that the cells compare.

    :raises UserError: an impossible value
    """
    return [
        TrialConfig.of(**shared, **dict(zip(axes, cell, strict=True)))
        for cell in product(*axes.values())
    ]


def is_done(config: TrialConfig, records: list[Record]) -> bool:
    """True if a scored record is of this very cell and seed, on whatever machine it ran.

    Parameters that it lacks have their default.
    """
    wanted = config_id(config.to_params())
    seed = config.trial.seed
    return any(each.scored and each.seed == seed and each.config_id == wanted for each in records)


if __name__ == "__main__":
    raise SystemExit(main())
