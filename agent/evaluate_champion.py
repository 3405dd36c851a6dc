"""CLI: evaluate a saved model on any tasks of its world (FR-007), or race it.

The file beside the model tells how it senses and acts. Its training tasks come first: with the same
seed and as many episodes they give the reward that the other tasks are compared with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import at_least_int
from agent.config.command_name import command_name, to_run
from agent.config.console import keep_streams_open
from agent.config.errors import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SIM_LOST,
    UserError,
    unknown_text,
)
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.config.provenance import git_commit, installed_versions
from agent.config.settings import facts_of
from agent.config.trial import TrialConfig
from agent.evaluation.tasks import (
    check_simulators,
    chosen_tasks,
    tasks_at_hand,
    training_tasks,
)
from agent.training.checkpoints import append_line
from agent.training.saved_model import load_model, read_driver
from agent.trials.champion import check_trust, find_model, sha256
from agent.trials.experiment import add_experiment_arguments, settle_folders
from agent.worlds.base import SimulatorLost, World, split_task
from agent.worlds.comparisons import HasFilms, HasOwnTasks, HasRaces, HasShortNames

if TYPE_CHECKING:
    from agent.evaluation.evaluator import Evaluator

PROG = command_name(__file__)
EPISODES = 10
LAPS = 10
LENGTH = "max_episode_steps"  # option of a world whose episodes have no length of their own


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of an evaluation."""
    parser = OneLineParser(
        prog=prog,
        description="Evaluate a saved model on tasks of its world: episodes beside baselines, a"
        " verdict and the generalisation gap; or a race. The configuration beside the model tells"
        " how it senses and acts. Its training tasks come first.",
        allow_abbrev=False,
    )
    add_task_arguments(parser)
    add_comparison_arguments(parser)
    return parser


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which model is evaluated, and where."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="ZIP",
        help="model to evaluate: a file, its folder, bundled or bundled/WORLD (default: the"
        " champion of the study, or the bundled one while there is none)",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a model that no manifest or result beside it knows",
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="ID",
        help="task of the model's world, its short name or a file of your own that has one, with"
        " @[HOST:]PORT in the simulator there, where there are neither baselines, races nor films;"
        " repeat for several",
    )
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="NAME",
        help="short name of a task, or of several: named (all of the simulator's) or all (the"
        " random one too); repeat for several",
    )
    parser.add_argument(
        "--seed",
        type=at_least_int(0),
        default=0,
        metavar="N",
        help="seed of the episodes (default %(default)s)",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where the network runs (default %(default)s)",
    )


def add_comparison_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what is done there, and where it is written."""
    parser.add_argument(
        "--episodes",
        type=at_least_int(1),
        metavar="N",
        help=f"episodes on each task (default {EPISODES})",
    )
    parser.add_argument(
        "--max-episode-steps",
        type=at_least_int(1),
        metavar="N",
        help="steps of an episode, the same on every task and for every baseline (default: enough"
        " for laps, as the world has drivers judged)",
    )
    parser.add_argument(
        "--race",
        action="store_true",
        help="race instead, on the training tasks if none is named: laps against the clock, 10 s"
        " more for a crash, and the third crash is the end",
    )
    parser.add_argument(
        "--laps", type=at_least_int(1), metavar="N", help=f"laps of a race (default {LAPS})"
    )
    parser.add_argument(
        "--no-baselines",
        dest="baselines",
        action="store_false",
        help="evaluate nothing to compare with",
    )
    parser.add_argument(
        "--no-floors", dest="baselines", action="store_false", help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--gif", type=Path, metavar="DIR", help="film a lap of every task, DIR/NAME.gif and .mp4"
    )
    add_experiment_arguments(parser)


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Evaluates one model; returns an exit code of ``agent.config.errors``."""
    keep_streams_open(ends_without_reader=True)
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        evaluate(arguments)
    except UserError as error:
        return parser.refuse(error)
    except SimulatorLost as error:
        return _complain(f"{prog}: error: {error}", EXIT_SIM_LOST)
    except KeyboardInterrupt:
        return _complain("interrupted; tasks evaluated so far are recorded", EXIT_INTERRUPTED)
    return EXIT_OK


