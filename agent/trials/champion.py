"""The champion: the best model of all trials, at a path that never changes (FR-005).

``champion/model.zip`` and ``champion/manifest.json`` belong together by the manifest's SHA-256. A coronation first puts
both new files beside the old ones, whole and on disk, then renames the model, then the manifest. ``recover`` finishes
or undoes one that was cut short anywhere; the pair of the champion before is kept in ``champion/previous``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.config.trial import UserError
from agent.trials.record import Record, is_finite, shown_path

MODEL_NAME = "model.zip"
MANIFEST_NAME = "manifest.json"
RESULT_NAME = "result.json"
NEXT = ".next"  # ending of a file that waits for its coronation
PREVIOUS = "previous"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of the reigning champion; ``None`` when the title is vacant.

    A manifest without its model is a vacancy, and so is the champion in the box (``boxed``), which comes with the clone
    and holds no title: it was judged on other tracks than a night's trials.

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
        raise UserError(
            f"cannot read the champion's manifest {path}: {error}; mend it or move it away"
        ) from None
    return None if manifest.get("boxed") else dict(manifest)


def verify(folder: Path) -> None:
    """Make sure that the model in ``folder`` is the one its manifest describes.

    :raises UserError: it is another file, or the manifest names no SHA-256
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise UserError(f"{folder} holds no champion; run some trials first")
    if (found := sha256(folder / MODEL_NAME)) != manifest.get("sha256"):
        raise UserError(
            f"{folder / MODEL_NAME} (sha256 {found[:12]}) is not the model of its manifest "
            f"({str(manifest.get('sha256'))[:12]}); a model is code, restore the pair from {folder / PREVIOUS}"
        )


def check_trust(model: Path) -> None:
    """Make sure that ``model`` is the file that a manifest or a trial's result beside it describes.

    :raises UserError: it is not: loading a model runs code that is in it
    """
    found = sha256(model)
    for name, key in ((MANIFEST_NAME, "sha256"), (RESULT_NAME, "model_sha256")):
        with suppress(OSError, ValueError, AttributeError):
            if json.loads(model.with_name(name).read_text(encoding="utf-8")).get(key) == found:
                return
    raise UserError(
        f"{model} (sha256 {found[:12]}) is in no {MANIFEST_NAME} or {RESULT_NAME} beside it, and loading a model runs "
        "code that is in it; give --trust if you know where it comes from"
    )


def recover(folder: Path) -> str | None:
    """Finish or undo a coronation that was cut short; tells in words what was done, ``None`` for nothing."""
    model, manifest = folder / (MODEL_NAME + NEXT), folder / (MANIFEST_NAME + NEXT)
    if not manifest.exists():
        model.unlink(missing_ok=True)
        return None
    try:
        wanted = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        wanted = None
    for candidate in (model, folder / MODEL_NAME):
        if wanted and candidate.exists() and sha256(candidate) == wanted:
            os.replace(candidate, folder / MODEL_NAME)
            os.replace(manifest, folder / MANIFEST_NAME)
            return "finished a change of champion that had been cut short"
    model.unlink(missing_ok=True)
    manifest.unlink()
    return "undid a change of champion that had been cut short"


def promote_if_better(
    record: Record, model: Path, folder: Path, confirmation: dict[str, Any] | None = None
) -> bool:
    """Crown the trial if it is strictly better than the reigning champion; tells whether it was.

    :param model: the trial's ``model.zip``
    :param folder: the champion's folder, made when absent
    :param confirmation: see ``promote``
    :raises UserError: a better trial without a model, or an unreadable manifest
    """
    if not record.scored or record.mean_reward is None:
        return False
    recover(folder)
    reigning = read_manifest(folder)
    if reigning is not None and record.mean_reward <= reigning["mean_reward"]:
        return False
    promote(record, model, folder, confirmation)
    return True


def promote(record: Record, model: Path, folder: Path, confirmation: dict[str, Any] | None) -> None:
    """Give the trial the title, whatever the reigning champion's score.

    :param confirmation: for the manifest: the rule, the seeds and the scores that it was confirmed by
    :raises UserError: there is no model, or an unreadable manifest
    """
    recover(folder)
    read_manifest(folder)  # refuses one that is none
    if not model.is_file():
        raise UserError(
            f"trial {record.trial} has no model at {model}; it cannot be champion, run it again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    next_model, next_manifest = folder / (MODEL_NAME + NEXT), folder / (MANIFEST_NAME + NEXT)
    data = model.read_bytes()
    manifest = _manifest(
        record, folder / MODEL_NAME, hashlib.sha256(data).hexdigest(), confirmation
    )
    try:
        _write(next_model, data)
        _write(next_manifest, (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode())
        if (folder / MODEL_NAME).exists() and (folder / MANIFEST_NAME).exists():
            _keep_previous(folder)
    except OSError:
        next_manifest.unlink(missing_ok=True)
        next_model.unlink(missing_ok=True)
        raise
    os.replace(next_model, folder / MODEL_NAME)
    os.replace(next_manifest, folder / MANIFEST_NAME)


def is_champion(record: Record, folder: Path) -> bool:
    """Whether the reigning champion is this very trial, crowned before its record was written."""
    manifest = read_manifest(folder)
    return manifest is not None and (manifest["trial"], manifest.get("kind")) == (
        record.trial,
        record.kind,
    )


def describe(folder: Path) -> str:
    """The champion in one line.

    :raises UserError: the manifest is not one
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return "champion: none yet"
    told = f"champion: trial {manifest['trial']} mean_reward {manifest['mean_reward']:.2f} {manifest['model_path']}"
    confirmation = manifest.get("confirmation") or {}
    return f"{told} ({confirmation['standing']})" if confirmation.get("standing") else told


def _manifest(
    record: Record, model: Path, sha256: str, confirmation: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "trial": record.trial,
        "kind": record.kind,
        "timestamp": record.timestamp,
        "params": record.params,
        "mean_reward": record.mean_reward,
        "model_path": shown_path(model),
        "sha256": sha256,
        "confirmation": confirmation,
        "simulator": record.simulator,
        "git_commit": record.git_commit,
    }


def _keep_previous(folder: Path) -> None:
    previous = folder / PREVIOUS
    previous.mkdir(exist_ok=True)
    for name in (MODEL_NAME, MANIFEST_NAME):
        shutil.copyfile(folder / name, previous / (name + NEXT))
        os.replace(previous / (name + NEXT), previous / name)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
