"""Files of a trial, each complete or absent.

A model or a JSON document is written beside its place and moved there with one ``os.replace``, so a
reader never meets half of it, whenever the process dies.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config.trial import STOP_NAME

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

BEST_MODEL = "model.zip"
LAST_MODEL = "last_model.zip"
CONFIG = "config.json"
RESULT = "result.json"
PROGRESS = "progress.jsonl"
STATE = "state.pkl"


def save_model(model: BaseAlgorithm, path: Path) -> None:
    """Save ``model`` with SB3's ``model.save`` so that ``path`` is never half a file."""
    scratch = path.with_name(f".{path.stem}.{os.getpid()}.zip")
    try:
        model.save(scratch)
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write ``document`` to ``path``, whole or not at all.

    :raises ValueError: NaN or infinity in the document; JSON has no word for them
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("w") as file:
            file.write(json.dumps(document, indent=2, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append ``record`` as one line of JSON and wait until the disk has it.

    A torn last line, left by a process that died, is closed first: it must not swallow this record.

    :raises ValueError: NaN or infinity in the record
    """
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def clear_outputs(folder: Path) -> None:
    """Remove what an earlier trial left in ``folder``, so that nothing of it can pass for this trial's."""
    for name in (BEST_MODEL, LAST_MODEL, RESULT, PROGRESS, STATE, STOP_NAME):
        (folder / name).unlink(missing_ok=True)
