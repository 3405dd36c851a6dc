"""What the search learns from the records of a night."""

from __future__ import annotations

from collections.abc import Iterable

from agent.search.space import Space
from agent.search.surrogate import Observation
from agent.trials.record import Record

BLAMED = (
    "diverged",
    "crashed",
    "out_of_memory",
    "timeout",
)  # failures that the parameters are to blame for
LENGTH = "timesteps"


def observations(space: Space, records: Iterable[Record]) -> list[Observation]:
    """Scores with their spread, failures that the parameters are to blame for, and what stopped trials had reached.

    A trial that was stopped at a quarter of its training is an observation of a training that long where the search
    chooses the length. Where it does not, what it had reached counts as its score: it is no more than that.
    """
    found = []
    for record in records:
        if record.scored:
            episodes = int(record.params.get("eval_episodes", 1))
            score = record.mean_reward
            found.append(
                Observation(
                    record.params,
                    score,
                    record.std_reward,
                    episodes,
                    elapsed_sec=record.elapsed_sec,
                )
            )
        elif record.run_status == "pruned" and record.rungs:
            last = record.rungs[-1]
            params = record.params | ({LENGTH: last.timesteps} if LENGTH in space.names else {})
            found.append(Observation(params, last.mean_reward, elapsed_sec=record.elapsed_sec))
        elif record.run_status in BLAMED:
            found.append(
                Observation(record.params, None, failed=True, elapsed_sec=record.elapsed_sec)
            )
    return found
