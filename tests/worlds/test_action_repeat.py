"""A decision held for several control steps: what it earns, where it ends, and how it is judged."""

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
    ended, lengths = False, []
    while not ended:
        observation, reward, terminated, truncated, info = third.step(ASIDE)
        ended = terminated or truncated
        earned, steps, over = 0.0, 0, False
        while steps < 3 and not over:
            seen, one, crashed, late, told = every.step(ASIDE)
            earned, steps, over = earned + float(one), steps + 1, crashed or late
        assert reward == pytest.approx(earned)
        assert np.array_equal(observation[-1], seen[-1])
        assert (ended, info["progress"]) == (over, told["progress"])
        lengths.append(steps)
    assert info["end_reason"] == "off_track"
    assert lengths[:-1] == [3] * (len(lengths) - 1)


def test_the_yardstick_counts_every_control_step_and_hears_every_third_action() -> None:
    plain, held = (make_env(ROAD, reward="yardstick", repeat=n) for n in (1, 3))
    for _ in range(
        2
    ):  # a decision is due at once in a new episode, whatever the one before had held
        for env in (plain, held):
            env.reset(seed=1)
        for step in range(7):
            told, heard = (ASIDE if step % 3 else AHEAD), AHEAD
            assert held.step(told)[1:] == plain.step(heard)[1:]


def test_who_remembers_decides_every_step() -> None:
    with pytest.raises(UserError, match="action_repeat 2 is no setting of recurrent_ppo"):
        TrialConfig.of(agent="recurrent_ppo", action_repeat=2)
