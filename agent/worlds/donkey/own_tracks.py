"""Tracks beyond the named ones: scene files of the user's, and other ways to drive any track.

Where a task is named, ``FILE.json`` is a scene file anywhere on disk, and ``+mirrored`` and
``+reversed`` may follow a track's name or a file's. On record a file has its absolute path and the
first digits of its SHA-256, ``/tracks/mine.json#1f0c66ab``. So a record is of one track for ever,
and a file that has changed since is refused rather than taken for what it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from agent.config.command_name import to_run
from agent.config.errors import UserError

# The same as the simulator's, which is not loaded for a name: ``simulator.scene_ways``.
WAYS = ("mirrored", "reversed")
DIGITS = 8  # chosen: of the digest
NAME = re.compile(
    rf"(?P<track>.*?)(?:#(?P<digest>[0-9a-f]{{{DIGITS}}}))?(?P<ways>(?:\+(?:{'|'.join(WAYS)}))*)",
    re.DOTALL,
)
KEYS = ("path", "start", "cross_section")  # some that every scene file has


class TrackName(NamedTuple):
    """A task's name in its parts.

    :param track: an environment's id, a scene or the path of a scene file
    :param digest: of the file's content on record, empty for any
    :param ways: how it is driven, in the order of ``WAYS``
    """

    track: str
    digest: str
    ways: tuple[str, ...]

    @property
    def is_file(self) -> bool:
        """True for a scene file of the user's."""
        return self.track.endswith(".json")

    def joined(self, track: str, digest: str = "") -> str:
        """The name with another track in it."""
        mark = f"#{digest}" if digest else ""
        return track + mark + "".join(f"+{way}" for way in self.ways)


def parse_name(name: str) -> TrackName:
    """The parts of a task's name, which has no address."""
    found = NAME.fullmatch(name)
    assert found is not None, "the pattern takes every text"
    asked = found["ways"].split("+")[1:]
    ways = tuple(way for way in WAYS if way in asked)
    return TrackName(found["track"], found["digest"] or "", ways)


def full_name(name: str, ids: Mapping[str, str]) -> str | None:
    """The name on record of a file's track or of another way; None for a name of neither.

    A file that cannot be read has no digest; ``check_name`` refuses it.

    :param name: as a user gives it
    :param ids: environment ids by themselves and by their scenes
    """
    parts = parse_name(name)
    if parts.is_file:
        path = Path(os.path.abspath(parts.track))
        digest = parts.digest
        if not digest and path.is_file():
            digest = _digest(_content(path))
        return parts.joined(str(path), digest)
    if not parts.ways or parts.track not in ids:
        return None
    return parts.joined(ids[parts.track])


def check_file(name: str) -> None:
    """Refuse a scene file that is gone, changed or none.

    :param name: of a task; those that are no file's are not looked at
    :raises UserError: such a file
    """
    parts = parse_name(name)
    if not parts.is_file:
        return
    path = Path(parts.track)
    content = _content(path)
    digest = _digest(content)
    if parts.digest and parts.digest != digest:
        raise UserError(
            f"env {name!r} has changed since, its digest is {digest} now; bring the file back as it"
            f" was, or begin anew with --env {parts.joined(str(path))}",
            "env",
        )
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"env {str(path)!r} is no JSON ({error}); give a scene file, docs/scenes.md", "env"
        ) from None
    missing = [key for key in KEYS if not isinstance(data, dict) or key not in data]
    if missing:
        raise UserError(
            f"env {str(path)!r} is no scene file, it has no {missing[0]!r};"
            f" make one with {to_run('make_track.py', 'track')}",
            "env",
        )


def short_name(name: str) -> str:
    """A task's name for people and for names of files: of a scene file its stem alone."""
    parts = parse_name(name)
    if not parts.is_file:
        return name
    return parts.joined(Path(parts.track).stem)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"env {str(path)!r} cannot be read ({error.strerror}); give a scene file that is there",
            "env",
        ) from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
