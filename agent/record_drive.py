"""Record a drive for --demos: by the line follower, by a trained model, or by a person.

A person drives with any client of the simulator: give a port as --driver, let the client connect
there, and every episode begins with the first throttle. What is driven to its end is kept, also
when you stop with Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.argument_types import at_least_int
from agent.config.command_line import add_trial_arguments, trial_params
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_OK, UserError, did_you_mean, user_error
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.config.settings import facts_of
from agent.config.signals import interruptible
from agent.config.trial import TrialConfig
from agent.training.saved_model import check_drives_in, load_model, read_driver
from agent.trials.champion import check_trust
from agent.worlds.base import parse_address, task_of, world_named
from agent.worlds.comparisons import check_task, full_task
from agent.worlds.donkey.options import DonkeyOptions, DriveOptions
from agent.worlds.donkey.tasks import FOLLOWER, REFERENCE
from agent.worlds.donkey.world import WORLD

if TYPE_CHECKING:
    from agent.worlds.donkey.demonstrations import Demonstration, Episode
    from agent.worlds.donkey.recording import Recording

PROG = command_name(__file__)
# Options of how the car senses, drives and ends an episode; a model's trial has its own.
SENSES = ("observation", "frame_stack", "frame_gap")
WORLD_OPTIONS = (
    *SENSES,
    *(name for name, facts in facts_of(DriveOptions).items() if facts.needs != "discrete"),
)
LEARNER_OF_DRIVES = "sac"  # a drive without a model is observed as this algorithm does


def build_parser(prog: str = PROG) -> OneLineParser:
    """The command line of the recorder."""
    parser = OneLineParser(
        prog=prog,
        usage=f"{prog} --driver WHO --out FILE [--env ID] [OPTION ...]",
        description="Record a drive for --demos: by the line follower, by a trained model, or by a"
        " person. A person drives with any client of the simulator: give a port as --driver, let"
        " the client connect there, and every episode begins with the first throttle. Episodes that"
        " have ended are kept, also when you stop with Ctrl-C.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--driver",
        required=True,
        metavar="WHO",
        help="follower: the hand-written one; reference: the same on the race line; a model.zip;"
        " or [HOST:]PORT to listen on for a person's client",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a model that no manifest or result beside it knows",
    )
    parser.add_argument(
        "--world",
        default=WORLD.name,
        metavar="NAME",
        help=f"world to drive in; only {WORLD.name} has a recorder (default %(default)s)",
    )
    parser.add_argument(
        "--env",
        default=WORLD.default_task,
        metavar="ID",
        help="task of the world, its short name or a file of your own that has one, embedded"
        " (default %(default)s)",
    )
    parser.add_argument(
        "--episodes",
        type=at_least_int(1),
        default=5,
        metavar="N",
        help="episodes to record (default %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file to write, .npz"
    )
    add_trial_arguments(parser, only=("seed", *WORLD_OPTIONS))
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Record; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        check_world(arguments.world)
        arguments.env = full_task(WORLD, arguments.env)
        check_env(arguments.env)
        check_driver(arguments.driver)
        check_out(arguments.out)
        with interruptible():
            record(arguments)
    except UserError as error:
        return parser.refuse(error)
    return EXIT_OK


def check_world(name: str) -> None:
    """Refuse a world whose drives cannot be recorded.

    :raises UserError: such a world, or an unknown one
    """
    if world_named(name).name != WORLD.name:
        raise UserError(f"world {name!r} has no recorder; drop --world", "world")


def check_env(env_id: str) -> None:
    """Refuse an environment that is unknown or not embedded.

    :raises UserError: either
    """
    if task_of(env_id) != env_id:
        raise UserError(
            f"env {env_id!r} is on a port; give the id alone, and let clients connect with"
            " --driver PORT",
            "env",
        )
    check_task(WORLD, env_id)


def check_driver(name: str) -> None:
    """Refuse a driver that is none.

    :raises UserError: neither a scripted one, a model.zip nor an address
    """
    if name.endswith(".zip") or name in (FOLLOWER, REFERENCE):
        return
    try:
        parse_address(name)
    except UserError:
        near = did_you_mean(name, (FOLLOWER, REFERENCE))
        raise UserError(
            f"driver {name!r} is unknown;{near} give {FOLLOWER}, {REFERENCE}, a model.zip"
            " or [HOST:]PORT",
            "driver",
        ) from None


def check_out(path: Path) -> None:
    """Refuse a file that cannot be written.

    :raises UserError: no such folder, or not the name of an .npz
    """
    if path.suffix != ".npz" or path.is_dir():
        raise UserError(f"--out {path} is no name of a recording; end it in .npz")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UserError(f"--out {path} cannot be written, there is no folder {folder}; make it")
    check_folder("--out", folder, path.name)


def record(arguments: argparse.Namespace) -> None:
    """Drive the episodes and write the file.

    :raises UserError: a driver that is not there or does not fit, or nothing driven to its end
    """
    from agent.worlds.donkey.demonstrations import demonstration
    from agent.worlds.donkey.recording import Recording

    given = trial_params(arguments) | {"env": [arguments.env]}
    name = arguments.driver
    if name.endswith(".zip"):
        name = Path(name).name
        config = config_of_model(Path(arguments.driver), given, arguments.trust)
    else:
        config = TrialConfig.of(agent=LEARNER_OF_DRIVES, **given)
    assert isinstance(config.world, DonkeyOptions)
    discrete = config.learner.discrete
    recording = Recording(arguments.env, config.world, discrete, name, config.trial.seed)
    episodes: list[Episode] = []
    try:
        with contextlib.suppress(KeyboardInterrupt):  # what is driven so far is kept
            drive_episodes(recording, config, arguments, episodes)
        recorded = demonstration(recording.header(), episodes)
        recorded.save(arguments.out)
    except ValueError as error:
        raise user_error(error) from error
    except OSError as error:
        raise UserError(
            f"--out {arguments.out} cannot be written ({error.strerror}); choose another"
        ) from error
    print(f"{arguments.out}: {summary(recorded)}", flush=True)


def drive_episodes(
    recording: Recording,
    config: TrialConfig,
    arguments: argparse.Namespace,
    episodes: list[Episode],
) -> None:
    """Let the driver drive.

    :param recording: settings of it
    :param config: the model's, if one drives
    :param arguments: of the command line
    :param episodes: gets what is driven
    """
    from agent.worlds.donkey.recording import Driver, ScriptedDriver, drive, serve_client

    name = arguments.driver
    if not name.endswith(".zip") and name not in (FOLLOWER, REFERENCE):
        make_recorder = partial(recording.recorder, episodes)
        serve_client(name, make_recorder, recording, arguments.episodes)
        return
    env = recording.recorder(episodes)
    driver: Driver
    if name.endswith(".zip"):
        driver = ModelDriver(Path(name), config)
    else:
        driver = ScriptedDriver(env, recording, on_race_line=name == REFERENCE)
    drive(env, driver, arguments.episodes, recording.seed)


def config_of_model(path: Path, given: dict[str, Any], trusted: bool) -> TrialConfig:
    """The configuration with which the model drives as it was trained to.

    :param path: a model.zip
    :param given: parameters of the command line
    :param trusted: nobody else needs to vouch for it
    :raises UserError: a model that is missing or nobody vouches for, or an option that is its own
    """
    if not path.is_file():
        raise UserError(f"model {path} does not exist; give a model.zip of the runner as --driver")
    if not trusted:
        check_trust(path)
    if taken := [name for name in WORLD_OPTIONS if name in given]:
        raise UserError(
            f"{taken[0]} {given[taken[0]]} is the model's own to say; drop it", taken[0]
        )
    params, driver = read_driver(path)
    check_drives_in(driver, path, WORLD.name)
    own = {name: params[name] for name in WORLD_OPTIONS if name in params}
    config = driver.changed(**own | given)
    repeat = config.world.action_repeat
    if repeat > 1:
        raise UserError(
            f"model {path} holds a decision for {repeat} steps, a recording has every step;"
            " give one of action_repeat 1"
        )
    return config


class ModelDriver:
    """The deterministic policy of a saved model.

    :param path: a model.zip
    :param config: the configuration that trained it
    :raises UserError: the file is not a model of that algorithm
    """

    def __init__(self, path: Path, config: TrialConfig) -> None:
        from agent.training.algorithms import prepare_torch

        prepare_torch(config.trial.seed)
        self.model = load_model(path, config, "cpu")
        self._state: Any = None

    def restart(self) -> None:
        """Clear the policy's memory, if it has one."""
        self._state = None

    def action(self, observation: Any) -> Any:
        """Action for an observation."""
        action, self._state = self.model.predict(observation, state=self._state, deterministic=True)
        return action


def summary(recorded: Demonstration) -> str:
    """One line about a recording."""
    count = len(recorded.lengths)
    laps = recorded.progress[recorded.lengths.cumsum() + range(count)]
    return (
        f"{count} episodes, {recorded.steps} steps,"
        f" {laps.mean():.2f} laps and reward {recorded.rewards.sum() / count:.1f} an episode"
    )


if __name__ == "__main__":
    raise SystemExit(main())
