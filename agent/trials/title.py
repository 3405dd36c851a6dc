"""Who deserves the title when a score may be luck: challengers are trained anew on fresh seeds (``--confirm-seeds``).

Once ``FIRST_CONTEST`` search trials have a score, the best of them is trained again, kind ``replicate``, on the seeds
on which every contender is trained: the same roads, the same episodes, so that comparisons are paired. With
``confirm`` of them it has the title, and holds it on ``HOLD_SEEDS``. From then on a search trial that scored better
than the champion's mean makes its configuration a challenger, the highest score first. After each of its replicates
its mean must be above the champion's over the same seeds, or it is dropped. A search trial's own score, which made it
a challenger because it was high, never counts. There are never more replicates than search trials.

Everything is worked out from the records, in their order, so a resumed night decides as an unbroken one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agent.trials.config import TrialConfig, UserError, split_env
from agent.trials.record import Record

HOLD_SEEDS = 5
FIRST_CONTEST = 6  # what leads after fewer trials is soon beaten, and not worth the seeds
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
    """A configuration's name: its parameters without the seed and without where its simulators listen.

    What the record is too old to name has its default, so a replicate run today is of the same configuration.
    """
    with suppress(UserError):
        params = TrialConfig.from_params(params).to_params()
    envs = [split_env(env)[0] for env in params["env"]]
    return json.dumps({**params, "seed": None, "env": envs}, sort_keys=True)


def fresh_seed(replicate: int) -> int:
    """The seed of every contender's ``replicate``-th training, from 1 on; nights with other seeds share them."""
    return SEED_STRIDE * replicate % SEED_LIMIT


def decide(records: Iterable[Record], confirm: int) -> Title:
    """The title after all of ``records``.

    :param confirm: replicates that a challenger must win on, at least 1
    """
    records = list(records)
    searched = [record for record in records if record.kind == "search"]
    title = _decide(records, [record for record in searched if record.scored], confirm)
    affordable = sum(record.kind == "replicate" for record in records) < len(searched)
    return title if affordable else Title(title.champion, None)


def _decide(records: list[Record], scored: list[Record], confirm: int) -> Title:
    seeds = [fresh_seed(k) for k in range(1, max(confirm, HOLD_SEEDS) + 1)]
    scores = _replicates(records)
    best: dict[str, Record] = {}
    for record in sorted(scored, key=_score, reverse=True):
        best.setdefault(contender(record.params), record)
    begun = [name for name in scores if name in best]
    waiting = [name for name in best if name not in scores] if len(scored) >= FIRST_CONTEST else []
    champion: str | None = None
    for name in begun + waiting:
        mine = scores.get(name, {})
        if not mine and champion is not None and _score(best[name]) <= _mean(scores[champion], seeds):
            break
        won = True
        for k, seed in enumerate(seeds[:confirm], start=1):
            if seed not in mine:
                return Title(champion, {**best[name].params, "seed": seed})
            if mine[seed] is None or (champion and _mean(mine, seeds[:k]) <= _mean(scores[champion], seeds[:k])):
                won = False
                break
        if not won:
            continue
        champion = name
        for seed in seeds[confirm:]:
            if seed not in mine:
                return Title(champion, {**best[name].params, "seed": seed})
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


def _score(record: Record) -> float:
    assert record.mean_reward is not None
    return record.mean_reward


def _mean(scores: dict[int, float | None], seeds: list[int]) -> float:
    """Of the scores on these seeds; a replicate that failed counts as nothing, not as its absence."""
    values = [scores[seed] or 0.0 for seed in seeds if seed in scores]
    return sum(values) / len(values) if values else 0.0
