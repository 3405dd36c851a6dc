"""Folders of trials: their numbers, what was launched in them, which models are kept.

Each folder holds ``launch.json`` from before its process starts. So a trial whose controller was
killed between launch and record is found again.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.trials.record import Record

KEEP = re.compile(r"(best|last):(\d+)")
GIB = 1024**3


@dataclass(frozen=True)
class Launch:
    """A trial as it was started.

    :param trial: its number
    :param kind: a record's ``kind``
    :param config: its parameters
    :param suggestion: what the surrogate expected of it, ``None`` if it was not asked
    """

    trial: int
    kind: str
    config: TrialConfig
    suggestion: dict[str, float] | None = None


@dataclass(frozen=True)
class Folders:
    """The folders ``models_dir/prefix-NNN``."""

    models_dir: Path
    prefix: str

    def of(self, trial: int) -> Path:
        """The folder of a trial."""
        return self.models_dir / f"{self.prefix}-{trial:03d}"

    def model_of(self, record: Record) -> Path:
        """The path of a trial's best checkpoint, whether it is there or not."""
        return self.of(record.trial) / files.MODEL

    @property
    def champion_dir(self) -> Path:
        """The folder of the champion."""
        return self.models_dir / files.CHAMPION

    def next_trial(self, records: list[Record]) -> int:
        """The number after the highest of ledger and folders, so no model is overwritten."""
        return max([0, *(record.trial for record in records), *self._numbers()]) + 1

    def open(self, launch: Launch) -> Path:
        """Makes the trial's folder and writes down what is about to run in it."""
        folder = self.of(launch.trial)
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "trial": launch.trial,
            "kind": launch.kind,
            "params": launch.config.to_params(),
            "suggestion": launch.suggestion,
        }
        write_bytes(folder / files.LAUNCH, f"{json.dumps(document)}\n".encode())
        return folder

    def drop(self, trial: int) -> None:
        """Removes the folder of a trial that never began, unless it holds more than its log."""
        folder = self.of(trial)
        for name in (files.LAUNCH, files.TRIAL_LOG):
            (folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()

    def unrecorded(self, records: list[Record]) -> list[Launch]:
        """Returns trials that were launched and never recorded, oldest first.

        A folder without a readable launch is none. It is removed if its controller died before it
        wrote that.

        :param records: all that are known
        """
        known = {record.trial for record in records}
        launches = []
        for trial in sorted(set(self._numbers()) - known):
            with suppress(OSError, ValueError, KeyError, TypeError):
                launch = self._read_launch(trial)
                if launch is not None:
                    launches.append(launch)
        return launches

    def thin(self, records: list[Record], keep: dict[str, int]) -> list[Path]:
        """Deletes models of trials that are neither among the best nor the last; returns them.

        Records, logs and results stay.

        :param records: all trials
        :param keep: how many ``best`` and ``last``; empty keeps all
        """
        if not keep:
            return []
        scored = [record for record in records if record.scored]
        scored.sort(key=lambda record: -(record.mean_reward or 0.0))
        n_best = keep.get("best", 0)
        n_last = keep.get("last", 0)
        kept = {record.trial for record in scored[:n_best]}
        kept |= {record.trial for record in records[max(0, len(records) - n_last) :]}
        deleted = []
        for record in records:
            if record.trial not in kept:
                folder = self.of(record.trial)
                deleted += [folder / files.MODEL, folder / files.LAST_MODEL]
        deleted = [path for path in deleted if path.is_file()]
        for path in deleted:
            path.unlink()
        return deleted

    def _read_launch(self, trial: int) -> Launch | None:
        """Returns what was launched, ``None`` when its controller died before it wrote that."""
        folder = self.of(trial)
        try:
            text = (folder / files.LAUNCH).read_text(encoding="utf-8")
        except FileNotFoundError:
            _remove_unlaunched(folder)
            return None
        document: dict[str, Any] = json.loads(text)
        config = TrialConfig.from_params(document["params"])
        kind = str(document.get("kind", "search"))
        return Launch(trial, kind, config, document.get("suggestion"))

    def _numbers(self) -> list[int]:
        pattern = re.compile(re.escape(self.prefix) + r"-(\d+)")
        names = (path.name for path in self.models_dir.glob(f"{self.prefix}-*"))
        matches = (pattern.fullmatch(name) for name in names)
        return [int(match[1]) for match in matches if match]


def parse_keep(text: str) -> dict[str, int]:
    """Reads how many models to keep, from ``best:20,last:5``; empty for ``all``.

    :raises UserError: anything else
    """
    if text == "all":
        return {}
    matches = [KEEP.fullmatch(part) for part in text.split(",")]
    if not all(matches):
        raise UserError(
            f"--keep-models {text!r} is not understood; write all, best:20 or best:20,last:5"
        )
    return {match[1]: int(match[2]) for match in matches if match}


def check_disk(folder: Path, min_free_bytes: int) -> None:
    """Refuses to go on with too little free disk.

    :raises OSError: less is free than ``min_free_bytes``
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < min_free_bytes:
        raise OSError(
            f"{free_bytes / GIB:.1f} GiB are free at {files.shown_path(folder)}, "
            f"less than --min-free {min_free_bytes / GIB:.1f} GiB; "
            "free some, or keep fewer models with --keep-models best:20,last:5"
        )


def _remove_unlaunched(folder: Path) -> None:
    launch = Path(files.LAUNCH)
    for scratch in folder.glob(f".{launch.stem}*{launch.suffix}"):  # of ``atomic``
        scratch.unlink()
    with suppress(OSError):  # it is not empty: somebody else's
        folder.rmdir()
