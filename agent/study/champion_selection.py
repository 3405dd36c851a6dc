"""Selects the champion: a score may be luck, so a configuration is trained again on fresh seeds.

This is the intensification of SMAC (Hutter, Hoos & Leyton-Brown 2011): a challenger runs on the
champion's own seeds and is dropped as soon as it is behind.

1. Once ``MIN_SCORED_TRIALS`` search trials have a score, the best of them is the first challenger.
2. A challenger's training is repeated (kind ``replicate``) on ``confirm_seeds`` fresh seeds. These
   are the same for all configurations: equal seeds make paired comparisons.
3. After each replicate its mean must be above the champion's mean over the same seeds, else it is
   dropped.
4. A challenger that has passed all of them is the champion, and is repeated on up to
   ``CHAMPION_SEEDS`` seeds.
5. From then on a search trial that scored above the champion's mean is a challenger, the highest
   score first.

The score of a search trial never counts for its configuration: it was chosen because it was high.
There are never more replicates than search trials.

The title is of a task, so all of its records contest it. A study repeats only configurations that
are its own: another's test waits, and another's champion is challenged as it stands.

A replicate that was lost with its node says nothing of its configuration: its seed is run again.

The records alone decide, in their order, so a resumed study decides as an unbroken one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from agent.study.own_records import without_repeats
from agent.study.plan import SEED_LIMIT
from agent.trials.record import Record

CHAMPION_SEEDS = 5  # chosen: the standard error of a mean of five is less than half that of a score
MIN_SCORED_TRIALS = 6  # chosen: what leads after fewer is soon beaten, and not worth the seeds
SEED_STRIDE = 1_000_003  # a prime, far above the seeds of search trials

Scores = Mapping[int, float | None]  # by seed; None of a replicate that failed
IsOwn = Callable[[Record], bool]  # whether the study may repeat the record's configuration


@dataclass(frozen=True)
class ChampionSelection:
    """State of the selection.

    :param champion: ``config_id`` of the configuration that is the champion, ``None`` before there
        is one
    :param next_replicate: parameters, with their seed, of the replicate to run next; ``None`` for
        none
    """

    champion: str | None
    next_replicate: dict[str, Any] | None


def fresh_seed(replicate: int) -> int:
    """Returns the seed of the ``replicate``-th training of every configuration, counted from 1."""
    return SEED_STRIDE * replicate % SEED_LIMIT


def every(record: Record) -> bool:
    """True: a study with no plan of its own may repeat any configuration."""
    return True


def select_champion(
    records: Iterable[Record],
    confirm_seeds: int,
    is_own: IsOwn = every,
    *,
    search_is_over: bool = False,
) -> ChampionSelection:
    """Returns the champion after all of ``records``, and the replicate to run next.

    :param records: of one task, see ``of_task``
    :param confirm_seeds: replicates that a challenger must pass, at least 1
    :param is_own: tells which configurations may be repeated
    :param search_is_over: nothing is left to search, so a challenger need not wait for more search
        trials, and replicates take none of theirs
    """
    records = without_repeats(records)
    searched = [record for record in records if record.kind == "search" and is_own(record)]
    replicates = [record for record in records if record.kind == "replicate" and not record.lost]
    seeds = [fresh_seed(k) for k in range(1, max(confirm_seeds, CHAMPION_SEEDS) + 1)]
    selection = _after_begun_tests(replicates, confirm_seeds, seeds, is_own)
    scored = [record for record in searched if record.scored]
    enough = search_is_over or len(scored) >= MIN_SCORED_TRIALS
    if selection.next_replicate is None and enough:
        challenger = _next_challenger(scored, replicates, selection.champion, seeds)
        if challenger is not None:
            wanted = {**challenger.params, "seed": seeds[0]}
            selection = replace(selection, next_replicate=wanted)
    own = [record for record in replicates if is_own(record)]
    if len(own) >= len(searched) and not search_is_over:
        selection = replace(selection, next_replicate=None)
    return selection


def champion_replicates(
    records: Iterable[Record], confirm_seeds: int, is_own: IsOwn = every
) -> list[Record]:
    """Returns the champion's replicates that have a score, in the order of the records.

    :param records: of one task, see ``of_task``
    :param confirm_seeds: see ``select_champion``
    :param is_own: see ``select_champion``
    """
    records = without_repeats(records)
    champion = select_champion(records, confirm_seeds, is_own).champion
    return [
        record
        for record in records
        if record.kind == "replicate" and record.scored and record.config_id == champion
    ]


def _after_begun_tests(
    replicates: Sequence[Record], confirm_seeds: int, seeds: Sequence[int], is_own: IsOwn
) -> ChampionSelection:
    """Goes through the configurations under test, in the order in which their tests began."""
    scores = _scores_by_seed(replicates)
    champion: str | None = None
    for config_id, first in _first_of_each(replicates).items():
        own = scores[config_id]
        champions = None if champion is None else scores[champion]
        if _is_beaten(own, champions, seeds[:confirm_seeds]):
            continue
        if all(seed in own for seed in seeds[:confirm_seeds]):
            champion = config_id
        missing = [seed for seed in seeds if seed not in own]
        if missing and is_own(first):
            return ChampionSelection(champion, {**first.params, "seed": missing[0]})
    return ChampionSelection(champion, None)


def _next_challenger(
    scored: Iterable[Record],
    replicates: Sequence[Record],
    champion: str | None,
    seeds: Sequence[int],
) -> Record | None:
    """Returns the best search trial that is above the champion and was never under test."""
    scores = _scores_by_seed(replicates)
    for record in sorted(scored, key=_score, reverse=True):
        if champion is not None and _score(record) <= _mean(scores[champion], seeds):
            return None
        if record.repeatable and record.config_id not in scores:
            return record
    return None


def _is_beaten(own: Scores, champions: Scores | None, seeds: Sequence[int]) -> bool:
    """Tells whether a challenger failed or fell behind on a seed that it has run so far."""
    ran = list(takewhile(lambda seed: seed in own, seeds))
    for count, seed in enumerate(ran, start=1):
        if own[seed] is None:
            return True
        if champions is not None and _mean(own, ran[:count]) <= _mean(champions, ran[:count]):
            return True
    return False


def _scores_by_seed(replicates: Iterable[Record]) -> dict[str, dict[int, float | None]]:
    scores: dict[str, dict[int, float | None]] = {}
    for record in replicates:
        score = record.mean_reward if record.scored else None
        scores.setdefault(record.config_id, {})[record.seed] = score
    return scores


def _first_of_each(replicates: Iterable[Record]) -> dict[str, Record]:
    first: dict[str, Record] = {}
    for record in replicates:
        first.setdefault(record.config_id, record)
    return first


def _score(record: Record) -> float:
    assert record.mean_reward is not None
    return record.mean_reward


def _mean(scores: Scores, seeds: Iterable[int]) -> float:
    """Mean over the ``seeds`` that were run, 0 of none; a replicate that failed counts as 0."""
    values = [scores[seed] or 0.0 for seed in seeds if seed in scores]
    return sum(values) / len(values) if values else 0.0
