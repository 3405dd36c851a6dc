"""CLI: the search. Asks what to try, tries it, remembers it, keeps a champion.

Everything heavy happens in the trials' own processes: this one never imports torch.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])
# Read when numpy loads: its threads would only fight with the trials' for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from agent.config import files
from agent.config.argument_types import at_least_float, at_least_int, share
from agent.config.command_line import TrialParser, print_params
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import UserError
from agent.config.export_formats import check_exportable, check_libraries
from agent.config.trial import TrialConfig
from agent.executors.base import Executor, StartsProcesses
from agent.executors.choice import check_executor, open_executor
from agent.search.stopping import DELTA, EPSILON
from agent.study.champion_selection import champion_replicates
from agent.study.own_records import OwnRecords
from agent.study.plan import Plan
from agent.study.plan_options import MAX_TIMESTEPS, MIN_TIMESTEPS, commanded
from agent.study.study import Study, StudyOptions
from agent.trials.champion_export import ChampionExport
from agent.trials.experiment import settle_folders
from agent.trials.ledger import Ledger
from agent.trials.loop import TrialLoop
from agent.trials.promotion import SelectChampion
from agent.trials.pushing import Pushing
from agent.trials.record import Record
from agent.trials.session import add_loop_arguments, exit_code, open_loop
from agent.worlds.base import EMBEDDED
from agent.worlds.capabilities import AssignEnvs, HasServers
from agent.worlds.donkey.servers import SPAWN
from agent.worlds.donkey.world import WORLD

PROG = command_name(__file__)
RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
EXPORTER = Path(__file__).with_name("export_model.py")
# Defaults of a study where they are not a trial's; the specification has trials train so.
DEFAULTS = {"reward_shaping": True}
PUSH_EVERY = 10  # as the specification has it, for who asks for pushing


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the search.

    :returns: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted
    """
    keep_streams_open()
    if argv is None:
        argv = sys.argv[1:]
    parser = build_parser(argv, prog)
    options = parser.parse_args(argv)
    return exit_code(prog, lambda: search(options), parser.told)


def build_parser(argv: Sequence[str] = (), prog: str = PROG) -> TrialParser:
    """The command line: the loop's own options, and every option of a trial.

    :param argv: the command line that it is for
    :param prog: name of the command
    """
    parser = TrialParser(
        argv,
        prog,
        "[--trials N] [--world NAME] [--env ID] [OPTION ...]",
        "Search hyperparameters, trial by trial, and keep the champion. --space has what the search"
        " chooses: by default agent, learning rate, length of training and DQN's action bins. It"
        " begins with the parameters as they are given here; with --agent it keeps to that one.",
        DEFAULTS,
    )
    add_search_arguments(parser)
    add_stopping_arguments(parser)
    add_loop_arguments(parser)
    parser.add_configuration()
    return parser


