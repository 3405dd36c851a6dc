"""One environment as a policy meets it: track, reward, actions and observations together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import RescaleAction

from agent.config.errors import user_error
from agent.simulator.tracks import load_scene
from agent.simulator.world import World
from agent.worlds.action_repeat import HeldAction, RepeatedAction
from agent.worlds.donkey.actions import DiscretizedActionWrapper
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.env_options import AnyWorld, checked, is_on_port, open_world
from agent.worlds.donkey.observation import FAST_VIEW, FRAMES, GAP, FastObservation
from agent.worlds.donkey.own_tracks import short_name
from agent.worlds.donkey.remote.remote_world import RemoteWorld
from agent.worlds.donkey.reward_wrappers import with_reward
from agent.worlds.donkey.rewards import EVALUATION_REWARD
from agent.worlds.donkey.tasks import scene_of

OBSERVATIONS = ("fast", "raw")
NO_ID = re.compile(r"[^\w:.-]+")  # what gymnasium takes for no part of an id


def open_shared_world(env_id: str, **conf: Any) -> World | RemoteWorld:
    """A world for several environments to drive in turn.

    :param env_id: upstream's environment id, or a name of ``own_tracks``
    :param conf: keys of ``DonkeyEnv``'s conf, see ``conf_checks``; ``host``, ``port`` or
        ``exe_path`` ask for the simulator there
    :raises ValueError: an unknown id or conf value
    :raises SimulatorLost: a simulator that is not there, or drives another scene
    """
    return open_world(scene_of(env_id), checked(conf))


def check_scenes(env_ids: Iterable[str]) -> None:
    """Refuse scenes that cannot be driven in, before any is.

    :raises UserError: a file with something wrong in it, or a way that its road has not
    """
    for env_id in env_ids:
        try:
            load_scene(scene_of(env_id))
        except ValueError as error:
            raise user_error(error) from None


def make_env(
    env_id: str,
    *,
    observation: str = "fast",
    frames: int = FRAMES,
    gap: int = GAP,
    repeat: int = 1,
    reward: str = "sim",
    reward_terms: Sequence[str] = (),
    discretize: tuple[int, int] | None = None,
    world: AnyWorld | None = None,
    bare: bool = False,
    **conf: Any,
) -> gymnasium.Env:
    """Build the environment that a policy is trained or evaluated in.

    Unless ``conf`` has it otherwise, training episodes start anywhere on the track, so that its end
    is seen as often as its beginning. Random roads are drawn anew for each, except on a port. Under
    the evaluation reward episodes start at the start line, a little jittered by the seed, so that
    they differ.

    :param env_id: upstream's environment id, or a name of ``own_tracks``
    :param observation: ``fast`` (frames, 40, 80) uint8, or ``raw`` (120, 160, 3) uint8
    :param frames: of a fast observation
    :param gap: decisions from one of these frames to the next
    :param repeat: control steps that a decision is held for; such a step's reward is their sum, but
        under the evaluation reward every control step is one
    :param reward: one of ``rewards.REWARDS``
    :param reward_terms: see ``reward_terms``; the evaluation reward knows none
    :param discretize: bins of steering and throttle for a Discrete action space; None for Box[-1,
        1]^2, rescaled to the steering limit and the throttle range
    :param world: drive in this one, which stays open; None for one of its own
    :param bare: without the wrappers of reward, repetition and frames, for ``DonkeyVectorEnv``,
        which does all that for many environments at once
    :param conf: keys of ``DonkeyEnv``'s conf
    :raises ValueError: an unknown id, observation, reward or conf value
    """
    if observation not in OBSERVATIONS:
        raise ValueError(
            f"observation {observation!r} is unknown; choose from {', '.join(OBSERVATIONS)}"
        )
    env: gymnasium.Env = _donkey_env(env_id, observation, reward, world, conf)
    if not bare:
        max_cte: float = env.unwrapped.conf["max_cte"]  # type: ignore[attr-defined]
        env = with_reward(env, reward, max_cte, reward_terms)
    if discretize is None:
        env = RescaleAction(env, np.float32(-1.0), np.float32(1.0))
    else:
        env = DiscretizedActionWrapper(env, *discretize)
    if bare:
        return env
    if repeat > 1 and reward == EVALUATION_REWARD:
        env = HeldAction(env, repeat)
        gap *= repeat
    elif repeat > 1:
        env = RepeatedAction(env, repeat)
    return FastObservation(env, frames, gap) if observation == "fast" else env


def _donkey_env(
    env_id: str, observation: str, reward: str, world: AnyWorld | None, conf: dict[str, Any]
) -> DonkeyEnv:
    scene = scene_of(env_id)
    on_port = is_on_port(conf)
    evaluated = reward == EVALUATION_REWARD
    own = {"start": "anywhere", "road": "new"}
    if evaluated:
        own["start"] = "jitter"
    if evaluated or on_port:
        own["road"] = "kept"
    view = FAST_VIEW if observation == "fast" and not on_port else None
    env = DonkeyEnv(scene, {**own, **conf}, world=world, grey_view=view)
    env.spec = EnvSpec(NO_ID.sub("-", short_name(env_id)))
    return env
