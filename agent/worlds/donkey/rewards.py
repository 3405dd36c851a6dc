"""What a driver is paid for: rewards to train on, and the yardstick that trials are compared by."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from agent.simulator.world import CONTROL_HZ
from agent.worlds.donkey.reward_terms import KMH_OF_MPS, STRAY, TERMS, Ride, parse_terms

REWARDS = ("sim", "speed", "efficiency", "race", "yardstick")

# The race reward, in metres. What straying costs a step at the limit is what a step gains at 3 m/s, so that nothing is
# earned there; a crash costs the metres of about a second.
SAFE_SHARE = 0.7
STRAYING_M = 0.15
CRASH_M = 3.0


class SpeedReward(gymnasium.Wrapper):
    """reward = speed * (1 - \\|cte\\|/max_cte), speed in m/s (FR-006); the end of an episode keeps its penalty."""

    def __init__(self, env: gymnasium.Env, max_cte: float) -> None:
        super().__init__(env)
        self.max_cte = max_cte

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        if not terminated:
            reward = info["speed"] * (1.0 - abs(info["cte"]) / self.max_cte)
        return observation, float(reward), terminated, truncated, info


class EfficiencyReward(SpeedReward):
    """The speed reward times a gate on how straight the last stretch was, so that circling earns nothing.

    efficiency = net displacement / path length over the last ``WINDOW_M`` metres driven. The gate is 0 up to
    ``CLOSED``, 1 from ``OPEN`` and linear between. A full circle inside the road has at most 0.28 over 5 m; the
    tightest hairpin of generated_track has 0.55.
    """

    WINDOW_M = 5.0
    CLOSED, OPEN = 0.3, 0.5

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**kwargs)
        self._path_m = 0.0
        self._trail: deque[tuple[float, float, float]] = deque(
            [(0.0, info["pos"][0], info["pos"][2])]
        )
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        gate = self._gate(info["pos"][0], info["pos"][2])
        return observation, reward if terminated else reward * gate, terminated, truncated, info

    def _gate(self, x: float, z: float) -> float:
        _, last_x, last_z = self._trail[-1]
        self._path_m += math.hypot(x - last_x, z - last_z)
        self._trail.append((self._path_m, x, z))
        while len(self._trail) > 2 and self._path_m - self._trail[1][0] >= self.WINDOW_M:
            self._trail.popleft()
        start_m, start_x, start_z = self._trail[0]
        driven = self._path_m - start_m
        if driven < self.WINDOW_M / 2:
            return 1.0  # too short a stretch to tell
        efficiency = math.hypot(x - start_x, z - start_z) / driven
        return min(max((efficiency - self.CLOSED) / (self.OPEN - self.CLOSED), 0.0), 1.0)


class RaceReward(gymnasium.Wrapper):
    """Speed under a constraint: metres gained along the centre line, less the price of straying; see ``race_pay``."""

    def __init__(self, env: gymnasium.Env, max_cte: float) -> None:
        super().__init__(env)
        self.max_cte = max_cte

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._net_m = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, _, terminated, truncated, info = self.env.step(action)
        net_m = info["net_progress_m"]
        reward = (
            -CRASH_M if terminated else race_pay(net_m - self._net_m, info["cte"], self.max_cte)
        )
        self._net_m = net_m
        return observation, float(reward), terminated, truncated, info


def race_pay(gained_m: Any, cte: Any, max_cte: float) -> Any:
    """The race reward of a step that does not crash, of floats or arrays.

    gained - STRAYING_M * max(0, \\|cte\\|/max_cte - SAFE_SHARE) / (1 - SAFE_SHARE): the Lagrangian of driving fast with
    the mean of that excess as the constraint, its multiplier fixed, for one that learns would make the reward drift.
    """
    excess = np.maximum(abs(cte) / max_cte - SAFE_SHARE, 0.0) / (1.0 - SAFE_SHARE)
    return gained_m - STRAYING_M * excess


class Yardstick(gymnasium.Wrapper):
    """The simulator's own reward, capped by what the net progress so far could have earned.

    Driving v m/s along the road earns at most v a step, in all ``CONTROL_HZ`` times the metres driven. On bends of
    8 u and more the cap never binds, since the outside of a bend costs more in cte than it gains in metres, while
    circling, shuttling and standing still score by net progress. ``ALLOWANCE_M`` forgives a skewed start.
    """

    ALLOWANCE_M = 0.5

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._earned = self._paid = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._earned += float(reward)
        due = min(self._earned, CONTROL_HZ * (info["net_progress_m"] + self.ALLOWANCE_M))
        reward, self._paid = due - self._paid, due
        return observation, reward, terminated, truncated, info


class RewardTerms(gymnasium.Wrapper):
    """The reward below, changed by terms of the toolbox (``agent.worlds.donkey.reward_terms``); some of them end an episode.

    :param terms: ``NAME[=VALUE][,SETTING=VALUE...]`` each
    :raises ValueError: a term that is unknown or impossible
    """

    def __init__(self, env: gymnasium.Env, terms: Sequence[str], max_cte: float) -> None:
        super().__init__(env)
        self.terms = parse_terms(terms)
        self.max_cte = max_cte

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._ride, self._steering, self._farthest = Ride(), 0.0, 0.0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        ride, steering, progress = self._ride, float(action[0]), float(info["progress"])
        ride.steps += 1
        ride.deviation = STRAY * abs(info["cte"]) / self.max_cte
        ride.kmh = KMH_OF_MPS * info["speed"]
        ride.gain = max(progress - self._farthest, 0.0)
        ride.turned = steering - self._steering
        ride.crashed = terminated
        self._steering, self._farthest = steering, max(progress, self._farthest)
        reward = float(reward)
        for name, settings in self.terms.items():
            reward = TERMS[name].formula(reward, ride, settings)
        if ride.end_reason and not (terminated or truncated):
            terminated, info["end_reason"] = True, ride.end_reason
        return observation, reward, terminated, truncated, info


def with_reward(
    env: gymnasium.Env, name: str, max_cte: float, terms: Sequence[str] = ()
) -> gymnasium.Env:
    """``env`` under the reward called ``name``, changed by ``terms``; the yardstick is never changed.

    :raises ValueError: an unknown name, or a term that is unknown or impossible
    """
    if name not in REWARDS:
        raise ValueError(f"reward {name!r} is unknown; choose from {', '.join(REWARDS)}")
    if name == "yardstick":
        return Yardstick(env)
    if name == "speed":
        env = SpeedReward(env, max_cte)
    elif name == "efficiency":
        env = EfficiencyReward(env, max_cte)
    elif name == "race":
        env = RaceReward(env, max_cte)
    return RewardTerms(env, terms, max_cte) if terms else env
