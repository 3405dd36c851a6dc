"""Scripted drivers that a trained one is compared with, and the reference lap."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np

from agent.simulator.obstacles import Obstacles
from agent.simulator.tracks import load_scene
from agent.simulator.world import World
from agent.worlds.donkey.demonstrations import rescaled
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.experts.line import centre_line
from agent.worlds.donkey.experts.line_follower import (
    MARGIN_U,
    RACE_GRIP,
    LineFollower,
    drive_laps,
    line_follower,
    reference_line,
)
from agent.worlds.donkey.experts.race_line import race_line
from agent.worlds.donkey.judging.race import Race, race, race_env
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.tasks import scene_of

FOLLOWER = "line follower"
REFERENCE_LAPS = 3  # the first from a standing start; the quickest counts
# Reference laps in seconds by throttle and scene, |cte| within 8 u: experiments/reference_laps.py.
KNOWN_LAPS = Path(__file__).with_name("reference_laps.json")
KNOWN_MAX_CTE = 8.0


class ScriptedPolicy:
    """Follows a line in each of ``envs`` by where the car is, not by what it sees.

    :param envs: embedded ones
    :param make_driver: makes the driver of a world, anew at every start
    """

    def __init__(
        self,
        envs: Sequence[DonkeyEnv],
        make_driver: Callable[[World], LineFollower] = line_follower,
    ) -> None:
        self.envs = envs
        self.make_driver = make_driver
        self._drivers: dict[int, LineFollower] = {}

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Actions for where the cars are, as SB3's ``predict`` gives them.

        :param observation: ignored
        :param state: ignored
        :param episode_start: environments (n,) whose driver is made anew
        :param deterministic: ignored
        """
        commands = []
        for k, (env, begins) in enumerate(zip(self.envs, episode_start, strict=True)):
            assert isinstance(env.world, World)
            if begins:
                self._drivers[k] = self.make_driver(env.world)
            commands.append(self._drivers[k].command(env.world.telemetry()))
        space: Any = self.envs[0].action_space
        return rescaled(np.array(commands, dtype=np.float32), space.low, space.high), None


def scripted_options(options: DonkeyOptions) -> DonkeyOptions:
    """Options of a scripted driver: the same limits, every command, no brake either."""
    return DonkeyOptions(
        max_episode_steps=options.max_episode_steps,
        max_cte=options.max_cte,
        throttle_min=0.0,
        throttle_max=options.throttle_max,
    )


def scripted_race(options: DonkeyOptions, env_id: str, laps: int, seed: int) -> Race:
    """The line follower's race.

    :param options: of the policy that it is compared with
    :param env_id: without an address
    :param laps: to be driven
    :param seed: of the environment
    """
    env = race_env(scripted_options(options), False, env_id)
    return race(env, ScriptedPolicy([donkey_env(env)]), laps, seed)


def reference_lap(env_id: str, max_cte: float, throttle: float) -> float | None:
    """Seconds of a named track's reference lap.

    None without laps, and where every seed has a road of its own. Those of ``KNOWN_LAPS`` are
    looked up, others driven, which takes seconds.

    :param env_id: without an address
    :param max_cte: largest cross-track error, Unity units
    :param throttle: largest throttle command
    """
    scene = scene_of(env_id)
    known = _known_laps().get(f"{throttle:g}", {})
    if max_cte == KNOWN_MAX_CTE and scene in known:
        return known[scene]
    world = World(scene)
    if world.scene.is_random or not world.track.closed:
        return None
    driver = LineFollower(reference_line(scene, max_cte, throttle))
    times = drive_laps(world, driver, REFERENCE_LAPS, max_cte)
    return min(times) if len(times) == REFERENCE_LAPS else None


def race_reference(options: DonkeyOptions, env_id: str, laps: int, seed: int) -> float | None:
    """The reference lap of a race in seconds; on random roads that of the race's own roads.

    :param options: of the policy that races
    :param env_id: without an address
    :param laps: of the race
    :param seed: of its environment
    """
    if not load_scene(scene_of(env_id)).is_random:
        return reference_lap(env_id, options.max_cte, options.throttle_max)
    env = race_env(scripted_options(options), False, env_id)
    quickest = ScriptedPolicy([donkey_env(env)], partial(on_race_line, options))
    driven = race(env, quickest, laps, seed)
    if driven.total_sec is None:
        return None
    closed = donkey_env(env).world.track.closed
    return driven.best_lap_sec if closed else driven.mean_lap_sec


def on_race_line(options: DonkeyOptions, world: World) -> LineFollower:
    """The quickest scripted driver: on the race line, or on an open road on the centre line."""
    track = world.track
    throttle = options.throttle_max
    if not track.closed:
        line = centre_line(track, grip=RACE_GRIP, throttle=throttle, fastest_u=math.inf)
        return LineFollower(line)
    obstacles = Obstacles(world.scene, track)
    width_u = options.max_cte - MARGIN_U
    return LineFollower(race_line(track, obstacles, width_u, grip=RACE_GRIP, throttle=throttle))


@cache
def _known_laps() -> dict[str, dict[str, float]]:
    return dict(json.loads(KNOWN_LAPS.read_text(encoding="utf-8")))


def donkey_env(env: gymnasium.Env) -> DonkeyEnv:
    """The environment below its wrappers."""
    return cast(DonkeyEnv, env.unwrapped)