def _complain(line: str, code: int) -> int:
    print(line, file=sys.stderr, flush=True)
    return code


def evaluate(arguments: argparse.Namespace) -> None:
    """Evaluates or races the model.

    :raises UserError: a model or options that cannot be followed
    :raises SimulatorLost: a simulator that does not answer, or no longer
    """
    settle_folders(arguments)
    arguments.model = find_model(arguments.model, arguments.models_dir)
    params, driver = trained_driver(arguments)
    world = driver.the_world
    check_tracks(world, arguments.track)
    tasks = chosen_tasks(world, arguments.env, arguments.track)
    trained_on = training_tasks(driver.trial.env, tasks)
    home = tasks_at_hand(world, trained_on, tasks)
    check_asked(arguments, world, [*home, *tasks])
    config = judged_config(driver, [*home, *tasks], arguments)
    config.check_ready()
    check_outputs(arguments)
    check_simulators(config)
    evaluator = make_evaluator(config, arguments)
    print(
        f"model {files.shown_path(arguments.model)}  algorithm {config.trial.agent}"
        f"  trained on {', '.join(trained_on)}",
        flush=True,
    )
    ledger = EvaluationLedger(params, config, arguments)
    if arguments.race:
        race(evaluator, tasks or home, ledger)
    else:
        compare(evaluator, home, tasks, ledger)


def trained_driver(arguments: argparse.Namespace) -> tuple[dict[str, Any], TrialConfig]:
    """Parameters that trained the model, and its configuration as a driver.

    :raises UserError: a model that is missing or that nobody vouches for, or no configuration
    """
    model: Path = arguments.model
    if not model.is_file():
        raise UserError(
            f"--model {model} does not exist;"
            f" train one with {to_run('autoresearch_controller.py', 'search')} or give --model"
        )
    if not arguments.trust:
        check_trust(model)
    return read_driver(model)


def check_tracks(world: World, names: Sequence[str]) -> None:
    """Refuse names of ``--track`` that are none.

    :raises UserError: an unknown name, or a world without short ones
    """
    if names and not isinstance(world, HasShortNames):
        raise UserError(f"world {world.name!r} has no short names; give --env instead of --track")
    if isinstance(world, HasShortNames):
        known = [*world.short_names(), *world.tasks()]
        for name in names:
            task = split_task(name)[0]
            is_own = isinstance(world, HasOwnTasks) and world.own_task(task) is not None
            if task not in known and not is_own:
                raise UserError(f"--track {unknown_text(name, known)}")


def check_asked(arguments: argparse.Namespace, world: World, tasks: Sequence[str]) -> None:
    """Refuse options that do nothing together, or nothing in this world.

    :param arguments: of the command line
    :param world: of the model
    :param tasks: to evaluate it on
    :raises UserError: such options
    """
    if arguments.race and arguments.episodes:
        raise UserError(
            f"--episodes {arguments.episodes} are not for a race; give --laps or drop --race"
        )
    if arguments.laps and not arguments.race:
        raise UserError(f"--laps {arguments.laps} are for a race; add --race or give --episodes")
    if arguments.race and not isinstance(world, HasRaces):
        raise UserError(f"world {world.name!r} has no races; drop --race")
    if arguments.gif and not isinstance(world, HasFilms):
        raise UserError(f"world {world.name!r} has no films; drop --gif")
    if isinstance(world, HasRaces) and (arguments.race or arguments.gif):
        world.check_races(tasks)


