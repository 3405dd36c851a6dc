"""What a trained driver is compared with: chance, the untrained network, a hand on the line, the reference lap."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gymnasium import spaces

from agent.config.algorithms import DEFAULTS
from agent.config.trial import TrialConfig
from agent.simulator.world import World
from agent.training.algorithms import build
from agent.training.vec_envs import make_training_worlds
from agent.worlds.donkey.experts.line_follower import LineFollower, drive_laps, reference_line
from agent.worlds.donkey.judging.baselines import (
    FOLLOWER,
    KNOWN_LAPS,
    RANDOM,
    REFERENCE_LAPS,
    UNTRAINED,
    RandomPolicy,
    baseline_races,
    baseline_scores,
    race_reference,
    reference_lap,
    untrained,
)

QUICK, OPEN = "donkey-waveshare-v0", "donkey-generated-roads-v0"


def tiny(**changes: object) -> TrialConfig:
    settings = {"timesteps": 64, "n_envs": 1, "max_episode_steps": 300, "device": "cpu"}
    return TrialConfig(**(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("agent", DEFAULTS)
def test_the_untrained_policy_is_the_algorithms_own_before_it_learns(agent: str) -> None:
    config = tiny(agent=agent)
    worlds = make_training_worlds(config, 0.9)
    model = build(config, worlds)
    observations = np.asarray(worlds.reset())
    fresh, again, other = untrained(model, 1), untrained(model, 1), untrained(model, 2)
    assert isinstance(fresh, type(model.policy))
    weights = [
        next(weight for name, weight in policy.named_parameters() if name.endswith("shapes.weight"))  # type: ignore[attr-defined]
        for policy in (fresh, again, other, model.policy)
    ]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2]) and not weights[0].equal(weights[3])
    actions, _ = fresh.predict(observations, None, np.array([True]), True)
    assert model.action_space.contains(actions[0])
    worlds.close()


def test_chance_draws_evenly_from_either_kind_of_actions() -> None:
    box = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
    actions, _ = RandomPolicy(box, 0).predict(np.zeros((500, 1)))
    assert actions.shape == (500, 2) and np.abs(actions.mean(axis=0)).max() < 0.1
    assert np.array_equal(actions, RandomPolicy(box, 0).predict(np.zeros((500, 1)))[0])
    bins, _ = RandomPolicy(spaces.Discrete(6), 0).predict(np.zeros((500, 1)))
    assert set(bins) == set(range(6))


def test_the_floors_drive_the_models_own_episodes() -> None:
    config = tiny(agent="dqn")
    worlds = make_training_worlds(config, 0.9)
    model = build(config, worlds)
    worlds.close()
    scores = baseline_scores(model, config, QUICK, episodes=2, seed=3)
    assert list(scores) == [RANDOM, UNTRAINED, FOLLOWER]
    assert scores == baseline_scores(model, config, QUICK, episodes=2, seed=3)
    assert scores[FOLLOWER].laps == [1, 1] and scores[RANDOM].laps == [0, 0]
    assert scores[FOLLOWER].mean_reward > 2.0 * scores[RANDOM].mean_reward
    races = baseline_races(model, config, QUICK, laps=1, seed=3)
    assert races[RANDOM].total_sec is None and races[FOLLOWER].crashes == 0


@pytest.mark.parametrize("scene", ["waveshare", "generated_track"])
def test_a_known_reference_lap_is_what_the_reference_drives(scene: str) -> None:
    known = json.loads(KNOWN_LAPS.read_text())["0.35"][scene]
    assert (
        min(
            drive_laps(
                World(scene), LineFollower(reference_line(scene, throttle=0.35)), REFERENCE_LAPS
            )
        )
        == known
    )


def test_the_reference_lap_is_driven_with_the_models_own_limits() -> None:
    slow, known, strict = (
        reference_lap(QUICK, 8.0, 0.2),
        reference_lap(QUICK, 8.0, 0.35),
        reference_lap(QUICK, 4.0, 0.35),
    )
    assert slow and known and strict
    assert known < slow and known < strict


def test_roads_of_the_seed_have_a_reference_in_a_race_only() -> None:
    assert reference_lap(OPEN, 8.0, 0.35) is None
    assert reference_lap("donkey-random-track-v0", 8.0, 0.35) is None
    first, second = (race_reference(tiny(), OPEN, 1, seed) for seed in (3, 4))
    assert first and second and first != second
    loop = race_reference(tiny(), "donkey-random-track-v0", 1, 3)
    assert loop and loop < first
