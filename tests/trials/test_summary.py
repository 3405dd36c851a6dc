"""The log's line about a trial, as scripts grep it."""

from __future__ import annotations

from collections.abc import Callable

from agent.config.trial import TrialConfig
from agent.trials.record import Record
from agent.trials.summary import summary

Make = Callable[..., Record]


def test_a_scored_trial(record: Make) -> None:
    params = TrialConfig.of(learning_rate=0.00123456789, timesteps=12345).to_params()
    made = record(7, 61.499, params=params, score={"laps": [1, 2]}, elapsed_sec=12.34)
    assert summary(made) == (
        "search trial 7 ok in 12.3 s mean_reward 61.50 +- 1.00 laps 3"
        " | ppo learning_rate 0.00123457 timesteps 12345"
    )


def test_a_new_champion_and_a_discrete_learner(record: Make) -> None:
    params = TrialConfig.of(agent="dqn", n_steer=5).to_params()
    line = summary(record(1, 2.0, params=params, champion=True, std_reward=None))
    assert line.startswith("search trial 1 ok in 1.5 s mean_reward 2.00 +- 0.00 NEW CHAMPION | dqn")
    assert line.endswith("n_steer 5 n_throttle 3")


def test_a_failed_trial(record: Make) -> None:
    made = record(2, None, run_status="crashed", cause="exit code 1: boom", kind="sweep")
    assert summary(made).startswith("sweep trial 2 crashed in 1.5 s (exit code 1: boom) | ppo ")


def test_the_parameters_that_were_searched_are_shown(record: Make) -> None:
    params = TrialConfig.of(gamma=0.9712345678, ent_coef=0.01).to_params()
    searched = ("agent", "gamma", "ent_coef", "n_steer", "augment", "moon")
    assert summary(record(3, params=params), searched).endswith(
        "| ppo gamma 0.971235 ent_coef 0.01 augment []"
    ), "action bins mean nothing to it"


def test_a_line_stays_readable_however_much_is_searched(record: Make) -> None:
    params = TrialConfig.of().to_params()
    line = summary(record(3, params=params), tuple(params))
    assert len(line.partition("| ppo ")[2]) <= 150
    assert line.endswith(" more")


def test_strange_values_are_one_short_line(record: Make) -> None:
    params = TrialConfig.of().to_params() | {"learning_rate": "a\nb" * 100, "timesteps": None}
    line = summary(record(1, 1e299, params=params, score={"laps": "many", "progress": [None]}))
    assert "\n" not in line
    assert len(line) < 120
    assert "mean_reward 1e+299 +- 1.00 |" in line
    failed = record(2, None, run_status="crashed", cause="two\nlines")
    assert "(two lines)" in summary(failed)
