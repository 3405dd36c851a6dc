"""The champion: the best model of all trials, at a path that never changes (FR-005).

``champion/model.zip`` and ``champion/manifest.json`` belong together by the manifest's SHA-256. A
promotion first puts both new files beside the old ones, whole and on disk. Then it renames the
model, then the manifest. ``recover`` finishes or undoes one that was cut short anywhere. The pair
of the champion before is kept in ``champion/previous``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.atomic import replacing, write_bytes
from agent.config.errors import UserError, unknown_text
from agent.config.plain import is_finite, is_whole, read_object
from agent.trials.record import Record
from agent.worlds.base import DEFAULT_WORLD

BUNDLED = "bundled"  # name of the models that come with the package
NEXT = ".next"  # ending of a file that waits for its promotion


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Returns the champion's manifest; ``None`` while there is no champion.

    A manifest without its model is none. Nor is the bundled champion, which comes with the clone:
    it was evaluated on other tasks than a study's trials.

    :raises UserError: the file is no manifest
    """
    path = folder / files.MANIFEST
    if not path.exists() or not (folder / files.MODEL).exists():
        return None
    try:
        manifest = read_object(path)
        _check_manifest(manifest)
    except (ValueError, OSError) as error:
        raise UserError(
            f"cannot read the champion's manifest {path}: {error}; mend it or move it away"
        ) from None
    if manifest.get("bundled") or manifest.get("boxed"):  # the latter is its old name
        return None
    return manifest


def check_trust(model: Path) -> None:
    """Makes sure that a manifest or a trial's result beside ``model`` describes this very file.

    :raises UserError: none does; loading a model runs code that is in it
    """
    found = sha256(model)
    for name, key in ((files.MANIFEST, "sha256"), (files.RESULT, "model_sha256")):
        with suppress(OSError, ValueError):
            if read_object(model.with_name(name), nan_as_none=True).get(key) == found:
                return
    raise UserError(
        f"{model} (sha256 {found[:12]}) is in no {files.MANIFEST} or {files.RESULT} beside it, "
        "and loading a model runs code that is in it; give --trust if you know where it comes from"
    )


def find_model(named: Path | None, models_dir: Path) -> Path:
    """Returns the model that is meant, whether it is there or not.

    :param named: a file, a folder with a model, the name of one in ``models_dir``, the word
        ``bundled``, or ``bundled/WORLD``; ``None`` for the champion in ``models_dir``, or the
        bundled one while there is none
    :param models_dir: of the experiment
    :raises UserError: a world that no bundled model drives in
    """
    bundled = bundled_model(DEFAULT_WORLD)
    champion = models_dir / files.CHAMPION / files.MODEL
    if named is None or (named.resolve() == champion.resolve() and not champion.exists()):
        return champion if champion.exists() else bundled
    if named.exists():
        return named / files.MODEL if named.is_dir() else named
    if named == Path(BUNDLED):
        return bundled
    if named.parent == Path(BUNDLED):
        return _bundled_for(named.name)
    of_title = models_dir / named / files.MODEL
    return of_title if of_title.exists() else named


def bundled_model(world: str) -> Path:
    """Returns the model for a world that comes with the package, whether it is there or not."""
    if world == DEFAULT_WORLD:
        return files.BUNDLED_DIR / files.MODEL
    return files.BUNDLED_DIR / world / files.MODEL


def _bundled_for(world: str) -> Path:
    """Returns the model that comes with the package.

    :raises UserError: there is none for this world
    """
    model = bundled_model(world)
    if not model.exists():
        others = sorted(files.BUNDLED_DIR.glob(f"*/{files.MODEL}"))
        known = [BUNDLED, *(f"{BUNDLED}/{each.parent.name}" for each in others)]
        raise UserError(f"--model {unknown_text(f'{BUNDLED}/{world}', known)}")
    return model


def recover(folder: Path) -> str | None:
    """Finishes or undoes a promotion that was cut short; returns in words which, ``None`` for none.

    :param folder: the champion's
    """
    next_model = folder / (files.MODEL + NEXT)
    next_manifest = folder / (files.MANIFEST + NEXT)
    if not next_manifest.exists():
        next_model.unlink(missing_ok=True)
        return None
    wanted = None
    with suppress(OSError, ValueError):
        wanted = read_object(next_manifest).get("sha256")
    for candidate in (next_model, folder / files.MODEL):
        if wanted and candidate.exists() and sha256(candidate) == wanted:
            os.replace(candidate, folder / files.MODEL)
            os.replace(next_manifest, folder / files.MANIFEST)
            return "finished a change of champion that had been cut short"
    next_model.unlink(missing_ok=True)
    next_manifest.unlink()
    return "undid a change of champion that had been cut short"


