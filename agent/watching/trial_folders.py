"""Trials that run now, by the folders that their controller has made for them."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.plain import is_finite, object_in, read_object
from agent.watching.ledger_rows import shown_params, task_in_words

MOST_POINTS = 400  # of a curve, chosen: more than it has pixels


@dataclass(frozen=True)
class Launched:
    """A trial that was launched and is not in the ledger yet.

    :param folder: of its files
    :param began: of its process, seconds since 1970
    :param document: that its controller left there
    """

    folder: Path
    trial: int
    began: float
    document: dict[str, Any]


class TrialFolders:
    """The folders of one ledger's trials.

    :param models_dir: they lie there
    :param prefix: first part of their names
    :param ledger: file of the records
    """

    def __init__(self, models_dir: Path, prefix: str, ledger: Path) -> None:
        self.models_dir = models_dir
        self.prefix = prefix
        own = os.path.relpath(os.path.realpath(ledger), os.path.realpath(models_dir))
        self._ledger_name = Path(own).as_posix()
        self._pattern = re.compile(re.escape(prefix) + r"-(\d+)")
        self._seen_ns = 0
        self._numbers: list[int] = []
        self._strangers: set[int] = set()  # folders of other experiments

    def of(self, trial: int) -> Path:
        """The folder of a trial."""
        return self.models_dir / f"{self.prefix}-{trial:03d}"

    def launched(self, recorded: Container[int]) -> list[Launched]:
        """Trials without a record that this ledger's controller has launched, oldest first.

        :param recorded: numbers of those that have one
        """
        self._look()
        found = []
        for trial in self._numbers:
            if trial in recorded or trial in self._strangers:
                continue
            launched = self._launched(trial)
            if launched is not None:
                found.append(launched)
        return found

    def _look(self) -> None:
        """Lists the folders again where one has come or gone."""
        try:
            changed_ns = self.models_dir.stat().st_mtime_ns
            if changed_ns == self._seen_ns:
                return
            names = os.listdir(self.models_dir)
        except OSError:
            return
        self._seen_ns = changed_ns
        matches = (self._pattern.fullmatch(name) for name in names)
        self._numbers = sorted(int(match[1]) for match in matches if match)

    def _launched(self, trial: int) -> Launched | None:
        path = self.of(trial) / files.LAUNCH
        try:
            began = path.stat().st_mtime
            document = read_object(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            self._strangers.add(trial)
            return None
        if document.get("ledger") != self._ledger_name or document.get("recorded"):
            self._strangers.add(trial)
            return None
        if not isinstance(document.get("params"), dict):
            return None  # its number is taken, and its parameters are being chosen
        return Launched(self.of(trial), trial, began, document)


def running_in_words(launched: Launched, prefix: str) -> dict[str, Any]:
    """Facts that the page shows of a trial at work.

    :param launched: the trial
    :param prefix: first part of its folder's name
    """
    params = launched.document["params"]
    timesteps = params.get("timesteps")
    return {
        "prefix": prefix,
        "trial": launched.trial,
        "kind": str(launched.document.get("kind", "search")),
        "began": launched.began,
        "agent": str(params.get("agent", "")),
        "task": task_in_words(params),
        "seed": params.get("seed") if is_finite(params.get("seed")) else 0,
        "timesteps": timesteps if is_finite(timesteps) else 0,
        "suggestion": launched.document.get("suggestion"),
        "params": shown_params(params),
        "progress": read_progress(launched.folder)[-MOST_POINTS:],
    }


def read_progress(folder: Path) -> list[list[float | None]]:
    """Timesteps, mean and standard deviation of each evaluation; what is unreadable is left out."""
    try:
        text = (folder / files.PROGRESS).read_bytes()
    except OSError:
        return []
    found: list[list[float | None]] = []
    for line in text.splitlines():
        with suppress(ValueError):
            evaluation = object_in(line, nan_as_none=True)
            steps = evaluation.get("timesteps")
            mean = evaluation.get("mean_reward")
            std = evaluation.get("std_reward")
            if is_finite(steps) and is_finite(mean):
                found.append([steps, mean, std if is_finite(std) else None])
    return found
