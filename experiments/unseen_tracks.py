"""Measures of a model on tracks that it has never seen: named ones, random and generated roads."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Score, evaluate
from agent.worlds.base import Episode, Learner, Purpose, world_named
from agent.worlds.donkey.curriculum import NARROW, narrowest_crossing
from agent.worlds.donkey.env import TRUNCATIONS
from agent.worlds.donkey.judging.baselines import race_reference, reference_lap
from agent.worlds.donkey.judging.race import race, race_env
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.tasks import SCENE_OF_ENV

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor

WORLD = world_named("donkey")
RANDOM = "donkey-random-track-v0"
GENERATED = "donkey-generated-roads-v0"
NAMED = tuple(env_id for env_id in SCENE_OF_ENV if env_id != RANDOM)
# Lengths in control steps of 0.05 s and numbers of episodes are chosen.
SEED = 0
LAP_EPISODES = 3  # on each named track
LAP_STEPS = 2400
MAX_CTE = 8.0  # Unity units
HELD_STARTS = 16  # on each named track
HELD_STEPS = 600
SURVIVED_EPISODES = 48
SURVIVED_STEPS = 500
SURVIVED_SIDE_BY_SIDE = 16
RACE_LAPS = 3
FIRST_ROAD = 9000  # seed of the first generated road
ROADS = 288
ROADS_SIDE_BY_SIDE = 96


def evaluate_unseen(
    model: PolicyPredictor, config: TrialConfig, with_races: bool
) -> dict[str, Any]:
    """Laps, starts held and random roads survived, as a line of the experiments' ledgers has them.

    :param model: a trained one
    :param config: the configuration that trained it
    :param with_races: races on the named tracks and all the generated roads as well
    """
    assert isinstance(config.world, DonkeyOptions)
    evaluator = UnseenEvaluator(model, config.world, config.learner.discrete)
    tracks = evaluator.laps()
    held = evaluator.held()
    for scene, stayed in held.items():
        tracks[scene]["held"] = float(np.mean(stayed))
    if with_races:
        for env_id in NAMED:
            tracks[SCENE_OF_ENV[env_id]] |= evaluator.raced(env_id)
    found = {
        "lapped": sum(track["lapped"] for track in tracks.values()),
        "held": float(np.mean(list(held.values()))),
        "survived": evaluator.survived(),
        "tracks": tracks,
    }
    if with_races:
        ratios = [track["raced_of_reference"] for track in tracks.values()]
        found["raced"] = sum(track["crashes"] == 0 for track in tracks.values())
        found["of_reference"] = mean_or_none([ratio for ratio in ratios if ratio])
        found |= evaluator.generated_roads()
    return found


def mean_or_none(values: Sequence[float]) -> float | None:
    """Mean of the values, None without any."""
    return float(np.mean(values)) if values else None


def ratio_or_none(seconds: float | None, reference: float | None) -> float | None:
    """Seconds as a multiple of the reference's, None where either lacks."""
    if not seconds or not reference:
        return None
    return seconds / reference