def add_search_arguments(parser: TrialParser) -> None:
    """Adds the options that say what is searched, and with how many trials."""
    group = parser.add_argument_group("search")
    group.add_argument(
        "--trials",
        type=at_least_int(1),
        default=100,
        metavar="N",
        help="trials of this invocation; their numbers go on from the ledger's highest"
        " (default %(default)s)",
    )
    group.add_argument(
        "--space",
        default="spec",
        metavar="SPACE",
        help="what is searched: spec (default), full, or a file ending in .toml",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter that all trials have and the search leaves alone, such as gamma=0.99;"
        " repeat for several",
    )
    group.add_argument(
        "--min-timesteps",
        type=at_least_int(1),
        metavar="N",
        help=f"shortest training that the search may choose (default {MIN_TIMESTEPS})",
    )
    group.add_argument(
        "--max-timesteps",
        type=at_least_int(1),
        metavar="N",
        help=f"longest training that the search may choose (default {MAX_TIMESTEPS})",
    )
    group.add_argument(
        "--explore",
        type=at_least_float(0.0),
        default=2.0,
        metavar="N",
        help="kappa of UCB = mean + kappa*std (default %(default)g)",
    )
    group.add_argument(
        "--confirm-seeds",
        type=at_least_int(0),
        default=3,
        metavar="N",
        help="fresh seeds on which a challenger is trained anew, and must win,"
        " before it is champion; with 0 the best score ever is (default %(default)s)",
    )
    group.add_argument(
        "--workers",
        type=at_least_int(1),
        default=1,
        metavar="N",
        help="trials side by side (default %(default)s)",
    )
    group.add_argument(
        "--sim",
        default=EMBEDDED,
        metavar="SIM",
        help=f"{EMBEDDED} (default); spawn: a headless server for each --env, started and ended"
        " here; or [HOST:]PORT,... of running simulators, one for each --env in order",
    )
    group.add_argument(
        "--export-champion",
        action="store_true",
        help=f"keep {files.EXPORTED}, which a car can drive with, fresh beside the champion",
    )
    group.add_argument(
        "--push-every",
        type=at_least_int(0),
        default=0,
        metavar="N",
        help="push the results after so many trials to a git branch of their own (default: never)",
    )
    group.add_argument(
        "--push",
        action="store_const",
        dest="push_every",
        const=PUSH_EVERY,
        help=f"the same as --push-every {PUSH_EVERY}",
    )


def add_stopping_arguments(parser: TrialParser) -> None:
    """Adds the options that say when the search, or a trial, has seen enough."""
    group = parser.add_argument_group("stopping early")
    group.add_argument(
        "--until-converged",
        action="store_true",
        help="end once the recommended configuration is near enough to the best,"
        " at the latest after --trials",
    )
    group.add_argument(
        "--epsilon",
        type=share,
        default=EPSILON,
        metavar="SHARE",
        help=parser.rare(
            "how far from the best is near enough, as a share of the range of the scores"
            f" (default {100 * EPSILON:g}%%)"
        ),
    )
    group.add_argument(
        "--delta",
        type=share,
        default=DELTA,
        metavar="SHARE",
        help=parser.rare(
            "accepted probability that the recommended configuration is further from it"
            f" (default {100 * DELTA:g}%%)"
        ),
    )
    group.add_argument(
        "--prune",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=parser.rare(
            "stop a trial at 25 or 50 %% of its training when it is below the median of earlier"
            " ones there, once scores there have foretold final ones (default)"
        ),
    )
    group.add_argument(
        "--cost-aware",
        action="store_true",
        help=parser.rare("choose by value per second, from what earlier trials took"),
    )


def search(options: argparse.Namespace) -> None:
    """Runs ``options.trials`` trials, or fewer once the search has converged.

    :raises UserError: options that cannot be followed
    """
    settle_folders(options)
    command = commanded(options)
    plan = command.plan
    if options.print_config:
        searched = ", ".join(plan.space.names)
        print_params(plan.given, f"parameters of all trials; the search chooses {searched}")
        return
    check(options, plan)
    own = OwnRecords(plan)
    executor = make_executor(options, plan.base)
    with (
        open_loop(
            options,
            executor,
            kind="search",
            prefix="trial",
            ledger_name=files.SEARCH_LEDGER,
            select_champion=champion_rule(options.confirm_seeds, own),
            confirm_seeds=options.confirm_seeds,
        ) as loop,
        open_simulators(options, plan, executor) as loop.assign_envs,
    ):
        for note in command.notes:
            loop.log.say(note)
        run_study(options, own, loop)


