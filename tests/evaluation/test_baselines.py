"""Baselines of any world: chance, the untrained network, and the world's own scripts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from gymnasium import spaces

from agent.config.algorithms import ALGORITHMS
from agent.config.trial import TrialConfig
from agent.evaluation.baselines import (
    RANDOM,
    UNTRAINED,
    RandomPolicy,
    baseline_scores,
    untrained,
)
from agent.training.algorithms import build
from agent.training.vec_envs import make_training_envs
from agent.worlds.donkey.judging.baselines import FOLLOWER

QUICK = "donkey-waveshare-v0"


@pytest.mark.parametrize("agent", ALGORITHMS)
def test_the_untrained_policy_is_the_algorithms_own_before_it_learns(
    agent: str, tiny: Callable[..., TrialConfig]
) -> None:
    config = tiny(agent=agent, n_envs=1)
    training = make_training_envs(config)
    model = build(config, training)
    observations = np.asarray(training.vec_env.reset())
    policies = (untrained(model, 1), untrained(model, 1), untrained(model, 2), model.policy)
    assert isinstance(policies[0], type(model.policy))
    fresh, again, other, own = (
        next(
            weight
            for name, weight in policy.named_parameters()  # type: ignore[attr-defined]
            if name.endswith("shapes.weight")
        )
        for policy in policies
    )
    assert fresh.equal(again)
    assert not fresh.equal(other) and not fresh.equal(own)
    actions, _ = policies[0].predict(observations, None, np.array([True]), True)
    assert model.action_space.contains(actions[0])
    training.vec_env.close()


def test_chance_draws_evenly_from_either_kind_of_actions() -> None:
    box = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
    observations = np.zeros((500, 1))
    actions, _ = RandomPolicy(box, 0).predict(observations)
    assert actions.shape == (500, 2) and np.abs(actions.mean(axis=0)).max() < 0.1
    assert np.array_equal(actions, RandomPolicy(box, 0).predict(observations)[0])
    bins, _ = RandomPolicy(spaces.Discrete(6), 0).predict(observations)
    assert set(bins) == set(range(6))


def test_the_baselines_drive_the_models_own_episodes(tiny: Callable[..., TrialConfig]) -> None:
    config = tiny(agent="dqn", max_episode_steps=300)
    training = make_training_envs(config)
    model = build(config, training)
    training.vec_env.close()
    scores = baseline_scores(model, config, QUICK, episodes=2, seed=3)
    assert list(scores) == [RANDOM, UNTRAINED, FOLLOWER]
    assert scores == baseline_scores(model, config, QUICK, episodes=2, seed=3)
    assert scores[FOLLOWER].to_json()["laps"] == [1, 1]
    assert scores[RANDOM].to_json()["laps"] == [0, 0]
    assert scores[FOLLOWER].mean_reward > 2.0 * scores[RANDOM].mean_reward
