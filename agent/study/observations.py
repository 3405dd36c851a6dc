"""Observations: the results of a study's records from which the search learns."""

from __future__ import annotations

from collections.abc import Iterable

from agent.search.space import Space
from agent.search.surrogate import Observation
from agent.trials.record import Record

# Failures that a trial's parameters may have caused. Others (a lost simulator) say nothing of them.
PARAMETER_FAILURES = ("diverged", "crashed", "out_of_memory", "timeout")
LENGTH = "timesteps"


def observations(space: Space, records: Iterable[Record]) -> list[Observation]:
    """Returns scores with their spread, and failures that the parameters may have caused.

    A trial that was stopped early is an observation too, with the score that it had reached. Where
    the search chooses the training length, it is an observation of a training that long. Where it
    does not, it counts as a whole one, whose score it would probably have exceeded.

    :param space: that is searched
    :param records: of one task, see ``of_task``
    """
    found = [_observation(space, record) for record in records]
    return [observation for observation in found if observation is not None]


def _observation(space: Space, record: Record) -> Observation | None:
    if record.scored:
        return Observation(
            record.params,
            record.mean_reward,
            record.std_reward,
            episodes=int(record.params.get("eval_episodes") or 1),
            elapsed_sec=record.elapsed_sec,
        )
    if record.run_status == "pruned" and record.rungs:
        last = record.rungs[-1]
        params = dict(record.params)
        if LENGTH in space.names:
            params[LENGTH] = last.timesteps
        return Observation(params, last.mean_reward, elapsed_sec=record.elapsed_sec)
    if record.run_status in PARAMETER_FAILURES:
        return Observation(record.params, None, failed=True, elapsed_sec=record.elapsed_sec)
    return None
