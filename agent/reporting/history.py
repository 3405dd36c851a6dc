"""Data of a report: trials of every ledger in the order of time, champion, evaluations."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.algorithms import ALGORITHMS
from agent.config.errors import UserError
from agent.config.flat import not_hyperparameters
from agent.config.plain import object_in, read_object
from agent.config.trial import TrialConfig
from agent.trials.ledger import Ledger
from agent.trials.record import Record, task_names
from agent.trials.titles import title_folders

NO_LEDGERS = (files.EVALUATIONS, files.RACES, files.PROGRESS)  # ours, whatever they hold
LONG_PAUSE = timedelta(hours=2)  # chosen: between two trials of a night there are seconds


@dataclass(frozen=True)
class Trial:
    """A record and its index, from 1, in the order of time.

    ``params`` are complete: a name that the record is too old to know has its default. Their
    values are numbers, booleans and strings only.
    """

    index: int
    record: Record
    params: dict[str, Any]

    @property
    def name(self) -> str:
        """Kind and number, which find the record in its ledger."""
        return f"{self.record.kind} {self.record.trial}"

    @property
    def agent(self) -> str:
        """The algorithm."""
        return str(self.params["agent"])

    @property
    def score(self) -> float | None:
        """``mean_reward``, or ``None`` for a trial that the search cannot learn from."""
        if not self.record.scored:
            return None
        return self.record.mean_reward

    @property
    def ended(self) -> datetime | None:
        """The record's timestamp, or ``None`` when it is no time."""
        try:
            return datetime.fromisoformat(self.record.timestamp).replace(tzinfo=None)
        except (TypeError, ValueError):
            return None

    @property
    def began(self) -> datetime | None:
        """Start of the trial's process, or ``None`` when the record does not tell."""
        ended = self.ended
        if ended is None:
            return None
        try:
            return ended - timedelta(seconds=max(0.0, self.record.elapsed_sec))
        except (TypeError, OverflowError):
            return None


@dataclass(frozen=True)
class Configuration:
    """Scored trials that differ in nothing but the seed."""

    params: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def scores(self) -> list[float]:
        """The score of each trial."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @property
    def mean(self) -> float:
        """Mean score over the seeds."""
        return math.fsum(self.scores) / len(self.scores)


def load_trials(results_dir: Path) -> list[Trial]:
    """Reads the trials of every ledger in the folder, oldest first.

    :raises UserError: no such folder, or a ledger that cannot be read
    """
    if not results_dir.is_dir():
        raise UserError(
            f"results-dir {results_dir} is no folder; "
            "give the one that a search wrote its ledgers to"
        )
    ledgers = [path for path in sorted(results_dir.glob("*.jsonl")) if _is_ledger(path)]
    records = [record for path in ledgers for record in Ledger(path).load()]
    records.sort(key=lambda record: str(record.timestamp))
    return [
        Trial(index, record, _plain_params(record.params))
        for index, record in enumerate(records, start=1)
    ]


def configurations(trials: Sequence[Trial]) -> list[Configuration]:
    """Groups the scored trials by configuration, in the order of each one's first trial."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.score is not None:
            others = not_hyperparameters(trial.record.world)
            hyperparameters = {
                name: value for name, value in trial.params.items() if name not in others
            }
            key = json.dumps(hyperparameters, sort_keys=True)
            groups.setdefault(key, []).append(trial)
    return [Configuration(group[0].params, tuple(group)) for group in groups.values()]


def last_run(trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials since the last long pause, such as those of the last night."""
    timed = [trial for trial in trials if trial.began and trial.ended]
    found: list[Trial] = []
    for trial in reversed(timed):
        if found and _pause(trial, found[-1]) > LONG_PAUSE:
            break
        found.append(trial)
    return found[::-1]


def running_best(trials: Sequence[Trial]) -> list[float]:
    """Returns the highest score up to each trial, NaN before the first score."""
    best = math.nan
    bests = []
    for trial in trials:
        if trial.score is not None and not trial.score <= best:
            best = trial.score
        bests.append(best)
    return bests


def read_champions(models_dir: Path, results_dir: Path) -> list[dict[str, Any]]:
    """Reads the manifest of every task's champion, the default task's first.

    :param models_dir: their folders lie there
    :param results_dir: of the ledgers; champions of another experiment's are left out
    :raises UserError: a file is no manifest
    """
    own = Path(os.path.relpath(os.path.realpath(results_dir), os.path.realpath(models_dir)))
    found = []
    for folder in title_folders(models_dir):
        manifest = read_champion(folder)
        if (
            manifest
            and Path(str(manifest.get("ledger") or own / files.SEARCH_LEDGER)).parent == own
        ):
            found.append(manifest)
    return found


def read_champion(folder: Path) -> dict[str, Any] | None:
    """Reads the manifest in a champion's folder; ``None`` without one. It needs no model.

    :raises UserError: the file is no manifest
    """
    path = folder / files.MANIFEST
    try:
        return read_object(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read the champion's manifest {path}: {error}; mend it or move it away"
        ) from None


def read_evaluations(path: Path) -> list[dict[str, Any]]:
    """Reads the evaluations or the races of saved models, oldest first; an absent file has none.

    A line that is no object is reported in one line on stderr, and left out.

    :raises UserError: the file itself cannot be read
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; mend it or move it away") from None
    evaluations = []
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                evaluations.append(object_in(line, nan_as_none=True))
        except ValueError as error:
            print(f"warning: {path}:{number}: {error}; left out", file=sys.stderr, flush=True)
    return evaluations


def _pause(earlier: Trial, later: Trial) -> timedelta:
    assert earlier.ended is not None and later.began is not None
    return later.began - earlier.ended


def _is_ledger(path: Path) -> bool:
    """True for the controllers' own ledgers, and for any stranger's file with a record in it."""
    if path.name in (files.SEARCH_LEDGER, files.SWEEP_LEDGER):
        return True
    if path.name in NO_LEDGERS:
        return False
    try:
        with path.open("rb") as lines:
            return any(_is_record(line) for line in lines)
    except IsADirectoryError:
        return False
    except OSError:
        return True  # reading it as a ledger says what is wrong


def _is_record(line: bytes) -> bool:
    try:
        Record.from_line(line.decode(errors="replace"))
    except ValueError:
        return False
    return True


def _plain_params(params: dict[str, Any]) -> dict[str, Any]:
    """Complete params with task names in place of addresses, and plain values."""
    complete = _complete(params)
    complete["env"] = " + ".join(task_names(complete))
    return {name: _scalar(value) for name, value in complete.items() if value is not None}


def _complete(params: dict[str, Any]) -> dict[str, Any]:
    try:
        return TrialConfig.from_params(params).to_params()
    except (UserError, TypeError):  # of another version, or written by hand
        known = {name: value for name, value in params.items() if value is not None}
        return _defaults_of(str(params.get("agent"))) | known


@cache
def _defaults_of(agent: str) -> dict[str, Any]:
    if agent in ALGORITHMS:
        return TrialConfig.of(agent=agent).to_params()
    return TrialConfig.of().to_params()


def _scalar(value: Any) -> bool | int | float | str:
    if isinstance(value, (bool, int, float, str)):
        return value
    return json.dumps(value, sort_keys=True)
