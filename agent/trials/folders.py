"""The trials' folders: their numbers, what was launched in them, which models are kept, how much disk is left.

Each folder holds ``launch.json`` from before its process starts, so a controller that was killed between launch and
record finds the trial again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config.trial import TrialConfig, UserError
from agent.executors.local import LOG_NAME
from agent.trials.record import Record, shown_path

LAUNCH_NAME = "launch.json"
LAUNCH_TEMPORARY = ".launch.json"
MODELS = ("model.zip", "last_model.zip")
KEEP = re.compile(r"(best|last):(\d+)")


@dataclass(frozen=True)
class Launch:
    """A trial as it was started."""

    trial: int
    kind: str
    config: TrialConfig
    suggestion: dict[str, float] | None = None


@dataclass(frozen=True)
class Folders:
    """``models_dir/prefix-NNN``."""

    models_dir: Path
    prefix: str

    def of(self, trial: int) -> Path:
        """The folder of a trial."""
        return self.models_dir / f"{self.prefix}-{trial:03d}"

    def next_trial(self, records: list[Record]) -> int:
        """The number after the highest of ledger and folders: none ever repeats, and no model is overwritten."""
        return max([0, *(record.trial for record in records), *self._numbers()]) + 1

    def open(self, launch: Launch) -> Path:
        """Make the trial's folder and write down what is about to run in it."""
        folder = self.of(launch.trial)
        folder.mkdir(parents=True, exist_ok=True)
        whole = {"trial": launch.trial, "kind": launch.kind, "params": launch.config.to_params()}
        temporary = folder / LAUNCH_TEMPORARY
        temporary.write_text(
            json.dumps(whole | {"suggestion": launch.suggestion}) + "\n", encoding="utf-8"
        )
        os.replace(temporary, folder / LAUNCH_NAME)
        return folder

    def drop(self, trial: int) -> None:
        """Remove the folder of a trial that never began; anything but its launch and its log stays."""
        folder = self.of(trial)
        for name in (LAUNCH_NAME, LOG_NAME):
            (folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()

    def forgotten(self, records: list[Record]) -> list[Launch]:
        """Trials that were launched and never recorded, oldest first.

        A folder without a readable launch is none; one whose controller died before it wrote that is removed.
        """
        known = {record.trial for record in records}
        found = []
        for trial in sorted(set(self._numbers()) - known):
            try:
                told: dict[str, Any] = json.loads(
                    (self.of(trial) / LAUNCH_NAME).read_text(encoding="utf-8")
                )
                config = TrialConfig.from_params(told["params"])
            except FileNotFoundError:
                (self.of(trial) / LAUNCH_TEMPORARY).unlink(missing_ok=True)
                with suppress(OSError):  # it is not empty: somebody else's
                    self.of(trial).rmdir()
                continue
            except (OSError, ValueError, KeyError, TypeError):
                continue
            found.append(
                Launch(trial, str(told.get("kind", "search")), config, told.get("suggestion"))
            )
        return found

    def thin(self, records: list[Record], keep: dict[str, int]) -> list[Path]:
        """Delete the models of recorded trials that are neither among the best nor the last; returns what went.

        :param keep: how many ``best`` and ``last``; empty keeps all. Records, logs and results stay.
        """
        if not keep:
            return []
        scored = sorted((r for r in records if r.scored), key=lambda r: -(r.mean_reward or 0.0))
        kept = {r.trial for r in scored[: keep.get("best", 0)]}
        last = keep.get("last", 0)
        kept |= {r.trial for r in records[-last:]} if last else set()
        gone = [self.of(r.trial) / name for r in records if r.trial not in kept for name in MODELS]
        gone = [path for path in gone if path.is_file()]
        for path in gone:
            path.unlink()
        return gone

    def _numbers(self) -> list[int]:
        pattern = re.compile(re.escape(self.prefix) + r"-(\d+)")
        matches = (
            pattern.fullmatch(path.name) for path in self.models_dir.glob(f"{self.prefix}-*")
        )
        return [int(match[1]) for match in matches if match]


def parse_keep(text: str) -> dict[str, int]:
    """How many models to keep, from ``best:20,last:5``; empty for ``all``.

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


def check_disk(folder: Path, least_bytes: int) -> None:
    """Refuse to go on with less free disk than ``least_bytes``.

    :raises OSError: there is less
    """
    free = shutil.disk_usage(folder).free
    if free < least_bytes:
        gib = 1024**3
        raise OSError(
            f"{free / gib:.1f} GiB are free at {shown_path(folder)}, less than --min-free {least_bytes / gib:.1f} GiB; "
            "free some, or keep fewer models with --keep-models best:20,last:5"
        )
