"""Record a drive, for a learner to be shown with --demos: by the line follower, by a trained model, or by a person.

A person drives with any client of the simulator: give a port as --driver, let the client connect there, and every
episode begins with the first throttle. What is driven to its end is kept, also when you stop with Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config.argument_types import at_least_int
from agent.config.command_line import OneLineParser, add_trial_arguments, trial_params
from agent.config.errors import EXIT_BAD_ARGUMENTS, EXIT_OK, UserError
from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import check_envs
from agent.evaluate_champion import load_model, read_config
from agent.trials.champion import check_trust
from agent.worlds.base import parse_address

if TYPE_CHECKING:
    from agent.simulator.world import World
    from agent.worlds.donkey.demonstrations import Episode, Recorder

FOLLOWER, REFERENCE = "follower", "reference"
# What a trial says of its worlds, and a model's trial has said already.
WORLD_OPTIONS = (
    "observation", "frame_stack", "frame_gap", "appearance", "max_episode_steps", "max_cte", "steer_limit",
    "throttle_min", "throttle_max",
)  # fmt: skip
PICTURES = WORLD_OPTIONS[:3]
Choose = Callable[[Any], Any]


def build_parser() -> OneLineParser:
    """The command line of the recorder."""
    parser = OneLineParser(prog="record_drive.py", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--driver", required=True, metavar="WHO",
        help=f"{FOLLOWER}: the hand-written one; {REFERENCE}: the same on the race line; a model.zip; or [HOST:]PORT to"
        " listen on for a person's client",
    )  # fmt: skip
    parser.add_argument(
        "--env", default="donkey-generated-track-v0", metavar="ID", help="environment id, embedded"
    )
    parser.add_argument(
        "--episodes", type=at_least_int(1), default=5, metavar="N", help="episodes to record (default 5)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file to write, .npz"
    )
    add_trial_arguments(parser, only=("seed", *WORLD_OPTIONS))
    return parser


def main(argv: list[str] | None = None) -> int:
    """Record; returns an exit code of ``agent.config.trial``."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        check_env(arguments.env)
        check_out(arguments.out)
        with interruptible():
            record(arguments)
    except UserError as error:
        print(
            f"{parser.prog}: error: {error} (see {parser.prog} --help)", file=sys.stderr, flush=True
        )
        return EXIT_BAD_ARGUMENTS
    return EXIT_OK


def check_env(env_id: str) -> None:
    """Refuse an environment that is not at hand, or not embedded.

    :raises UserError: either
    """
    if "@" in env_id:
        raise UserError(
            f"env {env_id!r} is on the wire; give the id alone, and let clients connect with --driver PORT"
        )
    check_envs([env_id])


def check_out(path: Path) -> None:
    """Refuse a file that cannot be written.

    :raises UserError: no such folder, or not the name of an .npz
    """
    if path.suffix != ".npz" or path.is_dir():
        raise UserError(f"out {path} is no name of a recording; end it in .npz")
    if not path.absolute().parent.is_dir():
        raise UserError(
            f"out {path} cannot be written, there is no folder {path.absolute().parent}; make it"
        )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends the recording as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def record(arguments: argparse.Namespace) -> None:
    """Drive the episodes and write the file.

    :raises UserError: a driver that is not there or does not fit, or nothing driven to its end
    """
    driver, given = arguments.driver, trial_params(arguments) | {"env": [arguments.env]}
    model_path = Path(driver) if driver.endswith(".zip") else None
    # Without a model, as they see who learn from recorded drives.
    config = config_of_model(model_path, given) if model_path else TrialConfig.of(agent="sac", **given)
    make_recorder = partial(recorder, config, arguments.env, driver, [])
    try:
        with contextlib.suppress(KeyboardInterrupt):  # what is driven so far is kept
            if model_path:
                drive(
                    make_recorder(),
                    *model_driver(model_path, config),
                    arguments.episodes,
                    config.trial.seed,
                )
            elif driver in (FOLLOWER, REFERENCE):
                drive_by_hand(make_recorder(), driver, arguments, config)
            else:
                serve(make_recorder, driver, arguments, config)
        demonstration = make_recorder().recorded()
        demonstration.save(arguments.out)
    except ValueError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(
            f"out {arguments.out} cannot be written ({error.strerror}); choose another"
        ) from error
    laps = demonstration.progress[
        demonstration.lengths.cumsum() + range(len(demonstration.lengths))
    ]
    print(
        f"{arguments.out}: {len(demonstration.lengths)} episodes, {demonstration.steps} steps,"
        f" {laps.mean():.2f} laps and reward {demonstration.rewards.sum() / len(laps):.1f} an episode",
        flush=True,
    )


def config_of_model(path: Path, given: dict[str, Any]) -> TrialConfig:
    """The configuration of the trial that made the model.

    :raises UserError: a model that is missing or nobody vouches for, or an option that is the model's own
    """
    if not path.is_file():
        raise UserError(f"model {path} does not exist; give a model.zip of the runner as --driver")
    check_trust(path)
    if taken := [name for name in WORLD_OPTIONS if name in given]:
        raise UserError(f"{taken[0]} {given[taken[0]]} is the model's own to say; drop it")
    config = TrialConfig.from_params(
        read_config(path).to_params() | {"seed": 0, "client": "own", **given}
    )
    if (config.world.action_repeat or 1) > 1:
        raise UserError(f"model {path} holds a decision for {config.world.action_repeat} steps, a recording has every step; "
                        "give one of --action-repeat 1")  # fmt: skip
    return config


