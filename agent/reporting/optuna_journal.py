"""Trials as Optuna's journal: JSON lines that optuna and optuna-dashboard read.

The format is that of ``optuna.storages.JournalStorage`` (Optuna 5.0), written without Optuna.
Scores of different tasks do not compare, so each task is a study of its own, named after its first
environment. A trial that the search cannot learn from has failed; rungs are intermediate values.

A journal is only appended to, under Optuna's own lock, so whoever has it open sees a night grow.
Optuna wants one range for a parameter in all trials of a study. Where a range that was written
turns out too narrow, the study is deleted by one operation and written anew by the next.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from agent.config.errors import UserError
from agent.config.flat import known_facts
from agent.config.settings import SearchChoices, SearchRange
from agent.reporting.history import Trial
from agent.reporting.measures import measure_values
from agent.reporting.searched_space import active_names, searched_space
from agent.search.parameter import Choice, Parameter, Range
from agent.trials.task import task_name

Operation = dict[str, Any]

# Codes of optuna/storages/journal/_storage.py, optuna/trial/_state.py and
# optuna/study/_study_direction.py.
CREATE_STUDY = 0
DELETE_STUDY = 1
SET_STUDY_SYSTEM_ATTR = 3
CREATE_TRIAL = 4
COMPLETE = 1
PRUNED = 2
FAIL = 3
MAXIMIZE = 2

WRITER = "autoresearch"  # who wrote an operation
METRIC = {"study:metric_names": ["mean_reward"]}
LOCK_TIMEOUT_SEC = 40.0  # chosen: Optuna takes a lock away that is 30 s old
LOCK_POLL_SEC = 0.05
WIDE_RATIO = 10.0  # chosen: a positive range of choices that spans as much is logarithmic
ROUND_DIGITS = (1.0, 2.0, 5.0, 10.0)


def append_to_journal(trials: Sequence[Trial], path: Path) -> int:
    """Appends the trials that the journal lacks, and makes the file when absent.

    :param trials: of every ledger
    :param path: of the journal
    :returns: the number of operations that were written
    :raises UserError: the file is no journal of ours, or stays locked
    :raises OSError: the file cannot be read or written
    """
    studies = studies_of(trials)
    if not _missing(read_journal(path), studies):
        return 0
    with _locked(path), path.open("ab+") as file:
        _drop_torn_tail(file.fileno())
        operations = _missing(read_journal(path), studies)
        lines = [json.dumps(each, allow_nan=False, separators=(",", ":")) for each in operations]
        file.write("".join(line + "\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())
    return len(operations)


def studies_of(trials: Sequence[Trial]) -> dict[str, list[Operation]]:
    """Returns the operations that create the trials of each study, by its name."""
    tasks: dict[Hashable, list[Trial]] = {}
    for trial in trials:
        tasks.setdefault(task_name(trial.params)[1], []).append(trial)
    studies: dict[str, list[Operation]] = {}
    for group in tasks.values():
        usual = task_name(group[0].params)[0] or "trials"
        others = (f"{usual} {number}" for number in count(2))  # in episodes that end otherwise
        name = next(name for name in chain([usual], others) if name not in studies)
        studies[name] = list(_trial_operations(group))
    return studies


def read_journal(path: Path) -> list[Operation]:
    """Reads the operations of a journal of ours; an absent or empty one has none.

    A last line without its end is no operation yet.

    :raises UserError: another file
    :raises OSError: the file cannot be read
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
        operations = [json.loads(line) for line in lines]
        is_ours = all("op_code" in each for each in operations)
        if operations:
            is_ours = is_ours and operations[0].get("worker_id") == WRITER
        elif path.stat().st_size:
            is_ours = False
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, AttributeError):
        is_ours = False
    if not is_ours:
        raise UserError(
            f"optuna {path} is another file, which would be damaged; name one that is not there"
        )
    return operations


@dataclass
class _Study:
    """A study that a journal holds, and the trials that we wrote into it."""

    id: int
    trials: set[str] = field(default_factory=set)


def _missing(
    journal: Iterable[Operation], studies: Mapping[str, list[Operation]]
) -> list[Operation]:
    """Returns the operations after which a journal holds these trials and no other of ours."""
    known, next_id = _replay(journal)
    missing: list[Operation] = []
    for name, trials in studies.items():
        study = known.get(name)
        if study is not None and not study.trials <= set(map(_key, trials)):
            missing.append(_operation(DELETE_STUDY, study_id=study.id))
            study = None
        if study is None:
            study = _Study(next_id)
            next_id += 1
            missing.append(_operation(CREATE_STUDY, study_name=name, directions=[MAXIMIZE]))
            attribute = _operation(SET_STUDY_SYSTEM_ATTR, study_id=study.id, system_attr=METRIC)
            missing.append(attribute)
        lacking = (each for each in trials if _key(each) not in study.trials)
        missing += [each | {"study_id": study.id} for each in lacking]
    return missing


def _replay(journal: Iterable[Operation]) -> tuple[dict[str, _Study], int]:
    """Goes through a journal as Optuna does; returns its studies by name, and the next one's id."""
    studies: dict[str, _Study] = {}
    next_id = 0
    for operation in journal:
        code = operation["op_code"]
        if code == CREATE_STUDY and operation["study_name"] not in studies:
            studies[operation["study_name"]] = _Study(next_id)
            next_id += 1
            continue
        name = next(
            (name for name, each in studies.items() if each.id == operation.get("study_id")), None
        )
        if name is None:
            continue
        if code == DELETE_STUDY:
            del studies[name]
        elif code == CREATE_TRIAL and operation.get("worker_id") == WRITER:
            studies[name].trials.add(_key(operation))
    return studies, next_id