def promote_if_better(
    record: Record,
    model: Path,
    folder: Path,
    confirmation: dict[str, Any] | None = None,
    ledger: str | None = None,
) -> bool:
    """Promotes the trial if it is strictly better than the champion; returns whether it was.

    :param record: the trial
    :param model: its ``model.zip``
    :param folder: the champion's, made when absent
    :param confirmation: see ``promote``
    :param ledger: see ``promote``
    :raises UserError: a better trial without a model, or an unreadable manifest
    """
    if not record.scored or record.mean_reward is None:
        return False
    recover(folder)
    current = read_manifest(folder)
    if current is not None and record.mean_reward <= current["mean_reward"]:
        return False
    promote(record, model, folder, confirmation, ledger)
    return True


def promote(
    record: Record,
    model: Path,
    folder: Path,
    confirmation: dict[str, Any] | None,
    ledger: str | None = None,
) -> None:
    """Makes the trial champion, whatever the score of the one before.

    :param record: the trial
    :param model: its ``model.zip``
    :param folder: the champion's, made when absent
    :param confirmation: for the manifest: the rule, and the trials, seeds and scores behind it
    :param ledger: for the manifest: path of the trial's ledger from the folder of the models
    :raises UserError: there is no model, or an unreadable manifest
    """
    recover(folder)
    read_manifest(folder)  # refuses one that is none
    if not model.is_file():
        raise UserError(
            f"trial {record.trial} has no model at {model}; it cannot be champion, run it again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    next_model = folder / (files.MODEL + NEXT)
    next_manifest = folder / (files.MANIFEST + NEXT)
    data = model.read_bytes()
    manifest = _manifest(record, folder / files.MODEL, data, confirmation) | {"ledger": ledger}
    try:
        write_bytes(next_model, data)
        write_bytes(next_manifest, f"{json.dumps(manifest, indent=2, allow_nan=False)}\n".encode())
        if (folder / files.MODEL).exists() and (folder / files.MANIFEST).exists():
            _keep_previous(folder)
    except OSError:
        next_manifest.unlink(missing_ok=True)
        next_model.unlink(missing_ok=True)
        raise
    os.replace(next_model, folder / files.MODEL)
    os.replace(next_manifest, folder / files.MANIFEST)


def is_champion(record: Record, folder: Path) -> bool:
    """Returns whether this very trial is champion, perhaps since before its record was written."""
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    return bool(manifest["trial"] == record.trial and manifest.get("kind") == record.kind)


def describe(folder: Path) -> str:
    """Returns the champion in one line that grep can read.

    :raises UserError: an unreadable manifest
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return "champion: none yet"
    score = f"mean_reward {manifest['mean_reward']:.2f}"
    model = files.shown_path(folder / files.MODEL)
    line = f"champion: trial {manifest['trial']} {score} {model}"
    standing = (manifest.get("confirmation") or {}).get("standing")
    if standing:
        line += f" ({standing})"
    return line


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(
    record: Record, path: Path, model: bytes, confirmation: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "trial": record.trial,
        "kind": record.kind,
        "timestamp": record.timestamp,
        "params": record.params,
        "mean_reward": record.mean_reward,
        "model_path": files.shown_path(path),
        "sha256": hashlib.sha256(model).hexdigest(),
        "confirmation": confirmation,
        "simulator": record.simulator,
        "git_commit": record.git_commit,
    }


def _check_manifest(manifest: dict[str, Any]) -> None:
    """Refuses a manifest that lacks what a contest needs.

    :raises ValueError: it does
    """
    if not is_finite(manifest.get("mean_reward")):
        raise ValueError(f"mean_reward {manifest.get('mean_reward')!r} is no number")
    if not is_whole(manifest.get("trial")):
        raise ValueError(f"trial {manifest.get('trial')!r} is no whole number")
    for name in ("params", "confirmation"):
        if not isinstance(manifest.get(name) or {}, dict):
            raise ValueError(f"{name} {manifest.get(name)!r} is not an object")


def _keep_previous(folder: Path) -> None:
    previous = folder / files.PREVIOUS
    previous.mkdir(exist_ok=True)
    for name in (files.MODEL, files.MANIFEST):
        with replacing(previous / name) as scratch:
            shutil.copyfile(folder / name, scratch)