def recorder(
    config: TrialConfig,
    env_id: str,
    driver: str,
    episodes: list[Episode],
    world: World | None = None,
) -> Recorder:
    """The environment as the configuration's trial trains in it, recording into ``episodes``.

    :param world: look at this one, that somebody else drives
    """
    from agent.worlds.donkey.demonstrations import Recorder
    from agent.worlds.donkey.make_env import make_driver_env

    conf = {name: getattr(config, name) for name in WORLD_OPTIONS if name not in PICTURES}
    bins = (config.world.n_steer, config.world.n_throttle) if config.trial.agent == "dqn" else None
    env = make_driver_env(
        env_id,
        observation=config.world.observation,
        frames=config.world.frame_stack,
        gap=config.world.frame_gap,
        discretize=bins,
        car=world,
        **conf,
    )
    who = Path(driver).name if driver.endswith(".zip") else driver
    header = {
        "env": env_id,
        "observation": config.world.observation,
        "frame_gap": config.world.frame_gap,
        "driver": who,
        "seed": config.trial.seed,
        "conf": conf,
    }
    return Recorder(env, header, episodes)


def drive(
    env: Recorder, choose: Choose, restart: Callable[[], None], episodes: int, seed: int
) -> None:
    """Drive ``episodes`` episodes by ``choose``, which makes an action of an observation."""
    for number in range(episodes):
        observation, _ = env.reset(seed=seed + number)
        restart()
        ended = False
        while not ended:
            observation, _, terminated, truncated, info = env.step(choose(observation))
            ended = terminated or truncated
        print(
            f"episode {number + 1}: {info['progress']:.2f} laps, ended by {info['end_reason']}",
            flush=True,
        )


def drive_by_hand(
    env: Recorder, driver: str, arguments: argparse.Namespace, config: TrialConfig
) -> None:
    """Drive with the controller that knows where the car is, on the centre line or on the race line."""
    from agent.worlds.donkey.experts.line_follower import (
        LineFollower,
        line_follower,
        reference_line,
    )
    from agent.worlds.donkey.tasks import SCENE_OF_ENV

    world = env.unwrapped.world  # type: ignore[attr-defined]
    scene = SCENE_OF_ENV[arguments.env]
    if driver == REFERENCE and (world.scene.is_random or not world.track.closed):
        raise UserError(
            f"driver {driver!r} needs a track with laps, {arguments.env} has none of its own; use {FOLLOWER}"
        )
    hand: LineFollower | None = None

    def restart() -> None:
        nonlocal hand
        if hand is None or world.scene.is_random:
            line = driver == REFERENCE and reference_line(
                scene, config.world.max_cte, config.world.throttle_max
            )
            hand = LineFollower(line) if line else line_follower(world)
        hand.restart()

    def choose(_: Any) -> Any:
        assert hand is not None
        import numpy as np

        return env.action_of(np.array(hand.command(world.telemetry()), dtype=np.float32))

    drive(env, choose, restart, arguments.episodes, config.trial.seed)


def model_driver(path: Path, config: TrialConfig) -> tuple[Choose, Callable[[], None]]:
    """The deterministic policy of a saved model, and how its memory is cleared if it has one."""
    from agent.training.algorithms import prepare_torch

    prepare_torch(config.trial.seed)
    model = load_model(path, config, "cpu")
    state: Any = None

    def choose(observation: Any) -> Any:
        nonlocal state
        action, state = model.predict(observation, state=state, deterministic=True)
        return action

    def restart() -> None:
        nonlocal state
        state = None

    return choose, restart


def serve(
    make_recorder: Callable[[World], Recorder],
    address: str,
    arguments: argparse.Namespace,
    config: TrialConfig,
) -> None:
    """Be the simulator on ``address`` until a client has driven the episodes, or Ctrl-C."""
    from agent.simulator.remote_car import RemoteCar
    from agent.simulator.server import Server
    from agent.worlds.donkey.observed_world import RecordedCar
    from agent.worlds.donkey.tasks import SCENE_OF_ENV

    host, port = parse_address(address)
    wanted = SCENE_OF_ENV[arguments.env]

    def on_episode_end(done: int) -> bool:
        print(f"episode {done} of {arguments.episodes} recorded", flush=True)
        if done == arguments.episodes:
            server.stop()
        return done == arguments.episodes

    def car(scene: str, seed: int, slot: int) -> RemoteCar:
        first = scene == wanted and slot == 0
        return (
            RecordedCar(scene, seed, slot, make_recorder, on_episode_end)
            if first
            else RemoteCar(scene, seed, slot)
        )

    try:
        server = Server(host, port, scene=wanted, seed=config.trial.seed, car=car)
    except OSError as error:
        raise UserError(
            f"driver {address!r} cannot be listened on ({error.strerror}); choose another port"
        ) from error
    print(f"listening on {host}:{port} scene {wanted}; connect a client and drive", flush=True)
    server.serve()


if __name__ == "__main__":
    raise SystemExit(main())