def run_study(options: argparse.Namespace, own: OwnRecords, loop: TrialLoop) -> None:
    """Runs the trials, and pushes the results now and then.

    :param options: of the command line
    :param own: has the plan, and tells which records are of it
    :param loop: runs the trials
    """
    sweep = Ledger(options.results_dir / files.SWEEP_LEDGER)
    prior = sweep.load()
    known = len(loop.records)
    scored = sum(record.scored for record in prior + loop.records)
    loop.log.say(f"loaded {len(prior)} sweep and {known} search records, {scored} scored")
    left_out = own.left_out(prior + loop.records)
    if left_out is not None:
        loop.log.say(left_out)
    study = Study(own, study_options(options), loop, prior)
    pushing = Pushing(loop, [sweep.path], options.push_every)
    pushing.start(experiment_name(options))

    exporting: ChampionExport | None = None
    if options.export_champion:
        exporting = ChampionExport(loop.folders.titles, loop.log.say, EXPORTER)
        exporting.update()

    def after(record: Record) -> None:
        if exporting is not None:
            exporting.update()
        study.update_convergence(record.trial)
        pushing.note_trial()

    if options.prune:
        loop.prune = study.prune
    loop.searched = own.plan.space.names
    loop.watch.asked = options.trials
    loop.run(study.next_launch, after)
    study.conclude()
    pushing.finish()


def experiment_name(options: argparse.Namespace) -> str | None:
    """Returns how the branch of pushed results names the experiment; ``None`` by its folder."""
    if options.name is None and options.results_dir == files.RESULTS_DIR:
        return "default"
    return options.name


def make_executor(options: argparse.Namespace, config: TrialConfig) -> Executor:
    """Returns the executor that runs the trials.

    :param options: of the command line
    :param config: that all trials begin with
    :raises UserError: a cluster that cannot run them
    """
    spawn = options.sim == SPAWN
    limit = config.trial.memory_limit
    return open_executor(options, RUNNER, limit, options.workers, spawn=spawn)


def open_simulators(
    options: argparse.Namespace, plan: Plan, executor: Executor
) -> AbstractContextManager[AssignEnvs | None]:
    """Returns the simulators of the trials; ``None`` leaves a trial's environments as they are.

    :param options: of the command line
    :param plan: has the environments of all trials
    :param executor: starts servers; one that has other machines does so beside each trial
    """
    world = plan.base.the_world
    if not isinstance(world, HasServers) or not isinstance(executor, StartsProcesses):
        return nullcontext()
    tasks = plan.base.trial.env
    start = executor.start_process
    return world.serve(options.sim, tasks, options.workers, options.results_dir, start)


def champion_rule(confirm_seeds: int, own: OwnRecords) -> SelectChampion | None:
    """Returns the rule of ``--confirm-seeds``; ``None`` for the best score ever.

    :param confirm_seeds: its number of fresh seeds
    :param own: tells the study's configurations, of which alone it repeats some
    """
    if confirm_seeds == 0:
        return None
    return partial(champion_replicates, confirm_seeds=confirm_seeds, is_own=own.include)


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


def check(options: argparse.Namespace, plan: Plan) -> None:
    """Refuse trials that cannot run here, and a ``--sim`` that cannot be followed.

    :param options: of the command line
    :param plan: of the study
    :raises UserError: either
    """
    check_executor(options, plan.base)
    if plan.searches_files:
        for config in plan.probes():
            config.check_ready()
    world = plan.base.the_world
    if options.export_champion:
        check_export(plan)
    if isinstance(world, HasServers):
        world.check_servers(options.sim, plan.base.trial.env, options.workers)
    elif options.sim != EMBEDDED:
        raise UserError(f"--sim {options.sim!r} is not for world {world.name!r}; drop it")


def check_export(plan: Plan) -> None:
    """Refuse to export champions that no file can be.

    :raises UserError: a library that is missing, or trials whose champions cannot be exported
    """
    check_libraries("--export-champion", "tflite")
    world = plan.base.trial.world
    if world != WORLD.name:
        raise UserError(f"--export-champion is not for world {world!r}; drop it")
    if "agent" not in plan.space.names:
        check_exportable(plan.base)


if __name__ == "__main__":
    raise SystemExit(main())
