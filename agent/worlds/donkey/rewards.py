"""Rewards of a control step: the simulator's, those to train on, and the evaluation reward.

Each is one function of floats or arrays and one entry in ``FORMULAS``. ``RewardMeter`` applies an
entry to n cars at once: a Gymnasium wrapper has one car, ``DonkeyVectorEnv`` many.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agent.simulator.world import CONTROL_HZ
from agent.worlds.donkey.reward_terms import KMH_OF_MPS, STRAY, TERMS, Ride, parse_terms

Array = NDArray[np.float64]
Reals = float | Array

EVALUATION_REWARD = "yardstick"
CRASH_REWARD = -1.0  # upstream's

# The race reward, in metres; all three are chosen. Straying costs as much a step at the limit as a
# step gains at 3 m/s, so nothing is earned there. A crash costs the metres of about a second.
SAFE_SHARE = 0.7
STRAYING_M = 0.15
CRASH_M = 3.0

ALLOWANCE_M = 0.5  # chosen: the evaluation reward forgives a skewed start of so many metres

# The gate of the efficiency reward. A full circle inside the road has a straightness of at most
# 0.28 over 5 m; the tightest hairpin of generated_track has 0.55 (both from the tracks' geometry).
WINDOW_M = 5.0
CLOSED_BELOW = 0.3
OPEN_ABOVE = 0.5


def simulator_reward(forward_vel: Reals, cte: Reals, max_cte: float) -> Array:
    """Upstream's reward of a step without a crash: ``speed_reward``, and the bare speed in reverse.

    :param forward_vel: m/s along the car
    :param cte: cross-track error, u
    :param max_cte: cross-track error that ends an episode, u
    """
    return np.where(forward_vel > 0.0, speed_reward(forward_vel, cte, max_cte), forward_vel)


def speed_reward(speed: Reals, cte: Reals, max_cte: float) -> Reals:
    """speed * (1 - \\|cte\\|/max_cte) (FR-006).

    :param speed: m/s
    :param cte: cross-track error, u
    :param max_cte: cross-track error that ends an episode, u
    """
    return speed * (1.0 - np.abs(cte) / max_cte)


def race_reward(gained_m: Reals, cte: Reals, max_cte: float) -> Reals:
    """gained - ``STRAYING_M`` * max(0, \\|cte\\|/max_cte - s) / (1 - s), s = ``SAFE_SHARE``.

    This is the Lagrangian of "maximise speed subject to a bound on the mean excess", the last
    factor. The multiplier is constant, because a learned one would change the reward during
    training.

    :param gained_m: net advance along the centre line, m
    :param cte: cross-track error, u
    :param max_cte: cross-track error that ends an episode, u
    """
    excess = np.maximum(np.abs(cte) / max_cte - SAFE_SHARE, 0.0) / (1.0 - SAFE_SHARE)
    return gained_m - STRAYING_M * excess


def evaluation_return(earned: Reals, net_m: Reals) -> Reals:
    """The simulator's rewards so far, capped by what the net progress so far could have earned.

    Driving v m/s along the road earns at most v a step, in all ``CONTROL_HZ`` times the metres
    driven. On bends of 8 u and more the cap never binds, since the outside of a bend costs more in
    cte than it gains in metres. Circling, shuttling and standing still score by net progress.
    """
    return np.minimum(earned, CONTROL_HZ * (net_m + ALLOWANCE_M))


def straightness_gate(displacement_m: float, driven_m: float) -> float:
    """Factor from 0, circling, to 1, driving on."""
    if driven_m < WINDOW_M / 2:
        return 1.0  # too short a stretch to tell
    straightness = displacement_m / driven_m
    return min(max((straightness - CLOSED_BELOW) / (OPEN_ABOVE - CLOSED_BELOW), 0.0), 1.0)


class ControlStep(NamedTuple):
    """One control step of n cars, as the rewards see it; each field is (n,).

    ``simulator`` is the simulator's reward, ``CRASH_REWARD`` in a crash. ``earned`` is its sum over
    the episode and ``net_m`` the net advance in metres, both before this step and after it.
    """

    simulator: Array
    crashed: NDArray[np.bool_]
    speed: Array
    cte: Array
    earned_before: Array
    earned: Array
    net_before_m: Array
    net_m: Array


def _simulator(step: ControlStep, max_cte: float) -> Array:
    return step.simulator


def _speed(step: ControlStep, max_cte: float) -> Array:
    return np.where(step.crashed, step.simulator, speed_reward(step.speed, step.cte, max_cte))


def _race(step: ControlStep, max_cte: float) -> Array:
    gained_m = step.net_m - step.net_before_m
    return np.where(step.crashed, -CRASH_M, race_reward(gained_m, step.cte, max_cte))


def _evaluation(step: ControlStep, max_cte: float) -> Array:
    before = evaluation_return(step.earned_before, step.net_before_m)
    return np.asarray(evaluation_return(step.earned, step.net_m) - before)


# Rewards that need no more than a ``ControlStep``.
FORMULAS: dict[str, Callable[[ControlStep, float], Array]] = {
    "sim": _simulator,
    "speed": _speed,
    "race": _race,
    EVALUATION_REWARD: _evaluation,
}
REWARDS = ("sim", "speed", "efficiency", "race", EVALUATION_REWARD)


class RewardMeter:
    """Rewards of n cars, step by step; remembers what the formulas need of the episodes so far.

    :param name: one of ``FORMULAS``
    :param n: how many cars
    :param max_cte: cross-track error that ends an episode, u
    """

    def __init__(self, name: str, n: int, max_cte: float) -> None:
        self.formula = FORMULAS[name]
        self.max_cte = max_cte
        self._earned = np.zeros(n)
        self._net_m = np.zeros(n)

    def restart(self, k: int) -> None:
        """Begin a new episode of the ``k``-th car."""
        self._earned[k] = 0.0
        self._net_m[k] = 0.0

    def rewards(
        self, simulator: Array, crashed: NDArray[np.bool_], speed: Array, cte: Array, net_m: Array
    ) -> Array:
        """Rewards (n,) of the next step.

        :param simulator: the simulator's rewards (n,)
        :param crashed: cars (n,) whose episode has ended by the driver's fault
        :param speed: m/s (n,)
        :param cte: cross-track errors (n,) in u
        :param net_m: net advance (n,) since the start of the episode, m
        """
        earned = self._earned + simulator
        step = ControlStep(simulator, crashed, speed, cte, self._earned, earned, self._net_m, net_m)
        self._earned = earned
        self._net_m = net_m
        return self.formula(step, self.max_cte)


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
