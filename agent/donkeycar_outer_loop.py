"""CLI: the grid search, a DQN baseline over n_steer, n_throttle and learning_rate."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.command_line import OneLineParser, add_trial_arguments, trial_config
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.executors.local import LocalExecutor
from agent.executors.processes import workspace_id
from agent.trials.folders import Launch
from agent.trials.record import Record
from agent.trials.session import add_loop_arguments, exit_code, open_loop

RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
GRID: dict[str, tuple[float, ...]] = {
    "n_steer": (3, 5, 7),
    "n_throttle": (2, 3),
    "learning_rate": (1e-4, 5e-4, 2e-3),
}


def main(argv: list[str] | None = None) -> int:
    """Runs the grid search.

    :returns: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted
    """
    parser = make_parser()
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: sweep(options))


def make_parser() -> OneLineParser:
    """The command line: the trial's options, those of the grid repeatable, and the loop's."""
    parser = OneLineParser(
        prog="donkeycar_outer_loop.py",
        description="Train and judge a DQN in every cell of a grid; "
        "cells that the ledger holds as ok are skipped.",
        allow_abbrev=False,
        conflict_handler="resolve",
    )
    add_trial_arguments(parser)
    add_loop_arguments(parser)
    parser.add_argument(
        "--agent",
        choices=("dqn",),
        default="dqn",
        help="a grid over action bins needs dqn (default)",
    )
    for name, values in GRID.items():
        parser.add_argument(
            "--" + name.replace("_", "-"),
            action="append",
            type=type(values[0]),
            default=argparse.SUPPRESS,
            metavar="V",
            help=f"a value of the grid's {name}; repeat it (default {' '.join(map(str, values))})",
        )
    return parser


def sweep(options: argparse.Namespace) -> None:
    """Run every cell that the ledger does not hold as ok yet.

    :raises UserError: options that cannot be followed
    """
    configs = cells(options)
    executor = make_executor(options)
    with open_loop(
        options, executor, kind="sweep", prefix="sweep", ledger_name=files.SWEEP_LEDGER
    ) as loop:
        left = [config for config in configs if not is_done(config, loop.records)]
        loop.log.say(f"sweep of {len(configs)} cells, {len(configs) - len(left)} done already")

        def next_launch(records: list[Record], _running: list[TrialConfig]) -> Launch | None:
            if not left:
                return None
            return Launch(loop.folders.next_trial(records), loop.kind, left.pop(0))

        loop.run(next_launch)


def make_executor(options: argparse.Namespace) -> LocalExecutor:
    """Returns the executor that runs the cells, one after the other."""
    return LocalExecutor(
        RUNNER,
        workspace_id(options.models_dir),
        cooldown_sec=options.cooldown,
        verbose=options.verbose,
    )


def cells(options: argparse.Namespace) -> list[TrialConfig]:
    """One configuration per cell, all with the same seed so that the cells compare.

    :raises UserError: an impossible value
    """
    axes = {name: dict.fromkeys(getattr(options, name, values)) for name, values in GRID.items()}
    shared = {name: value for name, value in vars(options).items() if name not in GRID}
    return [
        trial_config(argparse.Namespace(**shared, **dict(zip(axes, cell, strict=True))))
        for cell in product(*axes.values())
    ]


def is_done(config: TrialConfig, records: list[Record]) -> bool:
    """True if a scored record is of this very cell; parameters that it lacks have their default."""
    return any(record.scored and _same(config, record) for record in records)


def _same(config: TrialConfig, record: Record) -> bool:
    try:
        return TrialConfig.from_params(record.params) == config
    except UserError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
