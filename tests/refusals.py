"""Commands that refuse to begin: exit code 2, one line, and not a byte in the folder changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Main = Callable[[Sequence[str]], int]
Snapshot = dict[str, tuple[int, int, str]]


def snapshot(folder: Path) -> Snapshot:
    """Size, time of change in ns and SHA-256 of everything in a folder, by its path."""
    return {str(path.relative_to(folder)): _facts(path) for path in sorted(folder.rglob("*"))}


def _facts(path: Path) -> tuple[int, int, str]:
    if not path.is_file():
        return 0, 0, ""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()


def exit_code(main: Main, argv: Sequence[str]) -> int:
    """The exit code of a command line, however ``main`` gives it."""
    try:
        return main(argv)
    except SystemExit as stopped:
        return int(stopped.code or 0)


def refusal(
    main: Main, argv: Sequence[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> str:
    """The line by which a command line is refused, once nothing in ``folder`` has changed.

    :param main: of the command
    :param argv: the command line
    :param folder: all that it could write to
    :param capsys: of the test
    """
    before = snapshot(folder)
    code = exit_code(main, argv)
    found = snapshot(folder)
    changed = {name for name in before.keys() | found if before.get(name) != found.get(name)}
    assert changed == set(), argv
    error = capsys.readouterr().err
    assert code == 2, (argv, error)
    (line,) = error.splitlines()
    assert ": error: " in line
    return line