@dataclass(frozen=True)
class UnseenEvaluator:
    """Evaluates a model deterministically, as it was trained to sense and act.

    :param model: a trained one
    :param options: of the world that it was trained in
    :param discrete: it chooses among numbered actions
    """

    model: PolicyPredictor
    options: DonkeyOptions
    discrete: bool

    @property
    def first_seed(self) -> int:
        """Seed of the first environment."""
        return Purpose.JUDGE.first_seed(SEED)

    def laps(self) -> dict[str, dict[str, Any]]:
        """Laps on each named track in episodes of two minutes, by scene."""
        count = LAP_EPISODES * len(NAMED)
        episodes = self._episodes(NAMED, self._plain(LAP_STEPS), count, Purpose.JUDGE)
        return {
            SCENE_OF_ENV[env_id]: self._laps_on(env_id, episodes[k :: len(NAMED)])
            for k, env_id in enumerate(NAMED)
        }

    def _laps_on(self, env_id: str, episodes: list[Episode]) -> dict[str, Any]:
        finished = [
            episode.measures["laps"] > 0 or episode.end_reason == "finished" for episode in episodes
        ]
        progress = np.mean([episode.measures["progress"] for episode in episodes])
        mean_lap_sec = Score(WORLD, episodes).to_json()["mean_lap_sec"]
        ratio = None
        if mean_lap_sec:
            reference = reference_lap(env_id, MAX_CTE, self.options.throttle_max)
            ratio = ratio_or_none(mean_lap_sec, reference)
        return {
            "lapped": all(finished),
            "progress": round(float(progress), 3),
            "mean_lap_sec": mean_lap_sec,
            "of_reference": round(ratio, 3) if ratio else None,
        }

    def held(self) -> dict[str, list[bool]]:
        """True for each start anywhere on a named track that is held for 30 s, by scene."""
        # Training's episodes start anywhere, and plain ones are chosen by no curriculum.
        options = replace(
            self._plain(HELD_STEPS),
            reward="speed",
            reward_shaping=False,
            road_replay=0.0,
            curriculum_share=0.0,
            narrow_crossing_share=0.0,
        )
        episodes = self._episodes(NAMED, options, HELD_STARTS * len(NAMED), Purpose.TRAIN)
        stayed = [episode.end_reason in TRUNCATIONS for episode in episodes]
        return {SCENE_OF_ENV[env_id]: stayed[k :: len(NAMED)] for k, env_id in enumerate(NAMED)}

    def survived(self) -> float:
        """Share of episodes of 25 s on random roads in random looks that run out of time."""
        options = replace(self.options, appearance="random", max_episode_steps=SURVIVED_STEPS)
        vec_env = WORLD.make_vec(
            [RANDOM], options, SURVIVED_SIDE_BY_SIDE, Purpose.CHOOSE, SEED, self._learner
        )
        with closing(vec_env):
            score = evaluate(self.model, WORLD, vec_env, SURVIVED_EPISODES, self.first_seed)
        return float(np.mean([episode.end_reason == "time_limit" for episode in score.episodes]))

    def raced(self, env_id: str) -> dict[str, Any]:
        """Crashes and lap times of a race on a named track."""
        env = race_env(self.options, self.discrete, env_id)
        driven = race(env, self.model, RACE_LAPS, self.first_seed)
        reference = race_reference(self.options, env_id, RACE_LAPS, self.first_seed)
        return {
            "crashes": driven.crashes,
            "raced_sec": driven.mean_lap_sec,
            "raced_of_reference": ratio_or_none(driven.mean_lap_sec, reference),
        }

    def generated_roads(self) -> dict[str, float]:
        """Shares driven to their end: of generated roads, of crossing ones, of narrow ones."""
        arrived: list[bool] = []
        vec_env = WORLD.make_vec(
            [GENERATED],
            self._plain(LAP_STEPS),
            ROADS_SIDE_BY_SIDE,
            Purpose.JUDGE,
            SEED,
            self._learner,
        )
        roads = range(FIRST_ROAD, FIRST_ROAD + ROADS)
        with closing(vec_env):
            for first in roads[::ROADS_SIDE_BY_SIDE]:
                score = evaluate(self.model, WORLD, vec_env, ROADS_SIDE_BY_SIDE, first)
                arrived += [episode.end_reason in TRUNCATIONS for episode in score.episodes]
        scene = SCENE_OF_ENV[GENERATED]
        narrow = np.array([narrowest_crossing(scene, road) for road in roads])
        return {
            "roads": float(np.mean(arrived)),
            "crossings": float(np.array(arrived)[narrow > 0.0].mean()),
            "narrow_crossings": float(np.array(arrived)[narrow > NARROW].mean()),
        }

    @property
    def _learner(self) -> Learner:
        return Learner(self.discrete)

    def _plain(self, steps: int) -> DonkeyOptions:
        """The options in the tracks' own looks, for episodes of so many steps."""
        return replace(self.options, appearance="plain", max_episode_steps=steps, max_cte=MAX_CTE)

    def _episodes(
        self, tasks: Sequence[str], options: DonkeyOptions, count: int, purpose: Purpose
    ) -> list[Episode]:
        """One episode in each of ``count`` environments side by side, the tasks dealt in turn."""
        vec_env = WORLD.make_vec(tasks, options, count, purpose, SEED, self._learner)
        with closing(vec_env):
            return evaluate(self.model, WORLD, vec_env, count, self.first_seed).episodes
