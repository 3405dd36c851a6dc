"""Rewards of a control step: the simulator's, those to train on, and the evaluation reward.

Each is one function of floats or arrays and one entry in ``FORMULAS``. ``RewardMeter`` applies an
entry to n cars at once: the wrappers of ``reward_wrappers`` have one car, ``DonkeyVectorEnv`` many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.simulator.world import CONTROL_HZ

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
    driven. On bends of 8 u and more the cap never binds: the outside of a bend costs more in cte
    than it gains in metres. Circling, shuttling and standing still score by net progress.
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
