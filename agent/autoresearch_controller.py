"""CLI: the overnight loop. Asks the search what to try, tries it, remembers it, keeps a champion.

Everything heavy happens in the trials' own processes: this one never imports torch.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])
# Read when numpy loads: its threads would only fight with the trials' for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from agent.config.command_line import OneLineParser, add_trial_arguments, trial_params
from agent.config.trial import UserError
from agent.search.stopping import DELTA, EPSILON
from agent.study.plan import Plan, make_plan, settings
from agent.study.study import Study, StudyOptions
from agent.trials.ledger import SEARCH_LEDGER, SWEEP_LEDGER, Ledger
from agent.trials.loop import TrialLoop
from agent.trials.publish import publish
from agent.trials.record import Record
from agent.trials.session import add_loop_arguments, at_least, exit_code, open_loop, share
from agent.worlds.donkey.servers import EMBEDDED, check_sim, simulators

RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
SERVER = Path(__file__).with_name("donkey_sim.py")


def main(argv: list[str] | None = None) -> int:
    """Run the search; returns the exit code: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted."""
    parser = make_parser()
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: search(options))


def make_parser() -> OneLineParser:
    """The command line: the loop's own options, and every option of a trial."""
    parser = OneLineParser(
        prog="autoresearch_controller.py",
        description="Search the hyperparameters of a driver, trial by trial, and keep the champion. "
        "What --space holds the search chooses: by default learning_rate and timesteps, n_steer and n_throttle for "
        "DQN, and the agent unless --agent settles it. It begins with the parameters as they are given here.",
        allow_abbrev=False,
    )
    add_trial_arguments(parser)
    add_loop_arguments(parser)
    add_search_arguments(parser)
    parser.set_defaults(reward_shaping=True)
    return parser


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the search itself."""
    parser.add_argument(
        "--no-reward-shaping",
        action="store_false",
        dest="reward_shaping",
        help="train on the reward as it is; without this flag trials train with --reward-shaping",
    )
    numbers: tuple[tuple[str, float, float, str], ...] = (
        (
            "--trials",
            1,
            100,
            "trials of this invocation; their numbers go on from the ledger's highest",
        ),
        ("--explore", 0.0, 2.0, "kappa of UCB = mean + kappa*std"),
        ("--min-timesteps", 1, 5000, "shortest training that the search may choose"),
        ("--max-timesteps", 1, 20_000, "longest training that the search may choose"),
        (
            "--push-every",
            0,
            10,
            "commit and push the results after so many trials, 0 for never; needs a git remote",
        ),
        ("--workers", 1, 1, "trials side by side"),
        (
            "--confirm-seeds",
            0,
            3,
            "fresh seeds on which a challenger is trained anew, and must win, before it has the title; with 0 the best "
            "score ever has it",
        ),
    )
    for option, low, default, text in numbers:
        hint = f"{text} (default {default:g})"
        parser.add_argument(option, type=at_least(low), default=default, metavar="N", help=hint)
    parser.add_argument(
        "--space",
        default="spec",
        metavar="SPACE",
        help="what is searched: spec (default), full, or a file ending in .toml",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter that all trials have and the search leaves alone, such as gamma=0.99; repeat for several",
    )
    shares = (
        (
            "--epsilon",
            EPSILON,
            "how far from the best is near enough, as a share of the range of the scores",
        ),
        (
            "--delta",
            DELTA,
            "accepted probability that the recommended configuration is further from it",
        ),
    )
    for option, default, text in shares:
        parser.add_argument(
            option,
            type=share,
            default=default,
            metavar="SHARE",
            help=f"{text} (default {100 * default:g}%%)",
        )
    parser.add_argument(
        "--until-converged",
        action="store_true",
        help="end once the recommended configuration is that near to the best, at the latest after --trials",
    )
    parser.add_argument(
        "--cost-aware",
        action="store_true",
        help="choose by value per second, from what earlier trials took",
    )
    parser.add_argument(
        "--prune",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="stop a trial at 25 or 50 %% of its training when it is below the median of earlier ones there, once "
        "scores there have foretold final ones (default)",
    )
    parser.add_argument(
        "--sim",
        default=EMBEDDED,
        metavar="SIM",
        help="embedded (default); spawn: a headless server for each --env, started and ended here; "
        "or [HOST:]PORT,... of running simulators, one for each --env in order",
    )


def search(options: argparse.Namespace) -> None:
    """Run ``options.trials`` trials, or fewer once the search has converged.

    :raises UserError: options that cannot be followed
    """
    plan = check(options)
    rules = StudyOptions(
        **{field.name: getattr(options, field.name) for field in fields(StudyOptions)}
    )
    with open_loop(
        options, kind="search", prefix="trial", ledger_name=SEARCH_LEDGER, runner=RUNNER
    ) as loop:
        sweep = Ledger(options.results_dir / SWEEP_LEDGER)
        prior, known = sweep.load(), len(loop.records)
        scored = sum(record.scored for record in prior + loop.records)
        loop.journal.say(f"loaded {len(prior)} sweep and {known} search records, {scored} scored")
        night = Study(plan, rules, loop, prior)

        def after(record: Record) -> None:
            night.look(record.trial)
            if options.push_every and (len(loop.records) - known) % options.push_every == 0:
                push(loop, record.trial, sweep)

        places = (
            options.sim,
            plan.base.env,
            SERVER,
            options.results_dir,
            loop.workspace,
            options.workers,
        )
        with simulators(*places) as loop.place:
            loop.workers = options.workers
            loop.prune = night.prune if options.prune else None
            loop.run(night.next_launch, after)
        night.conclude()


def check(options: argparse.Namespace) -> Plan:
    """What all trials have in common, what the search may choose, and where it begins.

    :raises UserError: options that cannot be followed
    """
    space = (options.space, options.min_timesteps, options.max_timesteps)
    given = trial_params(options)
    if "timesteps" not in options:
        given.pop(
            "timesteps", None
        )  # a preset's; here --min-timesteps and --max-timesteps have their say
    plan = make_plan(given, settings(options.set), *space)
    try:
        check_sim(options.sim, plan.base.env, options.workers)
    except ValueError as error:
        raise UserError(str(error)) from None
    return plan


def push(loop: TrialLoop, trial: int, sweep: Ledger) -> None:
    """Commit and push the results so far; whatever goes wrong is one line in the log."""
    manifest = loop.champion_dir / "manifest.json"
    answer = publish(
        [loop.ledger.path, loop.journal.path, manifest, sweep.path], f"Results up to trial {trial}"
    )
    if answer:
        loop.journal.say(answer)


if __name__ == "__main__":
    raise SystemExit(main())
