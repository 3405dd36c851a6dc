"""A curriculum: training begins on gentle roads at low speed and grows to all roads at any speed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.road_choice import draw_gentle

SLOWEST = 0.4  # share of the throttle's range that training begins with


class Growing(VecEnvWrapper):
    """Worlds whose random roads are at first the gentlest and whose throttle is at first low.

    Both bounds rise evenly with the steps, until after ``steps`` there are none.

    :param worlds: embedded, or on the wire, where only the throttle grows
    :param roads: how many random roads there are, 0 for as many as there are seeds
    """

    def __init__(self, worlds: VecEnv, steps: float, roads: int) -> None:
        super().__init__(worlds)
        self.steps, self.roads = steps, roads or 2**31
        self.cars: list[DonkeyEnv] = worlds.get_attr("unwrapped")
        for car in self.cars:
            car.choose_road = partial(self._draw, car.world.scene.name)
        self.grown_to(0)

    def grown_to(self, steps: int) -> None:
        """Be as after so many steps of training."""
        self._driven = steps
        self.share = min(steps / self.steps, 1.0)
        for car in self.cars:
            least, most = car.action_space.low[1], car.action_space.high[1]  # type: ignore[attr-defined]
            # As short a number as an action, so that one by one and in a batch the same is driven.
            car.throttle_cap = float(
                np.float32(least + (most - least) * (SLOWEST + (1.0 - SLOWEST) * self.share))
            )

    def _draw(self, scene: str, rng: np.random.Generator) -> int:
        return draw_gentle(scene, self.roads, self.share, rng)

    def reset(self) -> VecEnvObs:
        return self.venv.reset()

    def step_async(self, actions: Any) -> None:
        self.grown_to(self._driven + self.num_envs)
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        return self.venv.step_wait()
