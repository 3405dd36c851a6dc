"""Gymnasium wrappers that pay for one car by ``rewards`` and ``reward_terms``."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from agent.worlds.donkey.reward_terms import KMH_OF_MPS, STRAY, TERMS, Ride, parse_terms
from agent.worlds.donkey.rewards import (
    EVALUATION_REWARD,
    REWARDS,
    WINDOW_M,
    RewardMeter,
    straightness_gate,
)


class FormulaReward(gymnasium.Wrapper):
    """An environment under the simulator's reward, paid by another of ``FORMULAS`` instead.

    :param env: its info has ``speed``, ``cte`` and ``net_progress_m``
    :param name: one of ``FORMULAS``
    :param max_cte: cross-track error that ends an episode, u
    """

    def __init__(self, env: gymnasium.Env, name: str, max_cte: float) -> None:
        super().__init__(env)
        self.meter = RewardMeter(name, 1, max_cte)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self.meter.restart(0)
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        rewards = self.meter.rewards(
            np.array([float(reward)]),
            np.array([terminated]),
            np.array([info["speed"]]),
            np.array([info["cte"]]),
            np.array([info["net_progress_m"]]),
        )
        return observation, float(rewards[0]), terminated, truncated, info


class StraightnessGate(gymnasium.Wrapper):
    """Multiplies rewards by the straightness of the last ``WINDOW_M``: circling earns nothing.

    A crash keeps its penalty.

    :param env: its info has ``pos`` in metres
    """

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**kwargs)
        start = (0.0, info["pos"][0], info["pos"][2])
        self._driven_m = 0.0
        self._trail: deque[tuple[float, float, float]] = deque([start])
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        gate = self._gate(info["pos"][0], info["pos"][2])
        if not terminated:
            reward = float(reward) * gate
        return observation, float(reward), terminated, truncated, info

    def _gate(self, x: float, z: float) -> float:
        _, last_x, last_z = self._trail[-1]
        self._driven_m += math.hypot(x - last_x, z - last_z)
        self._trail.append((self._driven_m, x, z))
        while len(self._trail) > 2 and self._driven_m - self._trail[1][0] >= WINDOW_M:
            self._trail.popleft()
        start_m, start_x, start_z = self._trail[0]
        displacement_m = math.hypot(x - start_x, z - start_z)
        return straightness_gate(displacement_m, self._driven_m - start_m)


class RewardTerms(gymnasium.Wrapper):
    """The reward below, changed by terms of ``reward_terms``; some of them end an episode.

    :param env: its info has ``speed``, ``cte`` and ``progress``
    :param terms: ``NAME[=VALUE][,SETTING=VALUE...]`` each
    :param max_cte: cross-track error that ends an episode, u
    :raises ValueError: a term that is unknown or impossible
    """

    def __init__(self, env: gymnasium.Env, terms: Sequence[str], max_cte: float) -> None:
        super().__init__(env)
        self.terms = parse_terms(terms)
        self.max_cte = max_cte

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._ride = Ride()
        self._steering = 0.0
        self._farthest = 0.0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        ride = self._note(float(action[0]), terminated, info)
        reward = float(reward)
        for name, settings in self.terms.items():
            reward = TERMS[name].formula(reward, ride, settings)
        if ride.end_reason and not (terminated or truncated):
            terminated = True
            info["end_reason"] = ride.end_reason
        return observation, reward, terminated, truncated, info

    def _note(self, steering: float, crashed: bool, info: dict[str, Any]) -> Ride:
        """The ride after the step."""
        progress = float(info["progress"])
        ride = self._ride
        ride.steps += 1
        ride.deviation = STRAY * abs(info["cte"]) / self.max_cte
        ride.kmh = KMH_OF_MPS * info["speed"]
        ride.gain = max(progress - self._farthest, 0.0)
        ride.turned = steering - self._steering
        ride.crashed = crashed
        self._steering = steering
        self._farthest = max(progress, self._farthest)
        return ride


def with_reward(
    env: gymnasium.Env, name: str, max_cte: float, terms: Sequence[str] = ()
) -> gymnasium.Env:
    """``env`` under another reward; the evaluation reward is never changed by terms.

    :param env: an environment under the simulator's reward
    :param name: one of ``REWARDS``
    :param max_cte: cross-track error that ends an episode, u
    :param terms: see ``RewardTerms``
    :raises ValueError: an unknown name, or a term that is unknown or impossible
    """
    if name not in REWARDS:
        raise ValueError(f"reward {name!r} is unknown; choose from {', '.join(REWARDS)}")
    if name == EVALUATION_REWARD:
        return FormulaReward(env, name, max_cte)
    if name == "efficiency":
        env = StraightnessGate(FormulaReward(env, "speed", max_cte))
    elif name != "sim":
        env = FormulaReward(env, name, max_cte)
    return RewardTerms(env, terms, max_cte) if terms else env
