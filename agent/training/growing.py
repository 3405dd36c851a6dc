"""A curriculum: training begins on gentle roads at low speed and grows to all roads at any speed."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.envs.donkey_env import DonkeyEnv
from agent.simulator.tracks import Scene, build_track, load_scene

GENTLEST, SLOWEST = 0.125, 0.4  # share of the roads, and of the throttle's range, that training begins with
SHARP = 95  # percentile of a road's curvature by which roads are compared
SAMPLE = 64  # roads of a scene that say what share of all is gentler than a road
MOST_DRAWS = 64  # of which the gentlest is driven if none is gentle enough


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
            least, most = car.conf["throttle_min"], car.conf["throttle_max"]
            car.throttle_cap = least + (most - least) * (SLOWEST + (1.0 - SLOWEST) * self.share)

    def _draw(self, scene: str, rng: np.random.Generator) -> int:
        """A road that is gentle enough for now."""
        drawn = int(rng.integers(self.roads))
        if self.share == 1.0:
            return drawn
        limit = np.quantile(_sample(scene), GENTLEST + (1.0 - GENTLEST) * self.share)
        for _ in range(MOST_DRAWS):
            if sharpness(scene, drawn) <= limit:
                break
            drawn = min(drawn, int(rng.integers(self.roads)), key=partial(sharpness, scene))
        return drawn

    def reset(self) -> VecEnvObs:
        return self.venv.reset()

    def step_async(self, actions: Any) -> None:
        self.grown_to(self._driven + self.num_envs)
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        return self.venv.step_wait()


@lru_cache(maxsize=4096)
def sharpness(scene: str, seed: int) -> float:
    """How sharply a road bends: the ``SHARP``-th percentile of its curvature, 1/u."""
    track = build_track(_scene(scene), seed)
    heading = np.unwrap(np.arctan2(track.direction[:, 0], track.direction[:, 1]))
    return float(np.percentile(np.abs(np.diff(heading)) / track.span_u[:-1], SHARP))


@lru_cache
def _sample(scene: str) -> tuple[float, ...]:
    return tuple(sharpness(scene, seed) for seed in range(SAMPLE))


@lru_cache
def _scene(name: str) -> Scene:
    return load_scene(name)
