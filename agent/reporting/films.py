"""Films of laps: the GIFs in the folders that races and evaluations name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import files

MOST_BYTES = 40 * 1024**2  # on a page, chosen: a browser shows them at once


@dataclass(frozen=True)
class Film:
    """A GIF; ``data`` is ``None`` where there is no more room on the page."""

    name: str
    data: bytes | None


def film_folders(evaluations: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Returns the folders of films that evaluations and races name, each once."""
    names = [each.get("films") for each in evaluations]
    known = dict.fromkeys(name for name in names if isinstance(name, str) and name)
    return [files.SHOWN_ROOT / name for name in known]


def read_films(folders: Iterable[Path]) -> list[Film]:
    """Reads the films in the folders and directly below; what cannot be read is left out."""
    paths = {
        path.resolve()
        for folder in folders
        for pattern in ("*.gif", "*/*.gif")
        for path in folder.glob(pattern)
        if path.is_file()
    }
    films = []
    room = MOST_BYTES
    for path in sorted(paths):
        with suppress(OSError):
            data = None
            if path.stat().st_size <= room:
                data = path.read_bytes()
                room -= len(data)
            films.append(Film(files.shown_path(path), data))
    return films
