"""The champion: the best model of all trials, at a path that never changes (FR-005).

``champion/model.zip`` and ``champion/manifest.json`` are each replaced in one step, so a reader sees
the old file or the new one and never a part of either.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from agent.trials.config import UserError
from agent.trials.record import Record, is_finite, shown_path

MODEL_NAME = "model.zip"
MANIFEST_NAME = "manifest.json"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of the reigning champion; ``None`` when the title is vacant.

    A manifest without its model (a fresh clone: models are not under version control) is a vacancy.

    :raises UserError: the manifest is not one
    """
    path = folder / MANIFEST_NAME
    if not path.exists() or not (folder / MODEL_NAME).exists():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not is_finite(manifest["mean_reward"]):
            raise ValueError(f"mean_reward {manifest['mean_reward']!r} is no number")
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(f"cannot read the champion's manifest {path}: {error}; mend it or move it away") from None
    return dict(manifest)


def consider(record: Record, model: Path, folder: Path) -> bool:
    """Crown the trial if it is strictly better than the reigning champion; tells whether it was.

    :param model: the trial's ``model.zip``
    :param folder: the champion's folder, made when absent
    :raises UserError: a better trial without a model, or an unreadable manifest
    """
    if not record.scored or record.mean_reward is None:
        return False
    reigning = read_manifest(folder)
    if reigning is not None and record.mean_reward <= reigning["mean_reward"]:
        return False
    if not model.is_file():
        raise UserError(f"trial {record.trial} has no model at {model}; it cannot be champion, run it again")
    folder.mkdir(parents=True, exist_ok=True)
    data = model.read_bytes()
    _replace(folder / MODEL_NAME, data)
    manifest = _manifest(record, folder / MODEL_NAME, hashlib.sha256(data).hexdigest())
    _replace(folder / MANIFEST_NAME, (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode())
    return True


def describe(folder: Path) -> str:
    """The champion in one line.

    :raises UserError: the manifest is not one
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return "champion: none yet"
    return f"champion: trial {manifest['trial']} mean_reward {manifest['mean_reward']:.2f} {manifest['model_path']}"


def _manifest(record: Record, model: Path, sha256: str) -> dict[str, Any]:
    return {
        "trial": record.trial,
        "kind": record.kind,
        "timestamp": record.timestamp,
        "params": record.params,
        "mean_reward": record.mean_reward,
        "model_path": shown_path(model),
        "sha256": sha256,
        "confirmation": None,
        "simulator": record.simulator,
        "git_commit": record.git_commit,
    }


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
