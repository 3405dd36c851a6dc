"""Who deserves the title when a score may be luck: challengers are trained anew on fresh seeds (``--confirm-seeds``).

A search trial that scored better than the reigning configuration's mean makes its configuration a challenger. It is
trained again, kind ``replicate``, on the seeds on which every contender is trained: the same roads, the same
episodes, so that the comparison is paired. After each replicate its mean must be above the champion's over the same
seeds, or it is dropped; after ``confirm`` of them it has the title, and holds it on ``HOLD_SEEDS``. The search trial's
own score, which made it a challenger because it was high, never counts.

Everything is worked out from the records, in their order, so a resumed night decides as an unbroken one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agent.trials.config import split_env
from agent.trials.record import Record

HOLD_SEEDS = 5
SEED_STRIDE = 1_000_003
SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Title:
    """What the records say.

    ``champion`` is the configuration that has the title, as ``contender`` names it, ``None`` while it is vacant;
    ``needed`` is the parameters (with their seed) of the replicate to run next, ``None`` when nothing is contested.
    """

    champion: str | None
    needed: dict[str, Any] | None


def contender(params: dict[str, Any]) -> str:
    """A configuration's name: its parameters without the seed and without where its simulators listen."""
    envs = [split_env(env)[0] for env in params["env"]]
    return json.dumps({**params, "seed": None, "env": envs}, sort_keys=True)


def fresh_seed(base_seed: int, replicate: int) -> int:
    """The seed of every contender's ``replicate``-th training, from 1 on."""
    return (base_seed + SEED_STRIDE * replicate) % SEED_LIMIT


def decide(records: Iterable[Record], base_seed: int, confirm: int) -> Title:
    """The title after all of ``records``.

    :param confirm: replicates that a challenger must win on, at least 1
    """
    records = list(records)
    seeds = [fresh_seed(base_seed, k) for k in range(1, max(confirm, HOLD_SEEDS) + 1)]
    scores = _replicates(records)
    champion: str | None = None
    settled: set[str] = set()
    for record in records:
        if record.kind != "search" or not record.scored or record.mean_reward is None:
            continue
        name = contender(record.params)
        if name in settled or (champion is not None and record.mean_reward <= _mean(scores[champion], seeds)):
            continue
        settled.add(name)
        mine = scores.setdefault(name, {})
        won = True
        for k, seed in enumerate(seeds[:confirm], start=1):
            if seed not in mine:
                return Title(champion, {**record.params, "seed": seed})
            if mine[seed] is None or (champion and _mean(mine, seeds[:k]) <= _mean(scores[champion], seeds[:k])):
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
    return [r for r in records if r.kind == "replicate" and r.scored and contender(r.params) == champion]


def _replicates(records: list[Record]) -> dict[str, dict[int, float | None]]:
    found: dict[str, dict[int, float | None]] = {}
    for record in records:
        if record.kind == "replicate":
            found.setdefault(contender(record.params), {})[record.seed] = record.mean_reward if record.scored else None
    return found


def _mean(scores: dict[int, float | None], seeds: list[int]) -> float:
    """Of the scores on these seeds; a replicate that failed counts as nothing, not as its absence."""
    values = [scores[seed] or 0.0 for seed in seeds if seed in scores]
    return sum(values) / len(values) if values else 0.0
