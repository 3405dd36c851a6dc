"""Folders of trials: their numbers, what was launched in them, which models are kept.

Each folder holds ``launch.json`` from before its process starts. So a trial whose controller was
killed between launch and record is found again. It names the ledger that launched the trial and
tells once that has its record: experiments may share a folder of models, and leave each other's
trials alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.errors import UserError
from agent.config.plain import read_object
from agent.config.trial import TrialConfig
from agent.trials.fields import fitting
from agent.trials.ledger import Ledger
from agent.trials.record import Record
from agent.trials.titles import Titles

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
    """The folders ``models_dir/prefix-NNN``, and the champions beside them.

    :param models_dir: they lie there
    :param prefix: first part of their names
    :param ledger: file of the records
    """

    models_dir: Path
    prefix: str
    ledger: Path

    def of(self, trial: int) -> Path:
        """The folder of a trial."""
        return self.models_dir / f"{self.prefix}-{trial:03d}"

    def model_of(self, record: Record) -> Path:
        """The path of a trial's best checkpoint, whether it is there or not."""
        return self.of(record.trial) / files.MODEL

    @property
    def ledger_name(self) -> str:
        """The ledger as seen from the folder of the models, so it stays when both are moved."""
        ledger = os.path.realpath(self.ledger)
        return Path(os.path.relpath(ledger, os.path.realpath(self.models_dir))).as_posix()

    @property
    def titles(self) -> Titles:
        """The champions of this experiment."""
        return Titles(self.models_dir, self.ledger_name)

    def next_trial(self, records: list[Record]) -> int:
        """Takes the number after the highest of ledger and folders, so no model is overwritten.

        Its folder is made at once: an experiment beside this one takes another number.
        """
        trial = max([0, *(record.trial for record in records), *self._numbers()]) + 1
        while not self._claim(trial):
            trial += 1
        return trial

    def open(self, launch: Launch) -> Path:
        """Makes the trial's folder and writes down what is about to run in it."""
        folder = self.of(launch.trial)
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "trial": launch.trial,
            "ledger": self.ledger_name,
            "kind": launch.kind,
            "params": launch.config.to_params(),
            "suggestion": launch.suggestion,
        }
        _write_launch(folder, document)
        return folder

    def close(self, trial: int) -> None:
        """Writes down which ledger has the record of a trial; without its folder, nothing."""
        document = self._read_document(trial)
        if document is not None:
            with suppress(OSError):
                recorded = {"recorded": Ledger(self.ledger).identity()}
                _write_launch(self.of(trial), document | recorded)

    def drop(self, trial: int) -> None:
        """Removes the folder of a trial that never began, unless it holds more than its log."""
        folder = self.of(trial)
        for name in (files.LAUNCH, files.TRIAL_LOG):
            (folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()

    def unrecorded(self, records: list[Record]) -> list[Launch]:
        """Returns this ledger's trials that were launched and it has no record of, oldest first.

        Trials that a ledger before it has recorded, which is gone, are none. Folders whose number
        was taken and whose trial never began are removed.

        :param records: all that are known
        """
        known = {record.trial for record in records}
        unwritten_or_lost = (None, Ledger(self.ledger).identity())
        launches = []
        for trial in sorted(set(self._numbers()) - known):
            document = self._read_document(trial) or {}
            if document.get("ledger") != self.ledger_name:
                continue
            if document.get("recorded") not in unwritten_or_lost:
                continue
            if "params" not in document:
                self.drop(trial)
                continue
            with suppress(ValueError, KeyError, TypeError):
                launches.append(_launch_of(trial, document))
        return launches

    def thin(self, records: list[Record], keep: dict[str, int]) -> list[Path]:
        """Deletes models of trials that are neither among the best nor the last; returns them.

        Records, logs and results stay. So do models of trials that another ledger launched.

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
            if record.trial not in kept and self._is_ours(record.trial):
                folder = self.of(record.trial)
                deleted += [folder / files.MODEL, folder / files.LAST_MODEL]
        deleted = [path for path in deleted if path.is_file()]
        for path in deleted:
            path.unlink()
        return deleted

    def _claim(self, trial: int) -> bool:
        """Makes the folder of a trial, whole with its launch; False if there is one already."""
        self.models_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.models_dir, prefix=".claim-") as scratch:
            folder = Path(scratch) / "claimed"
            folder.mkdir()
            _write_launch(folder, {"trial": trial, "ledger": self.ledger_name})
            try:
                folder.rename(self.of(trial))
            except OSError:  # it is there and not empty
                return False
        return True

    def _is_ours(self, trial: int) -> bool:
        """True of a trial of this ledger; a folder that is too old to say is of who knows it."""
        document = self._read_document(trial) or {}
        return bool(document.get("ledger", self.ledger_name) == self.ledger_name)

    def _read_document(self, trial: int) -> dict[str, Any] | None:
        with suppress(OSError, ValueError):
            return read_object(self.of(trial) / files.LAUNCH)
        return None

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
        raise UserError(f"{text!r} is not understood; write all, best:20 or best:20,last:5")
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


def _write_launch(folder: Path, document: dict[str, Any]) -> None:
    write_bytes(folder / files.LAUNCH, f"{json.dumps(document)}\n".encode())


def _launch_of(trial: int, document: dict[str, Any]) -> Launch:
    """Returns what was launched.

    :raises ValueError: parameters that no trial has, as ``KeyError`` and ``TypeError``
    """
    usable = fitting(document)
    config = TrialConfig.from_params(usable["params"])
    return Launch(trial, usable.get("kind", "search"), config, usable.get("suggestion"))
