"""What the search learns: of a trial that was stopped, what it had reached by then."""

from __future__ import annotations

from typing import Any

from agent.config.trial import TrialConfig
from agent.search.space import Choice, Space, trial_space
from agent.study.observations import observations
from agent.trials.progress import Rung
from agent.trials.record import Record

SPACE = trial_space("ppo", 5000, 20_000)


def record(status: str, score: float | None, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "trial": 1,
        "timestamp": "2026-04-13T03:14:15",
        "params": TrialConfig(timesteps=20_000).to_params(),
        "mean_reward": score,
        "std_reward": 2.0 if score is not None else None,
        "model_path": None,
        "champion": False,
        "elapsed_sec": 12.0,
        "run_status": status,
    }
    return Record(**(values | changes))


def test_a_score_comes_with_its_spread_and_its_seconds() -> None:
    [seen] = observations(SPACE, [record("ok", 50.0)])
    assert (seen.score, seen.std, seen.episodes, seen.elapsed_sec, seen.failed) == (
        50.0,
        2.0,
        5,
        12.0,
        False,
    )


def test_a_stopped_trial_is_an_observation_of_a_shorter_training() -> None:
    stopped = record("pruned", None, cause="x", rungs=(Rung(0.25, 5000, 31.0),))
    [seen] = observations(SPACE, [stopped])
    assert (seen.params["timesteps"], seen.score, seen.failed) == (5000, 31.0, False)
    assert seen.params["learning_rate"] == stopped.params["learning_rate"]


def test_where_the_length_is_not_searched_what_it_had_reached_is_its_score() -> None:
    stopped = record(
        "pruned", None, cause="x", rungs=(Rung(0.25, 5000, 31.0), Rung(0.5, 10_000, 33.0))
    )
    [seen] = observations(Space((Choice("observation", ("fast", "raw")),)), [stopped])
    assert (seen.params["timesteps"], seen.score) == (20_000, 33.0)


def test_only_failures_that_the_parameters_are_to_blame_for_are_learned() -> None:
    statuses = (
        "diverged",
        "crashed",
        "out_of_memory",
        "timeout",
        "sim_lost",
        "interrupted",
        "pruned",
    )
    seen = observations(SPACE, [record(status, None, cause="x") for status in statuses])
    assert [each.failed for each in seen] == [True] * 4
