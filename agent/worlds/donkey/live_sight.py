"""A car at work, for people who look; see ``capabilities.HasCamera``."""

from __future__ import annotations

from typing import cast

from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from agent.worlds.capabilities import Sight
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.vec_env import DonkeyVecEnv


def sight_of(vec_env: VecEnv) -> Sight:
    """The first car of environments that ``make_vec_env`` made."""
    inner = vec_env.unwrapped
    if isinstance(inner, DonkeyVecEnv):
        env = inner.vector_env.envs[0]
        steering, throttle = inner.vector_env.command(0)
    else:
        env = cast(DonkeyEnv, cast(DummyVecEnv, inner).envs[0].unwrapped)
        steering = env.steering
        throttle = env.throttle
    telemetry = env.world.telemetry()
    gauges = {
        "speed m/s": float(telemetry.speed),
        "steering": steering,
        "throttle": throttle,
        "laps": float(telemetry.progress),
    }
    return Sight(env.picture(), gauges)
