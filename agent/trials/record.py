"""The record of a trial: one line of the ledger, whatever became of the trial.

The first nine names are the specification's (FR-008). A trial without a score has ``mean_reward``
``None`` and a ``cause`` in words; never 0, never NaN.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from platform import node, python_version
from sys import intern
from typing import Any, NoReturn, Self

from agent.config.trial import TrialConfig, UserError
from agent.trials.progress import Rung

SCHEMA = 1
REPO_ROOT = Path(__file__).resolve().parents[2]
GIT_TIMEOUT_SEC = 10.0

RUN_STATUSES = (
    "ok",
    "timeout",
    "crashed",
    "sim_lost",
    "diverged",
    "pruned",
    "out_of_memory",
    "interrupted",
)
FORGOTTEN: dict[str, Any] = dict.fromkeys(
    ("model_path", "score", "cause", "suggestion", "git_dirty")
) | {"versions": {}}
SHARED = ("run_status", "kind", "simulator", "git_commit", "host")
# Parameters that are no part of a configuration: what it was run on, and by which luck.
NOT_HYPERPARAMETERS = ("seed", "device", "memory_limit", "client", "reconnect", "deterministic")
KINDS = ("search", "replicate", "confirm", "sweep")
VERSIONED = (
    "donkeycar-rl-autoresearch",
    "numpy",
    "torch",
    "stable-baselines3",
    "sb3-contrib",
    "gymnasium",
    "numba",
    "opencv-python-headless",
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of a ledger.

    ``elapsed_sec`` is the wall clock of the trial's process, ``rungs`` what it was worth on its way, and
    ``confirm_seeds`` the rule of the title when it was recorded, 0 for the best score ever.

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
    host: str = field(default_factory=node)

    def __post_init__(self) -> None:
        if isinstance(self.trial, bool) or not isinstance(self.trial, int):
            raise ValueError(f"trial {self.trial!r} is not a whole number")
        if not isinstance(self.params, dict):
            raise ValueError(f"params {self.params!r} is not an object")
        if self.run_status not in RUN_STATUSES:
            raise ValueError(f"run_status {self.run_status!r} is none of {', '.join(RUN_STATUSES)}")
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        for name in ("mean_reward", "std_reward"):
            value = getattr(self, name)
            if value is not None and not is_finite(value):
                raise ValueError(f"{name} {value!r} is neither null nor a finite number")

    @property
    def scored(self) -> bool:
        """Whether the search may learn from this trial."""
        return self.run_status == "ok" and self.mean_reward is not None

    @cached_property
    def config_id(self) -> str:
        """See ``config_id``."""
        return config_id(self.params)

    @property
    def repeatable(self) -> bool:
        """Whether this version would run such a trial again."""
        try:
            TrialConfig.from_params(self.params)
        except (UserError, TypeError):
            return False
        return True

    def slim(self) -> Self:
        """What a night remembers of each of thousands: all that search and title ask for, equal texts kept once.

        Parameters that do not apply are left out, as in a record too old to name them.
        """
        texts = {name: _shared(getattr(self, name)) for name in SHARED}
        params = {
            intern(name): _shared(value)
            for name, value in self.params.items()
            if not _goes_without(name, value)
        }
        return replace(self, params=params, **texts, **FORGOTTEN)

    def to_line(self) -> str:
        """The record as one line of JSON, without the newline.

        :raises ValueError: NaN or infinity anywhere in it
        """
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read back a line; names that a later schema added are ignored.

        :raises ValueError: not JSON, not an object, a name is missing or a value impossible
        """
        data = json.loads(line, parse_constant=_refuse_constant)
        if not isinstance(data, dict):
            raise ValueError("it is not a JSON object")
        known = {spec.name for spec in fields(cls)}
        data["rungs"] = tuple(map(Rung.from_json, data.get("rungs") or ()))
        try:
            return cls(**{name: value for name, value in data.items() if name in known})
        except TypeError as error:
            raise ValueError(str(error).partition(" ")[2]) from None


def config_id(params: dict[str, Any]) -> str:
    """A configuration's name: a digest of its parameters but ``NOT_HYPERPARAMETERS`` and where its simulators listen.

    What a record is too old to name has its default, so a replicate run today is of the same configuration.
    """
    with suppress(UserError, TypeError):
        params = TrialConfig.from_params(params).to_params()
    told = {
        name: value
        for name, value in params.items()
        if value is not None and name not in NOT_HYPERPARAMETERS
    }
    text = json.dumps({**told, "env": tracks(params)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tracks(params: dict[str, Any]) -> list[str]:
    """The environment ids of a record's ``params``, without where their simulators listen; whatever stands there."""
    envs = params.get("env") or []
    return [str(env).partition("@")[0] for env in (envs if isinstance(envs, list) else [envs])]


def _shared(value: Any) -> Any:
    return intern(value) if isinstance(value, str) else value


def _goes_without(name: str, value: Any) -> bool:
    """Whether a parameter says nothing: empty, or a circumstance as it is anyway; ``TrialConfig`` has it again."""
    if name in NOT_HYPERPARAMETERS and name != "seed":
        return bool(value == TrialConfig.__dataclass_fields__[name].default)
    return value in (None, "", [])


def is_finite(value: object) -> bool:
    """Whether ``value`` is a finite number (booleans are none)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def shown_path(path: Path) -> str:
    """``path`` relative to the repository's root when it lies below it, else absolute."""
    path = path.resolve()
    return path.relative_to(REPO_ROOT).as_posix() if path.is_relative_to(REPO_ROOT) else str(path)


@cache
def installed_versions() -> dict[str, str]:
    """Versions of what decides a trial's outcome, read once from package metadata: nothing is imported."""
    versions = {"python": python_version()}
    for name in VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """The checked-out commit of this repository, or ``None`` outside one."""
    return _git("rev-parse", "--verify", "--quiet", "HEAD") or None


def git_dirty() -> bool | None:
    """Whether tracked code differs from that commit; ledgers and manifests, which a night writes, do not count."""
    changed = _git(
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "*.py",
        "*.toml",
        "*.txt",
        "agent/simulator",
    )
    return None if changed is None else bool(changed)


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(REPO_ROOT), *arguments]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=GIT_TIMEOUT_SEC, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number a ledger may hold")
