"""The place of compiled kernels: beside their sources, or in a folder of the user's own.

Compiling takes half a minute, and numba refuses to begin where it finds no folder to keep kernels
in: in a read-only installation without a home, such as a container's or a service's. Loading a kept
kernel runs code, so a folder that another user could have put there is not taken.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import config
from numba.core.dispatcher import Dispatcher

VARIABLE = "NUMBA_CACHE_DIR"
OTHERS = stat.S_IWGRP | stat.S_IWOTH


def keep_kernels(beside: Path) -> None:
    """Has numba keep kernels in the first folder that can be written, or do without any.

    :param beside: the folder beside the sources; the user's ``NUMBA_CACHE_DIR`` goes before it
    """
    asked: str = config.CACHE_DIR  # type: ignore[attr-defined]
    if asked and _writable(Path(asked)):
        return
    folder = find_folder(beside)
    if folder is None:
        setattr(Dispatcher, "enable_caching", _compile_anew)  # noqa: B010  # no other switch
        _say(f"no folder can keep compiled kernels; give one in {VARIABLE}, or wait at every start")
        return
    if asked:
        _say(f"{VARIABLE} {asked} cannot be written; compiled kernels are kept in {folder}")
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


def find_folder(beside: Path) -> Path | None:
    """Returns ``beside`` if it can be written, else a folder of the user's, ``None`` for neither.

    What was compiled before ``beside`` became read-only is copied.
    """
    if _writable(beside):
        return beside
    for home in _homes():
        if not _private(home):
            continue
        folder = home / beside.name
        if not folder.exists():
            _copy(beside, folder)
        if _writable(folder):
            return folder
    return None


def _homes() -> Iterator[Path]:
    """Folders that are the user's own, or can be."""
    name = f"donkeycar-kernels-{os.geteuid()}"
    user = Path(os.path.expanduser("~"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or user / ".cache")
    if cache.is_absolute() and (cache.is_dir() or user.is_dir()):
        yield cache / name
    with suppress(OSError):  # no temporary folder can be written
        yield Path(tempfile.gettempdir()) / name


def _private(folder: Path) -> bool:
    """True if this user alone can write to the folder, which is made if it is not there."""
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        above = folder.parent.stat().st_mode
    except OSError:
        return False
    replaceable = above & stat.S_IWOTH and not above & stat.S_ISVTX
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return mine and not found.st_mode & OTHERS and not replaceable


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _copy(source: Path, folder: Path) -> None:
    """Copies kernels, all or none: another process may do the same, or read already."""
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}")
    with suppress(OSError):  # shutil.Error is one; there may be nothing to copy
        shutil.copytree(source, scratch)
        scratch.rename(folder)
    shutil.rmtree(scratch, ignore_errors=True)


def _compile_anew(_kernel: Any) -> None:
    """Takes the place of numba's ``enable_caching``."""


def _say(line: str) -> None:
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
