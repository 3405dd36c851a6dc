"""What a report is made from: every trial of every ledger in the order of time, the champion and its evaluations."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.config.algorithms import DEFAULTS
from agent.config.trial import TrialConfig, UserError
from agent.trials.champion import MANIFEST_NAME
from agent.trials.ledger import Ledger
from agent.trials.record import NOT_HYPERPARAMETERS, Record


@dataclass(frozen=True)
class Trial:
    """A record and its place, from 1, in the order of time.

    ``params`` are complete (a name that the record is too old to know has its default) and hold only numbers,
    booleans and strings.
    """

    place: int
    record: Record
    params: dict[str, Any]

    @property
    def name(self) -> str:
        """Kind and number, which find the record in its ledger."""
        return f"{self.record.kind} {self.record.trial}"

    @property
    def agent(self) -> str:
        return str(self.params["agent"])

    @property
    def score(self) -> float | None:
        """``mean_reward``, or ``None`` for a trial that the search cannot learn from."""
        return self.record.mean_reward if self.record.scored else None

    @property
    def ended(self) -> datetime | None:
        """The record's timestamp, or ``None`` when it is no time."""
        try:
            return datetime.fromisoformat(self.record.timestamp).replace(tzinfo=None)
        except (TypeError, ValueError):
            return None

    @property
    def began(self) -> datetime | None:
        """When the trial's process started, as far as the record tells."""
        try:
            return self.ended and self.ended - timedelta(seconds=max(0.0, self.record.elapsed_sec))
        except (TypeError, OverflowError):
            return None


@dataclass(frozen=True)
class Configuration:
    """Scored trials that differ in nothing but the seed."""

    params: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def scores(self) -> list[float]:
        return [trial.score for trial in self.trials if trial.score is not None]

    @property
    def mean(self) -> float:
        return math.fsum(self.scores) / len(self.scores)


def load_trials(results_dir: Path, not_ledgers: Iterable[str] = ()) -> list[Trial]:
    """The trials of every ``*.jsonl`` in the folder, oldest first.

    :param not_ledgers: names of files there that hold something else
    :raises UserError: no such folder, or a ledger that cannot be read
    """
    if not results_dir.is_dir():
        raise UserError(
            f"results-dir {results_dir} is no folder; give the one that a search wrote its ledgers to"
        )
    ledgers = sorted(
        path for path in results_dir.glob("*.jsonl") if path.name not in set(not_ledgers)
    )
    records = [record for path in ledgers for record in Ledger(path).load()]
    records.sort(key=lambda record: str(record.timestamp))
    filled = {agent: TrialConfig(agent=agent).to_params() for agent in DEFAULTS}
    plain = [
        _plain(filled.get(str(r.params.get("agent")), filled["ppo"]) | r.params) for r in records
    ]
    return [
        Trial(i, record, params)
        for i, (record, params) in enumerate(zip(records, plain, strict=True), start=1)
    ]


def configurations(trials: Sequence[Trial]) -> list[Configuration]:
    """The scored trials by configuration, in the order of each one's first trial."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.score is not None:
            setting = {
                name: value
                for name, value in trial.params.items()
                if name not in NOT_HYPERPARAMETERS
            }
            groups.setdefault(json.dumps(setting, sort_keys=True), []).append(trial)
    return [Configuration(group[0].params, tuple(group)) for group in groups.values()]


def running_best(trials: Sequence[Trial]) -> list[float]:
    """The highest score until each trial, NaN before the first."""
    best, bests = math.nan, []
    for trial in trials:
        if trial.score is not None and not trial.score <= best:
            best = trial.score
        bests.append(best)
    return bests


def read_champion(folder: Path) -> dict[str, Any] | None:
    """The manifest in the champion's folder, with or without its model; ``None`` while there is none.

    :raises UserError: it is not one
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read the champion's manifest {path}: {error}; mend it or move it away"
        ) from None
    if not isinstance(manifest, dict):
        raise UserError(
            f"the champion's manifest {path} is no JSON object; mend it or move it away"
        )
    return manifest


def read_evaluations(path: Path) -> list[dict[str, Any]]:
    """The lines that ``evaluate_champion.py`` appended, oldest first; what cannot be read is left out.

    :raises UserError: the file itself cannot be read
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(
            f"cannot read the evaluations {path}: {error.strerror}; mend it or move it away"
        ) from None
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    tracks = params["env"] if isinstance(params["env"], list) else [params["env"]]
    plain = params | {"env": " + ".join(_env_id(track) for track in tracks)}
    return {name: _scalar(value) for name, value in plain.items() if value is not None}


def _env_id(track: Any) -> str:
    """The environment id without its address: ports differ between trials that are the same otherwise."""
    return str(track).partition("@")[0]


def _scalar(value: Any) -> bool | int | float | str:
    return (
        value if isinstance(value, (bool, int, float, str)) else json.dumps(value, sort_keys=True)
    )
