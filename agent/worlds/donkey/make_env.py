"""One environment as a driver meets it: track, reward, action wrapper and observation pipeline together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import RescaleAction

from agent.simulator.world import World
from agent.worlds.action_repeat import HeldAction, RepeatedAction
from agent.worlds.donkey.actions import DiscretizedActionWrapper
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.env_options import checked, open_world
from agent.worlds.donkey.observation import FAST_VIEW, FRAMES, GAP, FastObservation
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.rewards import with_reward
from agent.worlds.donkey.tasks import SCENE_OF_ENV, check_env_id

OBSERVATIONS = ("fast", "raw")
Car = World | RemoteWorld


def open_car(env_id: str, **conf: Any) -> Car:
    """A world with its one car, for several environments to drive in turn.

    :param conf: keys of ``DonkeyEnv``'s conf; with ``host`` or ``port`` a car in the simulator there
    """
    check_env_id(env_id)
    return open_world(SCENE_OF_ENV[env_id], checked(conf))


def make_driver_env(
    env_id: str,
    *,
    observation: str = "fast",
    frames: int = FRAMES,
    gap: int = GAP,
    repeat: int = 1,
    reward: str = "sim",
    reward_terms: Sequence[str] = (),
    discretize: tuple[int, int] | None = None,
    car: Car | None = None,
    bare: bool = False,
    **conf: Any,
) -> gymnasium.Env:
    """Build the environment a policy is trained or judged in.

    Training episodes start anywhere on the track unless told otherwise, so that its end is seen as often as its
    beginning, and random roads are drawn anew for each, except on the wire; under the ``yardstick`` they start at the
    start line, a little jittered by the seed, so that episodes differ.

    :param observation: ``fast`` (frames, 40, 80) uint8, ``gap`` decisions from one frame to the next, or ``raw``
        (120, 160, 3) uint8
    :param repeat: control steps that a decision is held for; such a step's reward is their sum, but under the
        ``yardstick`` every control step is one
    :param reward: see ``envs.reward``
    :param reward_terms: see ``agent.worlds.donkey.reward_terms``; the ``yardstick`` knows none
    :param discretize: bins of steering and throttle for a Discrete action space; None for Box[-1, 1]^2, rescaled to
        the steering limit and the throttle range
    :param car: drive this one, which stays open; None for one of its own
    :param bare: without the wrappers of reward, repetition and frames, for who does all that for many at once
    :param conf: keys of ``DonkeyEnv``'s conf
    :raises ValueError: an unknown id, observation, reward or conf value
    """
    check_env_id(env_id)
    if observation not in OBSERVATIONS:
        raise ValueError(
            f"observation {observation!r} is unknown; choose from {', '.join(OBSERVATIONS)}"
        )
    start = "jitter" if reward == "yardstick" else "anywhere"
    road = "kept" if reward == "yardstick" or "port" in conf else "new"
    small = observation == "fast" and "port" not in conf
    view = FAST_VIEW if small else None
    env: gymnasium.Env = DonkeyEnv(
        SCENE_OF_ENV[env_id], {"start": start, "road": road, **conf}, world=car, grey_view=view
    )
    env.spec = EnvSpec(env_id)
    if not bare:
        env = with_reward(env, reward, env.unwrapped.conf["max_cte"], reward_terms)  # type: ignore[attr-defined]
    if discretize is None:
        env = RescaleAction(env, np.float32(-1.0), np.float32(1.0))
    else:
        env = DiscretizedActionWrapper(env, *discretize)
    if bare:
        return env
    if repeat > 1 and reward == "yardstick":
        env, gap = HeldAction(env, repeat), gap * repeat
    elif repeat > 1:
        env = RepeatedAction(env, repeat)
    return FastObservation(env, frames, gap) if observation == "fast" else env
