"""The record of a trial: one line of the ledger, whatever became of the trial.

The first nine names are the specification's (FR-008). A trial without a score has ``mean_reward``
``None`` and a ``cause`` in words; never 0, never NaN.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from sys import intern
from typing import Any, Self

from agent.config.errors import UserError
from agent.config.flat import known_facts, new_names_in
from agent.config.plain import object_in, shown
from agent.config.settings import Facts
from agent.config.trial import TrialConfig
from agent.executors.base import LOST
from agent.trials.fields import check_fields
from agent.trials.progress import Rung
from agent.worlds.base import DEFAULT_WORLD, WORLDS, task_of

SCHEMA = 1
# Fields that a study does not ask for again, see ``Record.slim``, and texts that records share.
DETAILS: dict[str, Any] = {
    "model_path": None,
    "score": None,
    "cause": None,
    "suggestion": None,
    "git_dirty": None,
    "versions": {},
}
SHARED_TEXTS = ("run_status", "kind", "simulator", "git_commit", "host")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of a ledger.

    ``elapsed_sec`` is the wall clock of the trial's process, and ``rungs`` are its scores on the
    way. ``confirm_seeds`` is the rule of champion selection when it was recorded, 0 for the best
    score ever. ``host``, ``versions`` and ``git_commit`` are those of where the trial ran.

    :raises ValueError: a value that no ledger may hold; the text names it
    """

    trial: int
    timestamp: str
    params: dict[str, Any]
    mean_reward: float | None
    std_reward: float | None
    model_path: str | None
    champion: bool
    elapsed_sec: float
    run_status: str
    schema: int = SCHEMA
    kind: str = "search"
    seed: int = 0
    simulator: str = "embedded"
    score: dict[str, Any] | None = None
    cause: str | None = None
    suggestion: dict[str, float] | None = None
    rungs: tuple[Rung, ...] = ()
    confirm_seeds: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_dirty: bool | None = None
    host: str | None = None
    world: str = DEFAULT_WORLD

    def __post_init__(self) -> None:
        check_fields(vars(self))

    @property
    def scored(self) -> bool:
        """True if the search may learn from this trial."""
        return self.run_status == "ok" and self.mean_reward is not None

    @property
    def lost(self) -> bool:
        """True if its node was lost, so that it says nothing about anything."""
        return self.run_status == LOST

    @cached_property
    def config_id(self) -> str:
        """See ``config_id``."""
        return config_id(self.params)

    @property
    def repeatable(self) -> bool:
        """True if this version would run such a trial again."""
        try:
            TrialConfig.from_params(self.params)
        except (UserError, TypeError):
            return False
        return True

    def slim(self) -> Self:
        """Returns the record without ``DETAILS``, as a study keeps thousands of them in memory.

        Parameters that ``from_params`` restores by itself are left out, and equal texts are kept
        once.
        """
        texts = {name: _shared(getattr(self, name)) for name in SHARED_TEXTS}
        facts = known_facts(self.params)
        params = {
            intern(name): _shared(value)
            for name, value in self.params.items()
            if not _is_restored(name, value, facts)
        }
        return replace(self, params=params, **texts, **DETAILS)

    def to_line(self) -> str:
        """Returns the record as one line of JSON, without the newline.

        :raises ValueError: NaN or infinity anywhere in it
        """
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Reads back a line; names that a later schema added are ignored.

        :raises ValueError: not JSON, not an object, a name is missing or a value impossible
        """
        data = object_in(line)
        known = {spec.name for spec in fields(cls)}
        if isinstance(data.get("params"), dict):
            data["params"] = _with_new_names(data["params"])
        rungs = data.get("rungs") or []
        if not isinstance(rungs, list):
            raise ValueError(f"rungs {shown(rungs)} is not a list")
        data["rungs"] = tuple(map(Rung.from_json, rungs))
        try:
            return cls(**{name: value for name, value in data.items() if name in known})
        except TypeError as error:
            raise ValueError(str(error).partition(" ")[2]) from None


def config_id(params: dict[str, Any]) -> str:
    """Returns the name of a configuration: a digest of its hyperparameters and its tasks.

    Parameters that a record is too old to name have their default. So a replicate that runs today
    is of the same configuration.
    """
    with suppress(UserError, TypeError):
        params = TrialConfig.from_params(params).to_params()
    facts = known_facts(params)
    hyperparameters = {
        name: value
        for name, value in params.items()
        if value is not None and (name not in facts or facts[name].hyperparameter)
    }
    text = json.dumps({**hyperparameters, "env": task_names(params)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def task_names(params: Mapping[str, Any]) -> list[str]:
    """Returns the tasks of ``params``, without the addresses of their simulators."""
    envs = params.get("env") or []
    if not isinstance(envs, list):
        envs = [envs]
    return [task_of(str(env)) for env in envs]


def _shared(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return intern(value)


def _is_restored(name: str, value: Any, facts: Mapping[str, Facts]) -> bool:
    """True for a value that ``from_params`` restores: an empty one, or a default of the machine."""
    if name in facts and not facts[name].hyperparameter and name != "seed":
        return bool(value == facts[name].default)
    if name == "world":
        return bool(value == DEFAULT_WORLD)
    return value in (None, "", [])


def _with_new_names(params: dict[str, Any]) -> dict[str, Any]:
    """Returns the parameters of an old record under today's names."""
    world = params.get("world", DEFAULT_WORLD)
    if not isinstance(world, str) or world not in WORLDS:
        return params
    renamed = new_names_in(world)
    return {renamed.get(name, name): value for name, value in params.items()}
