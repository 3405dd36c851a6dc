"""Curricula: what the training episodes of the DonkeyCar world are like, and how that changes.

There are three ways to choose among random roads, of which a trial has at most one. A curriculum
that grows begins with gentle roads at low speed and ends with all roads at any speed (Bengio et al.
2009). Level replay draws roads again on which there is much left to learn (Jiang et al. 2021). The
third draws more roads that cross themselves narrowly, where an expert's labels are of most use.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.simulator.tracks import Scene, Track, build_track, load_scene
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.options import RANDOM_ROADS

# All of these are chosen.
FIRST_THROTTLE = 0.4  # share of the throttle's range that a growing curriculum begins with
GENTLEST = 0.125  # share of the roads that it begins with
SHARPNESS_PERCENTILE = 95  # of a road's curvature, by which roads are compared
SAMPLE = 64  # roads of a scene that say which share of all is gentler than a road
MOST_DRAWS = 64  # after which the best road drawn so far is taken
NARROW = 0.6  # cosine between the directions of a crossing, from which on it is narrow: 53 degrees
# A road's weight is rank ** (-1 / TEMPERATURE). The paper's 0.1 leaves most of a pool of hundreds
# unseen.
TEMPERATURE = 0.3
STALE_SHARE = 0.1  # of the prioritised draws, by how long ago a road was driven (the paper's rho)
MEMORY = 0.5  # share of a road's old score in its new one


class RoadReplay:
    """Prioritised level replay over a pool of random roads; those not driven yet come first.

    :param roads: how many there are
    :param share: of the draws that are prioritised, the others are even
    """

    def __init__(self, roads: int, share: float) -> None:
        self.share = share
        self.scores: NDArray[np.float64] = np.full(roads, np.inf)
        self._driven_at: NDArray[np.int64] = np.zeros(roads, dtype=np.int64)
        self._clock = 0

    def draw(self, rng: np.random.Generator) -> int:
        """Number of the road of the next episode."""
        self._clock += 1
        road = int(rng.integers(len(self.scores)))
        if rng.random() < self.share:
            road = int(rng.choice(len(self.scores), p=self.probabilities()))
        self._driven_at[road] = self._clock
        return road

    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities (roads,) of a prioritised draw."""
        rank = np.empty(len(self.scores))
        rank[np.argsort(-self.scores, kind="stable")] = np.arange(1, len(self.scores) + 1)
        weight = rank ** (-1.0 / TEMPERATURE)
        by_score = (1.0 - STALE_SHARE) * weight / weight.sum()
        staleness = (self._clock - self._driven_at).astype(float)
        return by_score + STALE_SHARE * staleness / max(staleness.sum(), 1e-9)

    def note(self, roads: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Take note of steps: how much there was to learn from each.

        :param roads: number (n,) of the road of every step
        :param scores: learning potential (n,) of every step
        """
        for road in np.unique(roads):
            fresh = float(scores[roads == road].mean())
            old = self.scores[road]
            if not np.isinf(old):
                fresh = MEMORY * old + (1.0 - MEMORY) * fresh
            self.scores[road] = fresh


class DonkeyCurriculum:
    """Chooses the random roads of training episodes; see ``capabilities.Curriculum``.

    At most one of the last three parameters is above 0.

    :param envs: environments that train, in the order in which they are stepped
    :param roads: how many random roads there are, 0 for as many as there are seeds
    :param growth_steps: steps after which gentle roads and low speed have grown to all
    :param replay_share: of the draws that are prioritised by level replay
    :param narrow_share: of the generated roads that are drawn for a narrow crossing
    """

    def __init__(
        self,
        envs: Sequence[DonkeyEnv],
        roads: int,
        growth_steps: float = 0.0,
        replay_share: float = 0.0,
        narrow_share: float = 0.0,
    ) -> None:
        self.envs = envs
        self.roads = roads or RANDOM_ROADS
        self.growth_steps = growth_steps
        self.narrow_share = narrow_share
        self.replay = RoadReplay(roads, replay_share) if replay_share else None
        self._driven: list[NDArray[np.int64]] = []  # roads of every step since scores were noted
        for env in envs:
            env.choose_road = partial(self.draw, env.world.scene)
        self.advance_to(0)

    def draw(self, scene: Scene, rng: np.random.Generator) -> int:
        """Number of the random road of a new episode in ``scene``."""
        if self.replay:
            return self.replay.draw(rng)
        if self.growth_steps:
            return draw_gentle(scene.name, self.roads, self.grown, rng)
        # Loops, the other kind of random road, cross themselves by rule.
        if scene.path["kind"] == "random" and rng.random() < self.narrow_share:
            return draw_narrow(scene.name, self.roads, rng)
        return int(rng.integers(RANDOM_ROADS))

    def before_step(self) -> None:
        """Take note that every environment is about to be stepped."""
        if self.replay:
            self._driven.append(np.array([env.road for env in self.envs]))
        self.advance_to(self._timesteps + len(self.envs))

    def note_scores(self, scores: NDArray[np.float32]) -> None:
        """See ``Curriculum``; only level replay goes by them."""
        if self.replay:
            self.replay.note(np.concatenate(self._driven), scores.ravel())
            self._driven.clear()

    def advance_to(self, timesteps: int) -> None:
        """See ``Curriculum``; only a curriculum that grows goes by the steps."""
        self._timesteps = timesteps
        if not self.growth_steps:
            return
        self.grown = min(timesteps / self.growth_steps, 1.0)
        for env in self.envs:
            box = cast(spaces.Box, env.action_space)
            share = FIRST_THROTTLE + (1.0 - FIRST_THROTTLE) * self.grown
            # In float32 as actions are, so that one by one and in a batch the same is driven.
            env.throttle_cap = float(np.float32(box.low[1] + (box.high[1] - box.low[1]) * share))

    def state(self) -> RoadReplay | None:
        """Scores of the roads; None without level replay, for then the steps say all."""
        return self.replay

    def restore(self, state: RoadReplay | None) -> None:
        """Go on with the scores of a ``state``."""
        self.replay = state


class CurriculumVecEnv(VecEnvWrapper):
    """Tells a curriculum of every step.

    :param venv: environments whose episodes the curriculum chooses
    :param curriculum: over the same environments
    """

    def __init__(self, venv: VecEnv, curriculum: DonkeyCurriculum) -> None:
        super().__init__(venv)
        self.curriculum = curriculum

    def reset(self) -> VecEnvObs:
        return self.venv.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        self.curriculum.before_step()
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        return self.venv.step_wait()


def draw_gentle(scene: str, roads: int, grown: float, rng: np.random.Generator) -> int:
    """Number of a random road that is gentle enough.

    :param scene: name of the scene
    :param roads: the number is below this
    :param grown: progress of the curriculum, from 0, the gentlest roads, to 1, all of them
    :param rng: draws it
    """
    road = int(rng.integers(roads))
    if grown >= 1.0:
        return road
    limit = np.quantile(_sampled_sharpness(scene), GENTLEST + (1.0 - GENTLEST) * grown)
    for _ in range(MOST_DRAWS):
        if sharpness(scene, road) <= limit:
            break
        road = min(road, int(rng.integers(roads)), key=partial(sharpness, scene))
    return road


def draw_narrow(scene: str, roads: int, rng: np.random.Generator) -> int:
    """Number of a random road with a narrow crossing, or of any where none is found.

    :param scene: name of the scene
    :param roads: the number is below this
    :param rng: draws it
    """
    for _ in range(MOST_DRAWS):
        road = int(rng.integers(roads))
        if narrowest_crossing(scene, road) > NARROW:
            break
    return road


@lru_cache(maxsize=4096)
def narrowest_crossing(scene: str, seed: int) -> float:
    """Cosine between the directions of a road's narrowest crossing, 0 where it has none."""
    return float(_track(scene, seed).narrowness.max(initial=0.0))


@lru_cache(maxsize=4096)
def sharpness(scene: str, seed: int) -> float:
    """Curvature of a road, 1/u: the percentile ``SHARPNESS_PERCENTILE`` along it."""
    track = _track(scene, seed)
    heading = np.unwrap(np.arctan2(track.direction[:, 0], track.direction[:, 1]))
    curvature = np.abs(np.diff(heading)) / track.span_u[:-1]
    return float(np.percentile(curvature, SHARPNESS_PERCENTILE))


@lru_cache
def _sampled_sharpness(scene: str) -> tuple[float, ...]:
    return tuple(sharpness(scene, seed) for seed in range(SAMPLE))


def _track(scene: str, seed: int) -> Track:
    return build_track(_scene(scene), seed)


@lru_cache
def _scene(name: str) -> Scene:
    return load_scene(name)
