"""Recording drives: the environment that records, scripted drivers, and a person's client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from agent.config.errors import UserError
from agent.simulator.remote_car import RemoteCar
from agent.simulator.server import Server
from agent.simulator.world import World
from agent.worlds.base import Learner, Purpose, parse_address, shown_address
from agent.worlds.donkey.demonstrations import Episode
from agent.worlds.donkey.env_options import DEFAULTS, AnyWorld
from agent.worlds.donkey.experts.line_follower import (
    LineFollower,
    line_follower,
    reference_line,
)
from agent.worlds.donkey.make_env import make_env
from agent.worlds.donkey.observed_world import RecordedCar
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.recorded_envs import Recorder
from agent.worlds.donkey.tasks import FOLLOWER, REFERENCE, scene_of
from agent.worlds.donkey.vec_env import env_options


@dataclass(frozen=True)
class Recording:
    """Settings of one recording.

    :param env_id: upstream's environment id, embedded
    :param options: how the car senses and drives
    :param discrete: the driver chooses among numbered actions
    :param driver: name of the driver, for the file
    :param seed: of the first episode; the others follow it
    """

    env_id: str
    options: DonkeyOptions
    discrete: bool
    driver: str
    seed: int

    def recorder(self, episodes: list[Episode], world: AnyWorld | None = None) -> Recorder:
        """The environment that a trial with these options trains in, under the simulator's reward.

        :param episodes: gets what is driven
        :param world: drive in this one; None for one of its own
        """
        env = make_env(self.env_id, world=world, **self._arguments())
        return Recorder(env, episodes)

    def header(self) -> dict[str, Any]:
        """The header of the file, see ``Demonstration``."""
        arguments = self._arguments()
        return {
            "env": self.env_id,
            "observation": arguments["observation"],
            "frame_gap": arguments["gap"],
            "driver": self.driver,
            "seed": self.seed,
            "conf": {key: value for key, value in arguments.items() if key in DEFAULTS},
        }

    def _arguments(self) -> dict[str, Any]:
        """Arguments of ``make_env``; a recording draws its roads anew."""
        options = replace(
            self.options,
            reward="sim",
            reward_shaping=False,
            reward_term=[],
            roads=0,
            road_replay=0.0,
        )
        arguments = env_options(options, Purpose.TRAIN, Learner(discrete=self.discrete))
        del arguments["roads"]
        return arguments


class Driver(Protocol):
    """Drives a recording environment."""

    def restart(self) -> None:
        """Begin a new episode."""

    def action(self, observation: Any) -> Any:
        """Action for an observation."""


class ScriptedDriver:
    """Drives by where the car is, on the centre line or on the race line.

    :param env: embedded
    :param recording: settings of it
    :param on_race_line: drives the reference lap
    :raises UserError: a race line is asked for where there are no laps
    """

    def __init__(self, env: Recorder, recording: Recording, on_race_line: bool) -> None:
        world = env.unwrapped.world  # type: ignore[attr-defined]
        assert isinstance(world, World)
        if on_race_line and (world.scene.is_random or not world.track.closed):
            raise UserError(
                f"driver {REFERENCE!r} needs a track with laps, {recording.env_id} has none of its"
                f" own; use {FOLLOWER}",
                "driver",
            )
        self.env = env
        self.world = world
        self.recording = recording
        self.on_race_line = on_race_line
        self._follower: LineFollower | None = None

    def restart(self) -> None:
        """Begin a new episode, on a random scene along a new line."""
        if self._follower is None or self.world.scene.is_random:
            self._follower = self._make_follower()
        self._follower.restart()

    def _make_follower(self) -> LineFollower:
        if not self.on_race_line:
            return line_follower(self.world)
        options = self.recording.options
        scene = scene_of(self.recording.env_id)
        return LineFollower(reference_line(scene, options.max_cte, options.throttle_max))

    def action(self, observation: Any) -> Any:
        """Action for where the car is; the observation is ignored."""
        assert self._follower is not None, "restart comes first"
        command = self._follower.command(self.world.telemetry())
        return self.env.action_of(np.array(command, dtype=np.float32))


def drive(env: Recorder, driver: Driver, episodes: int, seed: int) -> None:
    """Drive and print a line for each episode.

    :param env: records
    :param driver: chooses the actions
    :param episodes: how many
    :param seed: of the first; the others follow it
    """
    for number in range(episodes):
        observation, _ = env.reset(seed=seed + number)
        driver.restart()
        ended = False
        while not ended:
            action = driver.action(observation)
            observation, _, terminated, truncated, info = env.step(action)
            ended = terminated or truncated
        print(
            f"episode {number + 1}: {info['progress']:.2f} laps, ended by {info['end_reason']}",
            flush=True,
        )


def serve_client(
    address: str, make_recorder: Callable[[AnyWorld], Recorder], recording: Recording, episodes: int
) -> None:
    """Be the simulator on ``address`` until a client has driven the episodes, or Ctrl-C.

    :param address: ``[HOST:]PORT`` to listen on
    :param make_recorder: makes the recording environment that looks at the client's world
    :param recording: settings of it
    :param episodes: how many
    :raises UserError: an address that cannot be listened on
    """
    host, port = parse_address(address)
    wanted = scene_of(recording.env_id)

    def on_episode_end(done: int) -> bool:
        print(f"episode {done} of {episodes} recorded", flush=True)
        if done == episodes:
            server.stop()
        return done == episodes

    def _make_car(scene: str, seed: int, slot: int) -> RemoteCar:
        if scene == wanted and slot == 0:
            return RecordedCar(scene, seed, slot, make_recorder, on_episode_end)
        return RemoteCar(scene, seed, slot)

    try:
        server = Server(host, port, scene=wanted, seed=recording.seed, car=_make_car)
    except OSError as error:
        raise UserError(
            f"driver {address!r} cannot be listened on ({error.strerror or error}); choose another",
            "driver",
        ) from error
    where = shown_address(host, port)
    print(f"listening on {where} scene {wanted}; connect a client and drive", flush=True)
    server.serve()
