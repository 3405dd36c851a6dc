from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnv

from agent.config.trial import TrialConfig
from agent.evaluation.baselines import RandomPolicy
from agent.evaluation.episodes import Score, evaluate
from agent.worlds.base import SEED_BAND, SEED_MARGIN, Episode, Purpose
from agent.worlds.donkey.world import WORLD


def make(config: TrialConfig, n: int, purpose: Purpose) -> VecEnv:
    arguments = (config.trial.env, config.world, n, purpose, config.trial.seed, config.learner)
    return config.the_world.make_vec(*arguments)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_seeds_of_training_choosing_and_judging_never_meet(seed: int) -> None:
    for purpose in Purpose:
        first = purpose.first_seed(seed)
        assert purpose * SEED_BAND <= first < first + SEED_MARGIN <= (purpose + 1) * SEED_BAND
        assert first == purpose.first_seed(seed)
    assert Purpose.JUDGE.first_seed(seed) != Purpose.JUDGE.first_seed(seed + 1)


def test_evaluation_reports_every_episode_and_repeats_itself(
    tiny: Callable[..., TrialConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    vec_env = make(tiny(), 3, Purpose.JUDGE)

    def score_from(seed: int, log_steps: int = 0) -> Score:
        policy = RandomPolicy(vec_env.action_space, 0)
        return evaluate(policy, WORLD, vec_env, 3, seed, log_steps)

    score = score_from(5, log_steps=10)
    assert len(score.episodes) == 3
    assert all(0 < each.steps <= 20 and np.isfinite(each.reward) for each in score.episodes)
    assert len({each.reward for each in score.episodes}) == 3, "different seeds differ"
    assert score_from(5) == score
    assert score_from(99) != score
    assert "step 10: reward" in capsys.readouterr().out
    vec_env.close()


def test_a_long_evaluation_says_how_far_it_has_come(
    tiny: Callable[..., TrialConfig],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    vec_env = make(tiny(), 2, Purpose.JUDGE)
    policy = RandomPolicy(vec_env.action_space, 0)
    evaluate(policy, WORLD, vec_env, 2, 5, name="chance")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("agent.evaluation.episodes.TELL_EVERY_SEC", 0.0)
    evaluate(policy, WORLD, vec_env, 2, 5, name="chance")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "chance, 2 episodes: 0 done and 1 steps after 0 s"
    assert told[-1].startswith("chance, 2 episodes: 2 done")
    vec_env.close()


def episode(reward: float, steps: int, end_reason: str = "time_limit", **measures: Any) -> Episode:
    empty = {"laps": 0, "progress": 0.0, "lap_times": [], "sectors": [], "steering_change": 0.0}
    return Episode(reward, steps, end_reason, empty | measures)


def test_the_score_is_the_episodes_own() -> None:
    first = episode(
        10.0,
        5,
        progress=1.25,
        laps=1,
        lap_times=[14.5],
        sectors=[[5.0, 5.0, 4.5]],
        steering_change=0.1,
    )
    second = episode(
        20.0,
        9,
        progress=2.5,
        laps=2,
        lap_times=[14.2, 13.9],
        sectors=[[4.6, 4.6, 5.0], [4.7, 4.7, 4.5]],
        steering_change=0.2,
    )
    score = Score(WORLD, [first, second, episode(0.0, 1, "off_track", progress=-0.1)])
    assert score.mean_reward == 10.0
    assert score.std_reward == pytest.approx(np.std([10, 20, 0]))
    assert score.to_json() == {
        "episodes": [10.0, 20.0, 0.0],
        "laps": [1, 2, 0],
        "progress": [1.25, 2.5, -0.1],
        "best_lap_sec": 13.9,
        "mean_lap_sec": pytest.approx(14.2),
        "best_sectors_sec": [4.6, 4.6, 4.5],
        "off_track": 1,
        "steering_change": pytest.approx((5 * 0.1 + 9 * 0.2) / 15),
    }
    assert score.details()["lap_times"] == [[14.5], [14.2, 13.9], []]
    line = score.describe(first)
    assert "laps 1  progress 1.250  steering 0.100  lap times [s] 14.50" in line
    assert "(5.00 5.00 4.50)" in line
    assert not Score(WORLD, [episode(float("nan"), 1)]).finite


def test_evaluation_senses_and_acts_as_training_does(tiny: Callable[..., TrialConfig]) -> None:
    changes: list[dict[str, Any]] = [{"agent": "dqn"}, {"observation": "raw"}, {}]
    for change in changes:
        config = tiny(**change)
        training = make(config, 2, Purpose.TRAIN)
        judging = make(config, 2, Purpose.JUDGE)
        assert training.observation_space == judging.observation_space
        assert training.action_space == judging.action_space
        training.close()
        judging.close()
