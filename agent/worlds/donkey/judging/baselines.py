"""Whom a trained driver is compared with: chance, an untrained network, a hand on the line; and the reference lap."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gymnasium
import numpy as np
import torch
from gymnasium import spaces

from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Score, evaluate
from agent.simulator.obstacles import Obstacles
from agent.simulator.tracks import load_scene
from agent.simulator.world import World
from agent.training.vec_envs import make_evaluation_worlds
from agent.worlds.donkey.demonstrations import rescaled
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.experts.line_follower import (
    MARGIN_U,
    RACE_GRIP,
    LineFollower,
    drive_laps,
    line_follower,
    reference_line,
)
from agent.worlds.donkey.experts.race_line import centre_line, race_line
from agent.worlds.donkey.judging.race import Race, race, race_env
from agent.worlds.donkey.tasks import SCENE_OF_ENV

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.type_aliases import PolicyPredictor

RANDOM, UNTRAINED, FOLLOWER = "random policy", "untrained policy", "line follower"
REFERENCE_LAPS = 3  # the first from a standing start; the quickest counts
# Known reference laps in seconds by throttle and scene, |cte| within 8 u: experiments/reference_laps.py.
KNOWN_LAPS = Path(__file__).with_name("reference_laps.json")
KNOWN_MAX_CTE = 8.0


class RandomPolicy:
    """Draws every action evenly from the action space, from a seed."""

    def __init__(self, space: spaces.Space[Any], seed: int) -> None:
        self.space, self.rng = space, np.random.default_rng(seed)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        n = len(observation)
        if isinstance(self.space, spaces.Discrete):
            return self.rng.integers(self.space.n, size=n), None
        assert isinstance(self.space, spaces.Box)
        return self.rng.uniform(self.space.low, self.space.high, (n, *self.space.shape)).astype(
            np.float32
        ), None


class ScriptedPolicy:
    """Follows a line in each of ``envs`` by where the car is, not by what it sees.

    :param hand: the driver for a world, asked anew at every start
    """

    def __init__(
        self, envs: Sequence[DonkeyEnv], hand: Callable[[World], LineFollower] = line_follower
    ) -> None:
        self.envs, self.hand = envs, hand
        self._hands: dict[int, LineFollower] = {}

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        commands = []
        for k, (env, begins) in enumerate(zip(self.envs, episode_start, strict=True)):
            assert isinstance(env.world, World)
            if begins:
                self._hands[k] = self.hand(env.world)
            commands.append(self._hands[k].command(env.world.telemetry()))
        space: Any = self.envs[0].action_space
        return rescaled(np.array(commands, dtype=np.float32), space.low, space.high), None


def untrained(model: BaseAlgorithm, seed: int) -> PolicyPredictor:
    """The model's policy as it would begin with ``seed``, of the same kind and size."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        fresh: PolicyPredictor = type(model.policy)(**model.policy._get_constructor_parameters())
    return fresh


def scripted_config(config: TrialConfig, env_id: str) -> TrialConfig:
    """The configuration of one who drives by hand: the same limits, every command, no brake either."""
    return TrialConfig(
        env=[env_id],
        frame_stack=1,
        max_episode_steps=config.max_episode_steps,
        max_cte=config.max_cte,
        throttle_min=0.0,
        throttle_max=config.throttle_max,
    )


def baseline_scores(
    model: BaseAlgorithm, config: TrialConfig, env_id: str, episodes: int, seed: int
) -> dict[str, Score]:
    """What the floors score in the episodes that the model is judged in, from ``seed``, on an embedded track."""
    worlds = make_evaluation_worlds(config, [env_id], episodes)
    own = make_evaluation_worlds(scripted_config(config, env_id), [env_id], episodes)
    return {
        RANDOM: evaluate(RandomPolicy(worlds.action_space, seed), worlds, episodes, seed),
        UNTRAINED: evaluate(untrained(model, seed), worlds, episodes, seed),
        FOLLOWER: evaluate(ScriptedPolicy(own.get_attr("unwrapped")), own, episodes, seed),
    }


def baseline_races(
    model: BaseAlgorithm, config: TrialConfig, env_id: str, laps: int, seed: int
) -> dict[str, Race]:
    """How the floors race on the track that the model races on."""
    env, own = race_env(config, env_id), race_env(scripted_config(config, env_id), env_id)
    return {
        RANDOM: race(env, RandomPolicy(env.action_space, seed), laps, seed),
        UNTRAINED: race(env, untrained(model, seed), laps, seed),
        FOLLOWER: race(own, ScriptedPolicy([_car(own)]), laps, seed),
    }


def reference_lap(env_id: str, max_cte: float, throttle: float) -> float | None:
    """Seconds of a named track's reference lap; None without laps, and where every seed has a road of its own.

    Those of ``KNOWN_LAPS`` are looked up, others driven, which takes seconds.

    :param throttle: largest throttle command
    """
    scene = SCENE_OF_ENV[env_id]
    known = _known_laps().get(f"{throttle:g}", {}) if max_cte == KNOWN_MAX_CTE else {}
    if scene in known:
        return known[scene]
    world = World(scene)
    if world.scene.is_random or not world.track.closed:
        return None
    times = drive_laps(
        world, LineFollower(reference_line(scene, max_cte, throttle)), REFERENCE_LAPS, max_cte
    )
    return min(times) if len(times) == REFERENCE_LAPS else None


def race_reference(config: TrialConfig, env_id: str, laps: int, seed: int) -> float | None:
    """The reference lap of a race in seconds, on random roads those of the race: see ``on_race_line``."""
    if not load_scene(SCENE_OF_ENV[env_id]).is_random:
        return reference_lap(env_id, config.max_cte, config.throttle_max)
    env = race_env(scripted_config(config, env_id), env_id)
    driven = race(env, ScriptedPolicy([_car(env)], partial(on_race_line, config)), laps, seed)
    if driven.total_sec is None:
        return None
    return driven.best_lap_sec if _car(env).world.track.closed else driven.mean_lap_sec


def on_race_line(config: TrialConfig, world: World) -> LineFollower:
    """The quickest driver that we have: on the race line, or on an open road, which has none, on the centre line."""
    track, throttle = world.track, config.throttle_max
    if track.closed:
        solids = Obstacles(world.scene, track)
        return LineFollower(
            race_line(track, solids, config.max_cte - MARGIN_U, grip=RACE_GRIP, throttle=throttle)
        )
    return LineFollower(centre_line(track, grip=RACE_GRIP, throttle=throttle, fastest_u=math.inf))


@cache
def _known_laps() -> dict[str, dict[str, float]]:
    return dict(json.loads(KNOWN_LAPS.read_text(encoding="utf-8")))


def _car(env: gymnasium.Env) -> DonkeyEnv:
    return cast(DonkeyEnv, env.unwrapped)
