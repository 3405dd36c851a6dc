from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import PPO

from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Episode, Score, evaluate, lap_sectors, mean_change
from agent.training.algorithms import build
from agent.training.vec_envs import (
    CHOOSING,
    JUDGING,
    SEED_BAND,
    SEED_MARGIN,
    TRAINING,
    first_seed,
    make_evaluation_worlds,
    make_training_worlds,
)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_seeds_of_training_choosing_and_judging_never_meet(seed: int) -> None:
    for purpose in (TRAINING, CHOOSING, JUDGING):
        first = first_seed(seed, purpose)
        assert purpose * SEED_BAND <= first < first + SEED_MARGIN <= (purpose + 1) * SEED_BAND
        assert first == first_seed(seed, purpose)
    assert first_seed(seed, JUDGING) != first_seed(seed + 1, JUDGING)


def test_evaluation_reports_every_episode_and_repeats_itself(
    tiny: Callable[..., TrialConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny()
    training, judging = (
        make_training_worlds(config, config.gamma),
        make_evaluation_worlds(config, config.env, 3),
    )
    model = build(config, training)
    score = evaluate(model, judging, 3, seed=5, log_steps=10)
    assert len(score.episodes) == len(score.laps) == 3
    assert all(
        0 < episode.steps <= 20 and np.isfinite(episode.reward) for episode in score.episodes
    )
    assert len({episode.reward for episode in score.episodes}) == 3, (
        "worlds with different seeds differ"
    )
    assert evaluate(model, judging, 3, seed=5) == score
    assert evaluate(model, judging, 3, seed=99) != score
    assert "step 10: reward" in capsys.readouterr().out
    training.close()
    judging.close()


def test_the_score_is_the_episodes_own() -> None:
    score = Score(
        [
            Episode(10.0, 5, 1.25, 1, [14.5], sectors=[[5.0, 5.0, 4.5]], steering_change=0.1),
            Episode(
                20.0,
                9,
                2.5,
                2,
                [14.2, 13.9],
                sectors=[[4.6, 4.6, 5.0], [4.7, 4.7, 4.5]],
                steering_change=0.2,
            ),
            Episode(0.0, 1, -0.1, 0, end_reason="off_track"),
        ]
    )
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
    assert (
        "1.250 laps  laps 1  14.50s (5.00 5.00 4.50)  steering changes 0.100"
        in score.episodes[0].describe()
    )
    assert not Score([Episode(float("nan"), 1, 0.0, 0)]).finite


def test_evaluation_senses_and_acts_as_training_does(tiny: Callable[..., TrialConfig]) -> None:
    changes: list[dict[str, Any]] = [{"agent": "dqn"}, {"observation": "raw"}, {}]
    for change in changes:
        config = tiny(**change)
        training, judging = (
            make_training_worlds(config, config.gamma),
            make_evaluation_worlds(config, config.env, 2),
        )
        assert training.observation_space == judging.observation_space
        assert training.action_space == judging.action_space
        training.close()
        judging.close()


def test_every_track_gets_a_world_in_every_rollout(tiny: Callable[..., TrialConfig]) -> None:
    ids = ["donkey-generated-track-v0", "donkey-mountain-track-v0", "donkey-generated-roads-v0"]
    worlds = make_training_worlds(tiny(env=ids, n_envs=2), 0.98)
    assert worlds.num_envs == 3
    assert len({id_of.spec.id for id_of in worlds.get_attr("unwrapped")}) == 3
    model = build(tiny(env=ids), worlds)
    assert isinstance(model, PPO)
    worlds.close()


@pytest.mark.parametrize(
    ("progress", "line_ahead", "lap_times", "expected"),
    [
        (
            [0.25, 0.5, 0.75, 1.0, 1.5, 2.0],
            0.0,
            [4.0, 2.0],
            [[4 / 3, 4 / 3, 4 / 3], [2 / 3, 2 / 3, 2 / 3]],
        ),
        ([0.25, 0.5, 0.75, 1.0, 1.5, 2.0], 0.5, [3.0], [[4 / 3, 1.0, 2 / 3]]),
        (
            [0.5, 0.25, 0.5, 1.0],
            0.0,
            [4.0],
            [[2 / 3, 8 / 3, 2 / 3]],
        ),  # going back costs the sector it happens in
        ([0.5, 0.9], 0.0, [], []),
    ],
)
def test_sectors_are_the_thirds_of_a_lap(
    progress: list[float], line_ahead: float, lap_times: list[float], expected: list[list[float]]
) -> None:
    assert np.allclose(lap_sectors(progress, line_ahead, lap_times), expected, atol=1e-3)


def test_the_change_of_steering_is_a_mean_over_steps() -> None:
    assert mean_change([0.5, -0.5, 0.0]) == 0.75
    assert mean_change([0.3]) == mean_change([]) == 0.0
