"""Environments as policies meet them: new roads in training, kept ones in evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from agent.worlds.donkey.make_env import make_env


def test_random_roads_are_new_in_every_training_episode_and_kept_in_evaluation() -> None:
    for reward, roads in (("sim", 3), ("yardstick", 1)):
        env: Any = make_env("donkey-random-track-v0", reward=reward)
        env.reset(seed=1)
        lengths = {env.unwrapped.world.track.length_u}
        for _ in range(2):
            env.reset()
            lengths.add(env.unwrapped.world.track.length_u)
        assert len(lengths) == roads


def test_a_few_random_roads_come_again_and_again() -> None:
    env: Any = make_env("donkey-random-track-v0", roads=2)
    lengths = set()
    for seed in (9, *[None] * 9):
        env.reset(seed=seed)
        lengths.add(env.unwrapped.world.track.length_u)
    assert len(lengths) == 2


def test_an_unknown_observation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'sonar' is unknown; choose from fast, raw"):
        make_env("donkey-random-track-v0", observation="sonar")
