"""Checks of what a command is to write, before its work and without making anything."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from agent.config.errors import UserError


def check_folder(option: str, folder: Path, *names: str) -> None:
    """Refuse a folder that cannot be made or written.

    :param option: that names it, for the complaint
    :param folder: to be
    :param names: of files in it that will be written or added to
    :raises UserError: something stands in the way, or permission or space is missing
    """
    try:
        nearest = _nearest(folder.absolute())
        if not nearest.is_dir():
            raise UserError(
                f"{option} {folder} cannot be a folder, {nearest} is none; choose another folder"
            )
        with tempfile.TemporaryFile(dir=nearest):  # without a name, where the system can
            pass
        for name in names:
            if (folder / name).exists():
                with (folder / name).open("ab"):
                    pass
    except OSError as error:
        raise UserError(
            f"{option} {folder} cannot be written ({error.strerror}); choose another folder"
        ) from None


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there.

    :raises OSError: a name that no folder can have
    """
    for each in (folder, *folder.parents):
        try:
            os.lstat(each)
        except (FileNotFoundError, NotADirectoryError):
            continue
        return each
    return folder
