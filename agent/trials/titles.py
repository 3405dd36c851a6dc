"""Titles: one champion for each task of an experiment, every one in a folder of its own.

``models_dir/champion`` holds the title of the default task. While nobody holds that, the title of
the task that had a champion first is there. Titles of further tasks are in ``champion-*``. Models
may be shared by several experiments, so a manifest names its ledger, and titles of another
experiment are left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.plain import read_object
from agent.config.trial import TrialConfig
from agent.trials.champion import read_manifest, recover
from agent.trials.task import same_task, task_name

LOCK_TIMEOUT_SEC = 30.0
UNSAFE = re.compile(r"[^A-Za-z0-9]+")
DIGEST_DIGITS = 6
LONGEST_NAME = 80  # chosen: a task may be a path, which is longer than a folder's name may be


@dataclass(frozen=True)
class Titles:
    """The titles in ``models_dir`` of the experiment whose records are in ``ledger``.

    :param models_dir: folder of the models
    :param ledger: path of the ledger from there, which moves with both
    """

    models_dir: Path
    ledger: str

    def folders(self) -> list[Path]:
        """Returns the folders of this experiment's champions.

        :raises UserError: an unreadable manifest
        """
        return [
            folder for folder in title_folders(self.models_dir) if self._holder(folder) is not None
        ]

    def folder_of(self, params: Mapping[str, Any]) -> Path:
        """Returns the folder of a task's champion, or where one would be.

        :param params: of a trial of that task
        :raises UserError: an unreadable manifest
        """
        for folder in self.folders():
            if same_task(self._holder(folder) or {}, params):
                return folder
        usual = self.models_dir / files.CHAMPION
        if read_manifest(usual) is None:
            return usual
        return self._own_folder(params)

    def make_room(self, params: Mapping[str, Any]) -> Path:
        """As ``folder_of``, for a task that is about to have a champion.

        The default task's takes ``models_dir/champion``. A champion of another task moves from
        there to a folder of its own.

        :param params: of a trial of that task
        :raises UserError: an unreadable manifest
        :raises OSError: the other champion cannot be moved
        """
        folder = self.folder_of(params)
        usual = self.models_dir / files.CHAMPION
        holder = self._holder(usual)
        is_default = same_task(params, TrialConfig.of().to_params())
        if not is_default or holder is None or read_manifest(folder) is not None:
            return folder
        own = self._own_folder(holder)
        os.rename(usual, own)
        moved = {"model_path": files.shown_path(own / files.MODEL)}
        manifest = read_object(own / files.MANIFEST) | moved
        write_bytes(own / files.MANIFEST, f"{json.dumps(manifest, indent=2)}\n".encode())
        return usual

    def recover(self) -> list[str]:
        """Finishes or undoes promotions that were cut short; returns in words which."""
        folders = title_folders(self.models_dir)
        if not folders:
            return []
        with self.locked():
            done = [recover(folder) for folder in folders]
        return [words for words in done if words is not None]

    def locked(self) -> FileLock:
        """Keeps other experiments from changing champions in the same folder meanwhile."""
        return FileLock(self.models_dir / files.TITLES_LOCK, timeout=LOCK_TIMEOUT_SEC)

    def _holder(self, folder: Path) -> dict[str, Any] | None:
        """Returns the parameters of this experiment's champion in ``folder``."""
        manifest = read_manifest(folder)
        if manifest is None or not self._is_ours(manifest):
            return None
        return dict(manifest.get("params") or {})

    def _is_ours(self, manifest: Mapping[str, Any]) -> bool:
        """True of a title of this results folder; a manifest that is too old to say is ours."""
        ledger = str(manifest.get("ledger") or self.ledger)
        return os.path.dirname(ledger) == os.path.dirname(self.ledger)

    def _own_folder(self, params: Mapping[str, Any]) -> Path:
        name, key = task_name(params)
        digest = hashlib.sha256(os.fsencode(f"{os.path.dirname(self.ledger)} {key}")).hexdigest()
        readable = UNSAFE.sub("-", name)[-LONGEST_NAME:].strip("-")
        return self.models_dir / f"{files.CHAMPION}-{readable}-{digest[:DIGEST_DIGITS]}"


def title_folders(models_dir: Path) -> list[Path]:
    """Returns all folders of champions in ``models_dir``, the default task's first."""
    others = sorted(models_dir.glob(f"{files.CHAMPION}-*"))
    folders = [models_dir / files.CHAMPION, *others]
    return [folder for folder in folders if folder.is_dir()]
