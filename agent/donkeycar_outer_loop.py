"""CLI: the grid sweep, a DQN baseline over n_steer x n_throttle x learning_rate that the search starts from."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.command_line import OneLineParser, add_trial_arguments, trial_config
from agent.config.trial import TrialConfig, UserError
from agent.trials.folders import Launch
from agent.trials.ledger import SWEEP_LEDGER
from agent.trials.record import Record
from agent.trials.session import add_loop_arguments, exit_code, open_loop

RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
GRID: dict[str, tuple[float, ...]] = {
    "n_steer": (3, 5, 7),
    "n_throttle": (2, 3),
    "learning_rate": (1e-4, 5e-4, 2e-3),
}


def main(argv: list[str] | None = None) -> int:
    """Run the sweep; returns the exit code: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted."""
    parser = make_parser()
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: sweep(options))


def make_parser() -> OneLineParser:
    """The command line: the trial's options, those of the grid repeatable, and the loop's."""
    parser = OneLineParser(
        prog="donkeycar_outer_loop.py",
        description="Train and judge a DQN in every cell of a grid; cells that the ledger holds as ok are skipped.",
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
    with open_loop(
        options, kind="sweep", prefix="sweep", ledger_name=SWEEP_LEDGER, runner=RUNNER
    ) as loop:
        left = [config for config in configs if not is_done(config, loop.records)]
        loop.journal.say(f"sweep of {len(configs)} cells, {len(configs) - len(left)} done already")

        def next_launch(records: list[Record], _running: list[TrialConfig]) -> Launch | None:
            return (
                Launch(loop.folders.next_trial(records), loop.kind, left.pop(0)) if left else None
            )

        loop.run(next_launch)


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
    """Whether some scored record is of this very cell; parameters newer than the record have their default."""
    return any(record.scored and _same(config, record) for record in records)


def _same(config: TrialConfig, record: Record) -> bool:
    try:
        return TrialConfig.from_params(record.params) == config
    except UserError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
