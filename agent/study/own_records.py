"""A study's own records: those of its task, its fixed configuration and its space, each once.

A score under another reward, or of another length of training, says nothing of what this study may
choose. So a record counts if this study could have launched the very trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from agent.config.errors import UserError
from agent.config.flat import facts_in, not_hyperparameters
from agent.config.trial import TrialConfig
from agent.search.parameter import Parameter, Range
from agent.search.space import Space
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


class Reading(NamedTuple):
    """A record as a study sees it.

    :param difference: what keeps it from counting, ``None`` if nothing does
    :param params: its parameters in today's words, ``None`` where its own do as well
    """

    difference: Difference | None
    params: dict[str, Any] | None = None


class OwnRecords:
    """Tells a study's own records from others.

    :param plan: of the study
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._task = plan.base.to_params()
        self._readings: dict[tuple[str, bool], Reading] = {}

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Returns the study's own among ``records``, in their order.

        Those with parameters of an older version have today's.
        """
        own = []
        for record in without_repeats(of_task(records, self._task)):
            reading = self._reading(record)
            if reading.params is not None:
                record = replace(record, params=reading.params)
            if reading.difference is None:
                own.append(record)
        return own

    def include(self, record: Record) -> bool:
        """True if this study could have launched a trial of the record's task."""
        return self._reading(record).difference is None

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
            difference = self._reading(record).difference
            if difference is not None:
                found.append(difference)
        return found

    def _reading(self, record: Record) -> Reading:
        is_of_grid = record.kind == "sweep"
        key = (record.config_id, is_of_grid)
        if key not in self._readings:
            free = self.plan.unbinding if is_of_grid else frozenset()
            self._readings[key] = read(self.plan, record.params, free)
        return self._readings[key]


def read(plan: Plan, params: Mapping[str, Any], free: frozenset[str] = frozenset()) -> Reading:
    """Returns how a study sees a trial of its task.

    A parameter that ``params`` are too old to name has its default.

    :param plan: of the study
    :param params: of the trial
    :param free: names that may differ
    """
    try:
        found = TrialConfig.from_params(params).to_params()
    except (UserError, TypeError):
        return Reading(Difference("that cannot run today"))
    active = _active(plan.space, found)
    difference = _difference(plan, found, active, free)
    if difference or all(params.get(each.name) == found.get(each.name) for each in active):
        return Reading(difference)
    return Reading(None, found)


def _active(space: Space, found: Mapping[str, Any]) -> list[Parameter]:
    """Parameters of the space that a trial with all these parameters has chosen."""
    chosen: dict[str, Any] = {}
    active = []
    for parameter in space.parameters:
        if parameter.when is not None:
            parent, choice = parameter.when
            if parent not in chosen or chosen[parent] != choice:
                continue
        chosen[parameter.name] = found.get(parameter.name)
        active.append(parameter)
    return active


def _difference(
    plan: Plan, found: Mapping[str, Any], active: Sequence[Parameter], free: frozenset[str]
) -> Difference | None:
    """What keeps a trial from being one of this study's; ``None`` if nothing does.

    :param plan: of the study
    :param found: all parameters of the trial
    :param active: those of the space that it has chosen
    :param free: names that may differ
    """
    for name, wanted in plan.space.context.items():
        if found.get(name) != wanted:
            return _other(name, found)
    chosen = {parameter.name: found.get(parameter.name) for parameter in active}
    for parameter in active:
        if not parameter.holds(chosen[parameter.name]):
            return _outside(parameter, found)
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
