"""The folder that a trial writes to: what may lie there already, and how it becomes the trial's."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from agent.config import files
from agent.config.atomic import replacing
from agent.config.errors import UserError
from agent.config.outputs import check_folder
from agent.config.trial import TrialConfig
from agent.training.checkpoints import OUTPUTS, clear_outputs
from agent.training.result import is_done

# Files of an earlier trial that a new one would take away.
OF_WORTH = (files.STATE, files.MODEL)


def check_writable(option: str, folder: Path) -> None:
    """Refuse a folder that cannot be a trial's, without creating anything.

    :param option: that names it
    :param folder: of the trial
    :raises UserError: something stands in the way, or permission or space is missing
    """
    check_folder(option, folder, files.CONFIG, *OUTPUTS)
    curves = folder / files.CURVES
    if os.path.exists(curves):
        check_folder(option, curves)


def check_free(folder: Path) -> None:
    """Refuse a folder that holds what an earlier trial came to.

    A controller tries a trial that lost its simulator once more, in the folder that it made; failed
    trials that left no model are worth nothing either.

    :raises UserError: it does
    """
    found = [name for name in OF_WORTH if os.path.exists(folder / name)]
    if found and found[0] != files.STATE and os.path.exists(folder / files.LAUNCH):
        found = []
    if is_done(folder):
        found = [files.RESULT]
    if found:
        raise UserError(
            f"--save-dir {folder} holds the {found[0]} of an earlier trial; choose another folder,"
            f" or give --overwrite to lose it{_or_resume(folder)}"
        )


def _or_resume(folder: Path) -> str:
    if not (folder / files.STATE).exists():
        return ""
    return f", or --resume {folder} to go on with it"


def open_folder(config: TrialConfig, folder: Path, resume: bool) -> None:
    """Makes a folder this trial's: its configuration is there, and nothing of an earlier one.

    :param config: the trial's
    :param folder: made when absent
    :param resume: what is there is this trial's own; its result stays until there is another
    :raises UserError: the folder cannot be written; nothing in it has changed
    """
    whole = folder.absolute()
    made = [each for each in (whole, *whole.parents) if not os.path.exists(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / files.CONFIG) as scratch:
            scratch.write_text(json.dumps(config.to_params(), indent=2) + "\n", encoding="utf-8")
            if not resume:
                clear_outputs(folder)
            (folder / files.STOP).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        for each in made:
            with suppress(OSError, ValueError):
                each.rmdir()
        reason = getattr(error, "strerror", error)
        raise UserError(
            f"--save-dir {folder} cannot be written ({reason}); choose another"
        ) from error


def kept_in(folder: Path, *, latest: bool) -> str:
    """Says in words what a trial that was cut short has left.

    :param folder: the trial's
    :param latest: its ``model.zip`` is the latest checkpoint, not the best
    """
    kept = "no checkpoint yet"
    if (folder / files.MODEL).exists():
        kept = f"{files.MODEL} is the best so far"
        if latest:
            kept = f"{files.MODEL} is the latest checkpoint"
    elif (folder / files.LAST_MODEL).exists():
        kept += f", {files.LAST_MODEL} is the latest"
    if (folder / files.STATE).exists():
        kept += f"; --resume {folder} goes on"
    return kept
