"""Observations: what the search learns from records, those of stopped trials too."""

from __future__ import annotations

from collections.abc import Callable

from agent.config.trial import TrialConfig
from agent.search.parameter import Choice
from agent.search.space import Space
from agent.study.observations import observations
from agent.study.spaces import spec_space
from agent.trials.progress import Rung
from agent.trials.record import Record

Make = Callable[..., Record]
SPACE = spec_space("ppo", 5000, 20_000)
RUNGS = (Rung(0.25, 5000, 31.0), Rung(0.5, 10_000, 33.0))
PARAMS = TrialConfig.of(timesteps=20_000).to_params()


def test_a_score_comes_with_its_spread_and_its_seconds(record: Make) -> None:
    [seen] = observations(SPACE, [record(1, 50.0)])
    assert (seen.score, seen.std, seen.episodes) == (50.0, 2.0, 5)
    assert (seen.elapsed_sec, seen.failed) == (12.0, False)


def test_a_stopped_trial_is_an_observation_of_a_shorter_training(record: Make) -> None:
    stopped = record(1, None, params=PARAMS, run_status="pruned", cause="x", rungs=RUNGS[:1])
    [seen] = observations(SPACE, [stopped])
    assert (seen.params["timesteps"], seen.score, seen.failed) == (5000, 31.0, False)
    assert seen.params["learning_rate"] == stopped.params["learning_rate"]


def test_where_the_length_is_not_searched_the_last_rung_is_the_score(record: Make) -> None:
    stopped = record(1, None, params=PARAMS, run_status="pruned", cause="x", rungs=RUNGS)
    [seen] = observations(Space((Choice("observation", ("fast", "raw")),)), [stopped])
    assert (seen.params["timesteps"], seen.score) == (20_000, 33.0)


def test_only_failures_that_parameters_may_have_caused_are_learned(record: Make) -> None:
    caused = ("diverged", "crashed", "out_of_memory", "timeout")
    statuses = (*caused, "sim_lost", "lost", "interrupted", "pruned")
    records = [record(1, None, run_status=status, cause="x") for status in statuses]
    assert [each.failed for each in observations(SPACE, records)] == [True] * len(caused)
