"""A decision held for several control steps: its reward, its end, and its evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.worlds.donkey.make_env import make_env

ROAD = "donkey-generated-track-v0"
AHEAD = np.array([0.0, 1.0], dtype=np.float32)
ASIDE = np.array([1.0, 1.0], dtype=np.float32)


def test_a_repeated_step_earns_the_sum_and_ends_where_the_episode_does() -> None:
    every, third = (
        make_env(ROAD, reward="race", start="line", repeat=n, max_cte=3.0) for n in (1, 3)
    )
    for env in (every, third):
        env.reset(seed=1)
    ended = False
    lengths = []
    while not ended:
        observation, reward, terminated, truncated, info = third.step(ASIDE)
        ended = terminated or truncated
        earned = 0.0
        steps = 0
        over = False
        while steps < 3 and not over:
            last, reward_of_step, crashed, late, info_of_step = every.step(ASIDE)
            earned += float(reward_of_step)
            steps += 1
            over = crashed or late
        assert reward == pytest.approx(earned)
        assert np.array_equal(observation[-1], last[-1])
        assert (ended, info["progress"]) == (over, info_of_step["progress"])
        lengths.append(steps)
    assert info["end_reason"] == "off_track"
    assert lengths[:-1] == [3] * (len(lengths) - 1)


def test_under_evaluation_every_control_step_counts_and_every_third_action() -> None:
    plain, held = (make_env(ROAD, reward="yardstick", repeat=n) for n in (1, 3))
    for _ in range(2):  # a new episode decides at once, whatever the one before had held
        for env in (plain, held):
            env.reset(seed=1)
        for step in range(7):
            ignored = step % 3 > 0
            assert held.step(ASIDE if ignored else AHEAD)[1:] == plain.step(AHEAD)[1:]


def test_a_policy_with_memory_decides_every_step() -> None:
    with pytest.raises(UserError, match="action_repeat 2 is no setting of recurrent_ppo"):
        TrialConfig.of(agent="recurrent_ppo", action_repeat=2)
