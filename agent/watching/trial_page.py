"""All that a trial's own page shows: its record, parameters, evaluations and the end of its log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.plain import read_object
from agent.watching.curves import read_curves
from agent.watching.night import Night
from agent.watching.trial_folders import MOST_POINTS, read_progress

LOG_BYTES = 16 * 1024  # of a log's end, chosen


def trial_page(night: Night, prefix: str, trial: int) -> dict[str, Any] | None:
    """A trial's page as JSON has it; ``None`` of a trial that this night does not know.

    :param night: its night
    :param prefix: first part of its folder's name
    :param trial: its number
    """
    folder = night.folder_of(prefix, trial)
    if folder is None:
        return None
    record = night.ledgers[prefix].record(trial)
    return {
        "record": record,
        "params": record["params"] if record else launched_params(folder),
        "progress": read_progress(folder)[-MOST_POINTS:],
        "curves": read_curves(folder),
        "log": log_end(folder / files.TRIAL_LOG),
    }


def launched_params(folder: Path) -> dict[str, Any]:
    """Parameters of a trial that has no record yet."""
    with suppress(OSError, ValueError):
        params = read_object(folder / files.LAUNCH).get("params")
        if isinstance(params, dict):
            return params
    return {}


def log_end(path: Path) -> str:
    """The last lines of a log, empty without one."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_BYTES))
            text = file.read(LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""
    if size > LOG_BYTES:
        text = text.partition("\n")[2]  # not half a line
    return text
