"""Who deserves the title when a score may be luck: challengers are trained anew on fresh seeds (``--confirm-seeds``).

Once ``FIRST_CONTEST`` search trials have a score, the best of them is trained again, kind ``replicate``, on the seeds
on which every config_id is trained: the same roads, the same episodes, so that comparisons are paired. With
``confirm`` of them it has the title, and holds it on ``HOLD_SEEDS``. From then on a search trial that scored better
than the champion's mean makes its configuration a challenger, the highest score first. After each of its replicates
its mean must be above the champion's over the same seeds, or it is dropped. A search trial's own score, which made it
a challenger because it was high, never counts. There are never more replicates than search trials.

Everything is worked out from the records, in their order, so a resumed night decides as an unbroken one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agent.trials.record import Record, tracks

HOLD_SEEDS = 5
FIRST_CONTEST = 6  # what leads after fewer trials is soon beaten, and not worth the seeds
SEED_STRIDE = 1_000_003
SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Title:
    """What the records say.

    ``champion`` is the configuration that has the title, as a record's ``config_id`` names it, ``None`` while it is
    vacant; ``needed`` is the parameters (with their seed) of the replicate to run next, ``None`` for none.
    """

    champion: str | None
    needed: dict[str, Any] | None


def of_task(records: Iterable[Record], params: dict[str, Any]) -> list[Record]:
    """The records whose scores compare with those of ``params``: the same tracks, and episodes that end alike."""
    wanted = _task(params)
    return [record for record in records if _task(params | record.params) == wanted]


def _task(params: dict[str, Any]) -> tuple[Any, ...]:
    return tracks(params), params.get("max_episode_steps"), params.get("max_cte")


def fresh_seed(replicate: int) -> int:
    """The seed of every config_id's ``replicate``-th training, from 1 on; nights with other seeds share them."""
    return SEED_STRIDE * replicate % SEED_LIMIT


def decide(records: Iterable[Record], confirm: int) -> Title:
    """The title after all of ``records``, which must be of one task.

    :param confirm: replicates that a challenger must win on, at least 1
    """
    records = list(records)
    searched = [record for record in records if record.kind == "search"]
    replicates = [record for record in records if record.kind == "replicate"]
    title = _decide(replicates, [record for record in searched if record.scored], confirm)
    return title if len(replicates) < len(searched) else Title(title.champion, None)


def _decide(replicates: list[Record], scored: list[Record], confirm: int) -> Title:
    seeds = [fresh_seed(k) for k in range(1, max(confirm, HOLD_SEEDS) + 1)]
    scores: dict[str, dict[int, float | None]] = {}
    for record in replicates:
        scores.setdefault(record.config_id, {})[record.seed] = (
            record.mean_reward if record.scored else None
        )
    waiting = sorted(scored, key=_score, reverse=True) if len(scored) >= FIRST_CONTEST else []
    champion: str | None = None
    settled: set[str] = set()
    for record in (
        replicates + waiting
    ):  # contests that have begun, in their order, then those to come
        if (
            record.kind == "search"
            and champion
            and _score(record) <= _mean(scores[champion], seeds)
        ):
            break
        if record.kind == "search" and not record.repeatable:
            continue
        if (name := record.config_id) in settled:
            continue
        settled.add(name)
        mine = scores.get(name, {})
        won = True
        for k, seed in enumerate(seeds[:confirm], start=1):
            if seed not in mine:
                return Title(champion, {**record.params, "seed": seed})
            if mine[seed] is None or (
                champion and _mean(mine, seeds[:k]) <= _mean(scores[champion], seeds[:k])
            ):
                won = False
                break
        if not won:
            continue
        champion = name
        for seed in seeds[confirm:]:
            if seed not in mine:
                return Title(champion, {**record.params, "seed": seed})
    return Title(champion, None)


def confirmation(records: Iterable[Record], champion: str) -> list[Record]:
    """The scored replicates of a configuration, in the order of the records."""
    return [r for r in records if r.kind == "replicate" and r.scored and r.config_id == champion]


def _score(record: Record) -> float:
    assert record.mean_reward is not None
    return record.mean_reward


def _mean(scores: dict[int, float | None], seeds: list[int]) -> float:
    """Of the scores on these seeds; a replicate that failed counts as nothing, not as its absence."""
    values = [scores[seed] or 0.0 for seed in seeds if seed in scores]
    return sum(values) / len(values) if values else 0.0
