"""Curricula: gentle roads first, level replay, narrow crossings."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnv

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.simulator.tracks import build_track, load_scene
from agent.worlds.base import Learner, Purpose
from agent.worlds.donkey.curriculum import (
    FIRST_THROTTLE,
    GENTLEST,
    NARROW,
    SAMPLE,
    STALE_SHARE,
    DonkeyCurriculum,
    RoadReplay,
    sharpness,
)
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.world import WORLD

RANDOM, SCENE = "donkey-random-track-v0", "random_track"
AHEAD = np.tile([0.0, 1.0], (2, 1)).astype(np.float32)
TIMESTEPS = 1000


def training(**options: Any) -> VecEnv:
    learner = Learner(timesteps=TIMESTEPS)
    return WORLD.make_vec([RANDOM], DonkeyOptions(**options), 2, Purpose.TRAIN, 0, learner)


def curriculum_of(vec_env: VecEnv) -> DonkeyCurriculum:
    curriculum = WORLD.curriculum(vec_env)
    assert isinstance(curriculum, DonkeyCurriculum)
    return curriculum


def sharpest(curriculum: DonkeyCurriculum) -> float:
    """Sharpness of the sharpest road of thirty new episodes."""
    rng = np.random.default_rng(0)
    scene = load_scene(SCENE)
    return max(sharpness(SCENE, curriculum.draw(scene, rng)) for _ in range(30))


def test_roads_are_gentle_at_first_and_any_in_the_end() -> None:
    vec_env = training(roads=40, curriculum_share=0.5)
    curriculum = curriculum_of(vec_env)
    every = [sharpness(SCENE, road) for road in range(SAMPLE)]
    found = []
    for steps in (0, 250, 500):
        curriculum.advance_to(steps)
        found.append(sharpest(curriculum))
    assert found[0] <= np.quantile(every, GENTLEST)
    assert found[0] < found[1] < found[2]
    assert found[2] > np.quantile(every, 0.8)
    vec_env.close()


def speed_after(vec_env: VecEnv, steps: int) -> float:
    vec_env.reset()
    for _ in range(steps):
        vec_env.step(AHEAD)
    return float(vec_env.get_attr("unwrapped")[0].world.telemetry().speed)


@pytest.mark.parametrize("reward", ["sim", "efficiency"])  # the second is not stepped in a batch
def test_the_throttle_grows_with_the_steps_of_training(reward: str) -> None:
    limits = {"throttle_min": 0.1, "throttle_max": 0.5, "max_cte": 100.0}
    grown = training(roads=4, curriculum_share=0.5, reward=reward, **limits)
    free = training(roads=4, reward=reward, **limits)
    env = grown.get_attr("unwrapped")[0]
    assert env.throttle_cap == pytest.approx(0.1 + 0.4 * FIRST_THROTTLE)
    assert 0.0 < speed_after(grown, 15) < 0.7 * speed_after(free, 15)
    speed_after(grown, 235)
    assert env.throttle_cap == pytest.approx(0.5)
    for each in (grown, free):
        each.close()


def test_a_resumed_training_is_as_grown_as_it_was() -> None:
    driven = training(roads=4, curriculum_share=0.5)
    speed_after(driven, 100)
    resumed = training(roads=4, curriculum_share=0.5)
    curriculum_of(resumed).advance_to(200)
    caps = [each.get_attr("throttle_cap") for each in (driven, resumed)]
    assert caps[0] == caps[1]


def test_scores_of_steps_go_to_the_roads_that_they_were_driven_on() -> None:
    vec_env = training(roads=5, road_replay=1.0)
    curriculum = curriculum_of(vec_env)
    vec_env.reset()
    roads = vec_env.get_attr("road")
    vec_env.step(AHEAD)
    vec_env.step(AHEAD)
    curriculum.note_scores(np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32))
    state = curriculum.state()
    assert state is not None
    assert roads[0] != roads[1]
    assert state.scores[roads].tolist() == [2.0, 3.0]
    assert np.isinf(state.scores).sum() == 3


def test_level_replay_goes_on_from_a_kept_state() -> None:
    first = curriculum_of(training(roads=5, road_replay=1.0))
    first.restore(RoadReplay(5, 0.0))
    kept = pickle.loads(pickle.dumps(first.state()))
    second = curriculum_of(training(roads=5, road_replay=1.0))
    second.restore(kept)
    rngs = [np.random.default_rng(4) for _ in range(2)]
    scene = load_scene(SCENE)
    roads = [
        [each.draw(scene, rng) for _ in range(9)]
        for each, rng in zip((first, second), rngs, strict=True)
    ]
    assert roads[0] == roads[1]


def test_an_old_state_s_replay_loads_by_its_old_path() -> None:
    pickled = pickle.dumps(RoadReplay(3, 0.5), protocol=0)
    old = pickled.replace(b"agent.worlds.donkey.curriculum", b"agent.envs.road_replay")
    assert old != pickled
    assert isinstance(pickle.loads(old), RoadReplay)


def test_roads_that_nobody_drove_come_first_then_those_with_the_highest_score() -> None:
    replay = RoadReplay(10, 1.0)
    rng = np.random.default_rng(0)
    for road in range(8):
        replay.note(np.array([road, road]), np.array([road, road + 1.0], dtype=np.float32))
    assert set(np.argsort(-replay.probabilities())[:2]) == {8, 9}
    for road in (8, 9):
        replay.note(np.array([road]), np.array([0.0], dtype=np.float32))
    drawn = np.bincount([replay.draw(rng) for _ in range(2000)], minlength=10)
    assert drawn.argmax() == 7
    assert drawn[7] > 1.5 * drawn[5] > 0
    assert drawn.min() > 2000 * STALE_SHARE / 10 / 3, "none is forgotten for ever"


def test_without_a_share_draws_are_even() -> None:
    replay = RoadReplay(4, 0.0)
    rng = np.random.default_rng(0)
    replay.note(np.array([2]), np.array([100.0], dtype=np.float32))
    drawn = np.bincount([replay.draw(rng) for _ in range(4000)], minlength=4)
    assert drawn.min() > 900


def test_a_score_moves_halfway_to_what_is_found_now() -> None:
    replay = RoadReplay(2, 1.0)
    replay.note(np.array([0]), np.array([4.0], dtype=np.float32))
    replay.note(np.array([0, 1, 0]), np.array([0.0, 3.0, 4.0], dtype=np.float32))
    assert replay.scores.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("share", "least", "most"), [(0.01, 0.0, 0.25), (0.5, 0.4, 0.75), (1.0, 1.0, 1.0)]
)
def test_a_share_of_generated_roads_is_drawn_for_a_narrow_crossing(
    share: float, least: float, most: float
) -> None:
    env = DonkeyEnv("generated_road", {"road": "new", "roads": 512})
    curriculum = DonkeyCurriculum([env], 512, narrow_share=share)
    rng = np.random.default_rng(3)
    scene = load_scene("generated_road")
    tracks = [build_track(scene, curriculum.draw(scene, rng)) for _ in range(60)]
    narrow = [track.narrowness.max(initial=0.0) > NARROW for track in tracks]
    assert least <= np.mean(narrow) <= most


def test_the_environment_drives_the_roads_that_the_curriculum_draws() -> None:
    env = DonkeyEnv("generated_road", {"road": "new", "roads": 512})
    DonkeyCurriculum([env], 512, narrow_share=1.0)
    env.reset(seed=3)
    env.reset()
    assert env.world.track.narrowness.max(initial=0.0) > NARROW


def test_two_that_choose_roads_are_refused() -> None:
    with pytest.raises(UserError, match="both choose roads; set one to 0"):
        TrialConfig.of(curriculum_share=0.5, roads=8, road_replay=0.5)
