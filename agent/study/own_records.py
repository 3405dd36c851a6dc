"""A study's own records: those of its task, its fixed configuration and its space, each once.

A score of another reward, throttle limit or length of training says nothing of what this study may
choose. So a record counts if this study could have launched the very trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from agent.config.errors import UserError
from agent.config.flat import facts_in, not_hyperparameters
from agent.config.trial import TrialConfig
from agent.search.parameter import Parameter, Range
from agent.study.plan import Plan
from agent.trials.record import Record
from agent.trials.task import of_task

# It is a bound for the machine, and a simulator on a port is always one: it may differ unless it
# was given.
FREE_UNLESS_GIVEN = "n_envs"
# The task's key compares tasks, without the addresses of their simulators.
OF_THE_TASK = "env"
LONGEST_VALUE = 20  # characters of a value that the line about left out records shows


class Difference(NamedTuple):
    """Difference between a record and the trials of a study.

    :param words: what it is, after "7 records"
    :param value: the record's value, ``None`` where it needs no mention
    """

    words: str
    value: Any = None


class OwnRecords:
    """Tells a study's own records from others.

    :param plan: of the study
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._task = plan.base.to_params()
        self._known: dict[tuple[str, bool], Difference | None] = {}

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Returns the study's own among ``records``, in their order."""
        of_this_task = of_task(records, self._task)
        return [record for record in without_repeats(of_this_task) if self.include(record)]

    def include(self, record: Record) -> bool:
        """True if this study could have launched a trial of the record's task."""
        return self._difference(record) is None

    def left_out(self, records: Sequence[Record]) -> str | None:
        """Returns, in one line, how many records do not count and why; ``None`` if all do."""
        counts: Counter[str] = Counter()
        values: dict[str, set[str]] = {}
        for found in self._differences(records):
            counts[found.words] += 1
            values.setdefault(found.words, set()).add(_in_words(found.value))
        if not counts:
            return None
        parts = []
        for words, count in counts.most_common():
            shown = ", ".join(sorted(values[words] - {""}))
            parts.append(f"{count} {words} ({shown})" if shown else f"{count} {words}")
        noun = "record" if counts.total() == 1 else "records"
        return f"{counts.total()} {noun} left out: {', '.join(parts)}"

    def _differences(self, records: Sequence[Record]) -> list[Difference]:
        of_this_task = of_task(records, self._task)
        once = without_repeats(of_this_task)
        found = [Difference("of another task")] * (len(records) - len(of_this_task))
        found += [Difference("twice")] * (len(of_this_task) - len(once))
        for record in once:
            difference = self._difference(record)
            if difference is not None:
                found.append(difference)
        return found

    def _difference(self, record: Record) -> Difference | None:
        is_of_grid = record.kind == "sweep"
        key = (record.config_id, is_of_grid)
        if key not in self._known:
            free = self._plan.unbinding if is_of_grid else frozenset()
            self._known[key] = difference(self._plan, record.params, free)
        return self._known[key]


def difference(
    plan: Plan, params: Mapping[str, Any], free: frozenset[str] = frozenset()
) -> Difference | None:
    """Returns what keeps a trial from being one of this study's; ``None`` if nothing does.

    A parameter that ``params`` are too old to name has its default.

    :param plan: of the study
    :param params: of the trial, which is of the study's task
    :param free: names that may differ
    """
    try:
        found = TrialConfig.from_params(params).to_params()
    except (UserError, TypeError):
        return Difference("that cannot run today")
    for name, wanted in plan.space.context.items():
        if found.get(name) != wanted:
            return _other(name, found)
    chosen: dict[str, Any] = {}
    for parameter in plan.space.parameters:
        if parameter.when is not None:
            parent, choice = parameter.when
            if parent not in chosen or chosen[parent] != choice:
                continue
        value = found.get(parameter.name)
        if not parameter.holds(value):
            return _outside(parameter, found)
        chosen[parameter.name] = value
    return _other_fixed(plan, found, chosen, free)


def without_repeats(records: Iterable[Record]) -> list[Record]:
    """Returns the records, each trial once, in the order in which they first stand.

    A line may stand twice in a ledger that was merged or replayed. Of two records of one trial that
    with a score counts.
    """
    first: dict[tuple[str, int, str, int], Record] = {}
    for record in records:
        key = (record.kind, record.trial, record.config_id, record.seed)
        earlier = first.get(key)
        if earlier is None or (record.scored and not earlier.scored):
            first[key] = record
    return list(first.values())


def _other_fixed(
    plan: Plan, found: Mapping[str, Any], chosen: Mapping[str, Any], free: frozenset[str]
) -> Difference | None:
    """The first parameter outside the space that differs.

    :param plan: of the study
    :param found: all parameters of the trial
    :param chosen: those of the space
    :param free: names that may differ
    """
    try:
        expected = plan.config(chosen, 0).to_params()
    except UserError:
        return Difference("that this study cannot run")
    ignored = {OF_THE_TASK, *chosen, *free, *not_hyperparameters(plan.base.trial.world)}
    if FREE_UNLESS_GIVEN not in plan.given:
        ignored.add(FREE_UNLESS_GIVEN)
    for name, value in expected.items():
        if name not in ignored and found.get(name) != value and _matters(name, found):
            return _other(name, found)
    return None


def _matters(name: str, params: Mapping[str, Any]) -> bool:
    """False for a parameter that means nothing beside the others, as another choice is theirs."""
    search = facts_in(params["world"])[name].search
    if search is None or search.when is None:
        return True
    parent, choice = search.when
    return bool(params.get(parent) == choice)


def _other(name: str, found: Mapping[str, Any]) -> Difference:
    return Difference(f"of another {name}", found.get(name))


def _outside(parameter: Parameter, found: Mapping[str, Any]) -> Difference:
    if isinstance(parameter, Range):
        return Difference(f"outside {parameter.name} {parameter.low:g} to {parameter.high:g}")
    return _other(parameter.name, found)


def _in_words(value: Any) -> str:
    if value is None or isinstance(value, list) or len(str(value)) > LONGEST_VALUE:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