def _key(operation: Operation) -> str:
    """The same text for the same trial, whatever the id of its study."""
    return json.dumps({**operation, "study_id": None}, sort_keys=True)


def _operation(code: int, **values: Any) -> Operation:
    return {"op_code": code, "worker_id": WRITER, **values}


def _trial_operations(trials: Sequence[Trial]) -> Iterator[Operation]:
    """Gives the operation that creates each trial of one study."""
    space = searched_space(trials)
    distributions: dict[str, dict[str, Any]] = {}
    for parameter in space.parameters if space else ():
        distributions[parameter.name] = _distribution(parameter, trials)
    for trial in trials:
        names = active_names(space, trial.params)
        own = {name: each for name, each in distributions.items() if name in names}
        yield _trial_operation(trial, own)


def _trial_operation(trial: Trial, distributions: Mapping[str, dict[str, Any]]) -> Operation:
    record = trial.record
    state = FAIL
    if trial.score is not None:
        state = COMPLETE
    elif record.run_status == "pruned":
        state = PRUNED
    operation = _operation(
        CREATE_TRIAL,
        state=state,
        value=trial.score,
        values=None,
        datetime_start=None,
        distributions={name: json.dumps(each) for name, each in distributions.items()},
        params={name: _code(trial.params[name], each) for name, each in distributions.items()},
        user_attrs={
            "trial": trial.name,
            "run_status": record.run_status,
            "cause": record.cause,
            "seed": record.seed,
            "config_id": record.config_id,
            "promoted": record.champion,
            **dict(measure_values(record.score)),
        },
        system_attrs={},
        intermediate_values={str(rung.timesteps): rung.mean_reward for rung in record.rungs},
    )
    if trial.began and trial.ended:
        operation["datetime_start"] = trial.began.isoformat(timespec="microseconds")
        operation["datetime_complete"] = trial.ended.isoformat(timespec="microseconds")
    return operation


def _distribution(parameter: Parameter, trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns the distribution of a parameter in Optuna's words.

    Its range is the one that the search is offered, or else what was tried between round numbers:
    so it seldom has to be written anew.
    """
    facts = known_facts(trials[0].record.params).get(parameter.name)
    offered = facts.search if facts else None
    if isinstance(parameter, Choice):
        choices = list(parameter.choices)
        if isinstance(offered, SearchChoices):
            choices = list(dict.fromkeys([*offered.values, *choices]))
        return {"name": "CategoricalDistribution", "attributes": {"choices": choices}}
    low, high, log = _bounds(parameter, offered)
    if parameter.integer:
        whole = {"log": log, "step": 1, "low": math.floor(low), "high": math.ceil(high)}
        return {"name": "IntDistribution", "attributes": whole}
    span = {"step": None, "low": float(low), "high": float(high), "log": log}
    return {"name": "FloatDistribution", "attributes": span}


def _bounds(
    parameter: Range, offered: SearchRange | SearchChoices | None
) -> tuple[float, float, bool]:
    """Low and high end of a parameter's range, and whether it is logarithmic.

    :param parameter: with the range that was tried
    :param offered: what the search may choose from, where the parameter says that
    """
    ends: list[float] = []
    log = parameter.log
    if isinstance(offered, SearchRange):
        ends = [offered.low, offered.high]
        log = offered.log
    elif offered is not None:
        ends = [value for value in offered.values if not isinstance(value, (bool, str))]
        log = bool(ends) and min(ends) > 0 and max(ends) / min(ends) >= WIDE_RATIO
    if not ends or parameter.low < min(ends):
        ends.append(_round_number(parameter.low, up=False))
    if parameter.high > max(ends):
        ends.append(_round_number(parameter.high, up=True))
    return min(ends), max(ends), log and min(ends) > 0


def _round_number(value: float, *, up: bool) -> float:
    """The nearest of 1, 2, 5 times a power of ten, not below or not above ``value``."""
    if value == 0:
        return value
    if value < 0:
        return -_round_number(-value, up=not up)
    power = 10.0 ** math.floor(math.log10(value))
    numbers = [digit * power for digit in ROUND_DIGITS]
    if up:
        return next((each for each in numbers if each >= value), value)
    return next((each for each in reversed(numbers) if each <= value), value)


def _code(value: Any, distribution: Mapping[str, Any]) -> float:
    """Optuna's number for a value: itself, or the index of a choice."""
    choices = distribution["attributes"].get("choices")
    if choices is None:
        return float(value)
    return float(choices.index(value))


def _drop_torn_tail(descriptor: int) -> None:
    """Cuts off a last line without its end, which Optuna would take the next line for a part of."""
    size = os.fstat(descriptor).st_size
    end = size
    while end and os.pread(descriptor, 1, end - 1) != b"\n":
        end -= 1
    if end < size:
        os.ftruncate(descriptor, end)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps Optuna and others of us from writing meanwhile, as ``JournalFileSymlinkLock`` does.

    :raises UserError: somebody else keeps the lock
    """
    lock = Path(f"{path}.lock")
    deadline = time.monotonic() + LOCK_TIMEOUT_SEC
    while True:
        try:
            os.symlink(path.name, lock)
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise UserError(
                    f"optuna {path} is locked by another program;"
                    f" delete {lock} if none writes there"
                ) from None
            time.sleep(LOCK_POLL_SEC)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            lock.unlink()
