"""Files of a trial, each complete or absent.

A reader never meets half a model or half a JSON document, whenever the process dies (``atomic``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import files
from agent.config.atomic import replacing, write_bytes

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

OUTPUTS = (
    files.MODEL,
    files.LAST_MODEL,
    files.RESULT,
    files.PROGRESS,
    files.STATE,
    files.STOP,
)


def save_model(model: BaseAlgorithm, path: Path) -> None:
    """Saves ``model`` with SB3's ``model.save`` so that ``path`` is never half a file."""
    with replacing(path) as scratch:
        model.save(scratch)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes ``document`` to ``path``, whole or not at all.

    :raises ValueError: NaN or infinity in the document; JSON has no word for them
    """
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    write_bytes(path, text.encode())


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Appends ``record`` as one line of JSON and waits until the disk has it.

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
    """Removes the files of an earlier trial, so that none can pass for this trial's."""
    for name in OUTPUTS:
        (folder / name).unlink(missing_ok=True)
    for curves in (folder / files.CURVES).glob("events.out.tfevents.*"):
        curves.unlink()
