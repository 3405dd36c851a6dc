"""Films of laps: what races and evaluations of this night's models have left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from agent.config import files
from agent.config.plain import object_in

KINDS = {".gif": "image/gif", ".mp4": "video/mp4", ".webp": "image/webp"}
TRIAL = re.compile(r"\b(trial|sweep)-(\d{1,9})(?:/|$)")
MOST_FILMS = 60
LARGEST_BYTES = 200 * 1024**2


class Film(NamedTuple):
    """A film.

    :param path: of its file
    :param model: that drives, as the line about it names it
    :param sha256: of that model
    :param task: that is driven
    """

    path: Path
    model: str
    sha256: str
    task: str

    @property
    def trial(self) -> str | None:
        """The trial whose model drives, such as ``trial/12``, by its folder's name."""
        found = TRIAL.search(self.model)
        return f"{found[1]}/{int(found[2])}" if found else None

    def in_words(self, number: int) -> dict[str, Any]:
        """The film as the page asks for it, by its number among all."""
        return {
            "film": number,
            "name": self.path.name,
            "kind": KINDS[self.path.suffix.lower()],
            "trial": self.trial,
            "sha256": self.sha256,
            "task": self.task,
        }


def find_films(results_dir: Path) -> list[Film]:
    """Films that the lines of evaluations and races name, the newest line last, each once.

    :param results_dir: of the ledgers
    """
    found: dict[Path, Film] = {}
    for name in (files.EVALUATIONS, files.RACES):
        for line in _lines(results_dir / name):
            folder = line.get("films")
            if isinstance(folder, str) and folder:
                about = [str(line.get(key) or "") for key in ("model", "sha256", "env")]
                for path in _files(files.SHOWN_ROOT / folder):
                    found[path] = Film(path, *about)
    return list(found.values())[-MOST_FILMS:]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError):
        for line in path.read_bytes().splitlines():
            with suppress(ValueError):
                yield object_in(line, nan_as_none=True)


def _is_film(path: Path) -> bool:
    if path.suffix.lower() not in KINDS or not path.is_file():
        return False
    return path.stat().st_size <= LARGEST_BYTES


def _files(folder: Path) -> list[Path]:
    """Films in a folder and directly below it; of one that is there twice the smaller kind."""
    with suppress(OSError):
        paths = [
            path for pattern in ("*", "*/*") for path in folder.glob(pattern) if _is_film(path)
        ]
        twice = {path.with_suffix(".gif") for path in paths if path.suffix == ".mp4"}
        return sorted(set(paths) - twice)
    return []
