"""CLI: the overnight loop. Asks the search what to try, tries it, remembers it, keeps a champion.

Everything heavy happens in the trials' own processes: this one never imports torch.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])
# Read when numpy loads: its threads would only fight with the trials' for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from agent.config import files
from agent.config.argument_types import at_least_float, at_least_int, share
from agent.config.command_line import OneLineParser, add_trial_arguments, trial_params
from agent.config.errors import UserError
from agent.executors.local import LocalExecutor
from agent.executors.processes import workspace_id
from agent.search.stopping import DELTA, EPSILON
from agent.study.champion_selection import champion_replicates
from agent.study.plan import Plan, make_plan, settings
from agent.study.study import Study, StudyOptions
from agent.trials.ledger import Ledger
from agent.trials.loop import TrialLoop
from agent.trials.promotion import SelectChampion
from agent.trials.publish import publish
from agent.trials.record import Record
from agent.trials.session import add_loop_arguments, exit_code, open_loop
from agent.worlds.donkey.servers import EMBEDDED, check_sim, simulators

RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
SERVER = Path(__file__).with_name("donkey_sim.py")


def main(argv: list[str] | None = None) -> int:
    """Runs the search.

    :returns: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted
    """
    parser = make_parser()
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: search(options))


def make_parser() -> OneLineParser:
    """The command line: the loop's own options, and every option of a trial."""
    parser = OneLineParser(
        prog="autoresearch_controller.py",
        description="Search the hyperparameters of a driver, trial by trial, and keep the champion."
        " What --space holds the search chooses: by default learning_rate and timesteps, n_steer"
        " and n_throttle for DQN, and the agent unless --agent settles it."
        " It begins with the parameters as they are given here.",
        allow_abbrev=False,
    )
    add_trial_arguments(parser)
    add_loop_arguments(parser)
    add_search_arguments(parser)
    parser.set_defaults(reward_shaping=True)
    return parser


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the search itself."""
    parser.add_argument(
        "--no-reward-shaping",
        action="store_false",
        dest="reward_shaping",
        help="train on the reward as it is; without this flag trials train with --reward-shaping",
    )
    parser.add_argument(
        "--trials",
        type=at_least_int(1),
        default=100,
        metavar="N",
        help="trials of this invocation; their numbers go on from the ledger's highest"
        " (default %(default)s)",
    )
    parser.add_argument(
        "--explore",
        type=at_least_float(0.0),
        default=2.0,
        metavar="N",
        help="kappa of UCB = mean + kappa*std (default %(default)g)",
    )
    parser.add_argument(
        "--min-timesteps",
        type=at_least_int(1),
        default=5000,
        metavar="N",
        help="shortest training that the search may choose (default %(default)s)",
    )
    parser.add_argument(
        "--max-timesteps",
        type=at_least_int(1),
        default=20_000,
        metavar="N",
        help="longest training that the search may choose (default %(default)s)",
    )
    parser.add_argument(
        "--push-every",
        type=at_least_int(0),
        default=10,
        metavar="N",
        help="commit and push the results after so many trials, 0 for never; needs a git remote"
        " (default %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=at_least_int(1),
        default=1,
        metavar="N",
        help="trials side by side (default %(default)s)",
    )
    parser.add_argument(
        "--confirm-seeds",
        type=at_least_int(0),
        default=3,
        metavar="N",
        help="fresh seeds on which a challenger is trained anew, and must win,"
        " before it is champion; with 0 the best score ever is (default %(default)s)",
    )
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
        help="a parameter that all trials have and the search leaves alone, such as gamma=0.99;"
        " repeat for several",
    )
    parser.add_argument(
        "--epsilon",
        type=share,
        default=EPSILON,
        metavar="SHARE",
        help="how far from the best is near enough, as a share of the range of the scores"
        f" (default {100 * EPSILON:g}%%)",
    )
    parser.add_argument(
        "--delta",
        type=share,
        default=DELTA,
        metavar="SHARE",
        help="accepted probability that the recommended configuration is further from it"
        f" (default {100 * DELTA:g}%%)",
    )
    parser.add_argument(
        "--until-converged",
        action="store_true",
        help="end once the recommended configuration is that near to the best,"
        " at the latest after --trials",
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
        help="stop a trial at 25 or 50 %% of its training when it is below the median of earlier"
        " ones there, once scores there have foretold final ones (default)",
    )
    parser.add_argument(
        "--sim",
        default=EMBEDDED,
        metavar="SIM",
        help="embedded (default); spawn: a headless server for each --env, started and ended here; "
        "or [HOST:]PORT,... of running simulators, one for each --env in order",
    )


def search(options: argparse.Namespace) -> None:
    """Runs ``options.trials`` trials, or fewer once the search has converged.

    :raises UserError: options that cannot be followed
    """
    plan = check(options)
    executor = make_executor(options)
    with open_loop(
        options,
        executor,
        kind="search",
        prefix="trial",
        ledger_name=files.SEARCH_LEDGER,
        select_champion=champion_rule(options.confirm_seeds),
        confirm_seeds=options.confirm_seeds,
    ) as loop:
        sweep = Ledger(options.results_dir / files.SWEEP_LEDGER)
        prior = sweep.load()
        known = len(loop.records)
        scored = sum(record.scored for record in prior + loop.records)
        loop.log.say(f"loaded {len(prior)} sweep and {known} search records, {scored} scored")
        study = Study(plan, study_options(options), loop, prior)

        def after(record: Record) -> None:
            study.update_convergence(record.trial)
            recorded = len(loop.records) - known
            if options.push_every and recorded % options.push_every == 0:
                push(loop, record.trial, sweep)

        loop.prune = study.prune if options.prune else None
        with simulators(
            options.sim,
            plan.base.trial.env,
            options.workers,
            server=SERVER,
            folder=options.results_dir,
            start=executor.start_process,
        ) as loop.assign_envs:
            loop.run(study.next_launch, after)
        study.conclude()


def make_executor(options: argparse.Namespace) -> LocalExecutor:
    """Returns the executor that runs the trials."""
    return LocalExecutor(
        RUNNER,
        workspace_id(options.models_dir),
        slots=options.workers,
        cooldown_sec=options.cooldown,
        verbose=options.verbose,
    )


def champion_rule(confirm_seeds: int) -> SelectChampion | None:
    """Returns the rule of ``--confirm-seeds``; ``None`` for the best score ever."""
    if confirm_seeds == 0:
        return None
    return partial(champion_replicates, confirm_seeds=confirm_seeds)


def study_options(options: argparse.Namespace) -> StudyOptions:
    """Returns the study's part of the options."""
    return StudyOptions(
        trials=options.trials,
        explore=options.explore,
        cost_aware=options.cost_aware,
        confirm_seeds=options.confirm_seeds,
        epsilon=options.epsilon,
        delta=options.delta,
        until_converged=options.until_converged,
    )


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
        check_sim(options.sim, plan.base.trial.env, options.workers)
    except ValueError as error:
        raise UserError(str(error)) from None
    return plan


def push(loop: TrialLoop, trial: int, sweep: Ledger) -> None:
    """Commits and pushes the results so far; whatever goes wrong is one line in the log.

    :param loop: its ledger, log and manifest are pushed
    :param trial: the latest
    :param sweep: ledger of the grid search, pushed too
    """
    manifest = loop.folders.champion_dir / files.MANIFEST
    paths = [loop.ledger.path, loop.log.path, manifest, sweep.path]
    line = publish(paths, f"Results up to trial {trial}")
    if line:
        loop.log.say(line)


if __name__ == "__main__":
    raise SystemExit(main())