def judged_config(
    driver: TrialConfig, tasks: Sequence[str], arguments: argparse.Namespace
) -> TrialConfig:
    """The driver's configuration for the tasks, in episodes of the length that is asked for.

    :param driver: see ``trained_driver``
    :param tasks: to evaluate it on
    :param arguments: of the command line
    :raises UserError: a world that has its own length of episodes
    """
    length = {}
    if arguments.max_episode_steps:
        length[LENGTH] = arguments.max_episode_steps
        if LENGTH not in facts_of(type(driver.world)):
            raise UserError(
                f"{LENGTH} {arguments.max_episode_steps} is not for world {driver.trial.world!r},"
                " whose episodes have a length of their own; drop it",
                LENGTH,
            )
    return driver.changed(env=list(dict.fromkeys(tasks)), **length)


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse folders that cannot be written; makes none.

    :raises UserError: such a folder
    """
    ledger = files.RACES if arguments.race else files.EVALUATIONS
    check_folder("--results-dir", arguments.results_dir, ledger)
    if arguments.gif:
        check_folder("--gif", arguments.gif)


def make_evaluator(config: TrialConfig, arguments: argparse.Namespace) -> Evaluator:
    """Loads the model that drives as the configuration says.

    :raises UserError: the file is no model of the configuration's algorithm
    """
    # torch takes seconds to import, which a mistake in the arguments does without
    from agent.evaluation.evaluator import Evaluator
    from agent.training.algorithms import prepare_torch

    prepare_torch(arguments.seed)
    model = load_model(arguments.model, config, arguments.device)
    return Evaluator(model, config, arguments.seed, arguments.baselines, arguments.gif)


@dataclass(frozen=True)
class EvaluationLedger:
    """Ledgers of evaluations and races, one line for a task.

    :param params: that trained the model
    :param config: of the driver
    :param arguments: of the command line
    """

    params: Mapping[str, Any]
    config: TrialConfig
    arguments: argparse.Namespace

    def append(self, name: str, task: str, found: Mapping[str, Any]) -> None:
        """Add a line to the file of that name.

        :param name: of the file
        :param task: that the model was evaluated on
        :param found: what came of it
        """
        sys.stdout.flush()
        model = self.arguments.model
        record = {
            "timestamp": datetime.now().isoformat(),
            "model": files.shown_path(model),
            "sha256": sha256(model),
            "params": self.params,
            "env": task,
            "seed": self.arguments.seed,
            **found,
            "films": self.arguments.gif and files.shown_path(self.arguments.gif),
            "simulator": self.config.the_world.location([task]),
            "versions": installed_versions(),
            "git_commit": git_commit(),
        }
        self.arguments.results_dir.mkdir(parents=True, exist_ok=True)
        append_line(self.arguments.results_dir / name, record)


def compare(
    evaluator: Evaluator, home: Sequence[str], tasks: Sequence[str], ledger: EvaluationLedger
) -> None:
    """Evaluates on the training tasks, then on the others; prints tables and adds a line for each.

    :param evaluator: of the model
    :param home: tasks of its training
    :param tasks: tasks that are asked for
    :param ledger: gets the lines
    """
    from agent.evaluation.episodes import generalisation_gap

    episodes = ledger.arguments.episodes or EPISODES
    at_home = {task: evaluator.episodes(task, episodes) for task in home}
    usual = None
    if at_home:
        usual = sum(score.mean_reward for score in at_home.values()) / len(at_home)
    for task in dict.fromkeys([*home, *tasks]):
        score = at_home.get(task) or evaluator.episodes(task, episodes)
        gap = None
        if at_home and task not in at_home:
            gap = generalisation_gap(list(at_home.values()), score)
        found = {
            "trained_on": task in at_home,
            "training_mean_reward": usual,
            LENGTH: vars(evaluator.config.world).get(LENGTH),
            **evaluator.report(task, score, gap),
        }
        ledger.append(files.EVALUATIONS, task, found)


def race(evaluator: Evaluator, tasks: Sequence[str], ledger: EvaluationLedger) -> None:
    """Races on every task; prints tables and adds a line for each.

    :param evaluator: of the model
    :param tasks: where to race
    :param ledger: gets the lines
    """
    for task in tasks:
        found = evaluator.race(task, ledger.arguments.laps or LAPS)
        ledger.append(files.RACES, task, found)


if __name__ == "__main__":
    raise SystemExit(main())
