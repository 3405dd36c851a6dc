"""A file beside each champion that other programs can load, kept fresh while trials go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agent.config import files
from agent.config.errors import UserError
from agent.config.plain import read_object
from agent.trials.champion import read_manifest
from agent.trials.titles import Titles

# Exporting takes some 5 s, of which most is loading libraries; the first time it compiles.
TIMEOUT_SEC = 180.0


@dataclass
class ChampionExport:
    """Exports champions in a process of its own, which may load what a controller never does.

    Whatever goes wrong is one line in the log.

    :param titles: of the champions
    :param say: adds a line to the log
    :param exporter: script of the command that exports a model
    """

    titles: Titles
    say: Callable[[str], None]
    exporter: Path
    _refused: set[str] = field(default_factory=set, init=False)

    def update(self) -> None:
        """Exports every champion whose file is missing or of the champion before."""
        try:
            folders = self.titles.folders()
        except UserError as error:
            self.say(f"no champion exported: {error}")
            return
        for folder in folders:
            wanted = str((read_manifest(folder) or {}).get("sha256"))
            if wanted not in (_exported(folder), *self._refused):
                self._export(folder, wanted)

    def _export(self, folder: Path, wanted: str) -> None:
        path = folder / files.EXPORTED
        reason = self._run(folder / files.MODEL, path)
        if reason:
            self._refused.add(wanted)
            self.say(f"champion not exported: {reason}")
        else:
            self.say(f"champion exported to {files.shown_path(path)}")

    def _run(self, model: Path, path: Path) -> str:
        """Exports a model; returns why it could not be, empty where it was."""
        command = [sys.executable, str(self.exporter), "--model", str(model), "--overwrite"]
        try:
            done = subprocess.run(
                [*command, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                timeout=TIMEOUT_SEC,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode == 0:
            return ""
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return last.partition(": error: ")[2] or last


def _exported(folder: Path) -> str | None:
    """Digest of the model that was exported in ``folder``; ``None`` for none."""
    if not (folder / files.EXPORTED).is_file():
        return None
    with suppress(OSError, ValueError):
        return str(read_object(folder / files.EXPORT_MANIFEST).get("model_sha256"))
    return None
