"""Tasks: which scores compare."""

from __future__ import annotations

from collections.abc import Callable

from agent.config.trial import TrialConfig
from agent.trials.record import Record
from agent.trials.task import of_task

Make = Callable[..., Record]


def test_scores_of_other_tracks_and_episodes_do_not_compare(record: Make) -> None:
    here = TrialConfig.of(env=["donkey-generated-track-v0@9091"]).to_params()
    others = [
        TrialConfig.of(env=["donkey-mountain-track-v0"]),
        TrialConfig.of(max_episode_steps=10),
        TrialConfig.of(max_cte=2),
    ]
    records = [
        record(1, params=here),
        *(record(2, params=each.to_params()) for each in others),
        record(3),
    ]
    assert [r.trial for r in of_task(records, TrialConfig.of().to_params())] == [1, 3]
    old = record(4, params={"agent": "ppo", "learning_rate": 1e-3})
    assert of_task([old], TrialConfig.of().to_params()) == [old]
