from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.config import files
from agent.reporting.films import film_folders, read_films


def test_the_folders_are_those_that_races_and_evaluations_name() -> None:
    named = ("race", None, 5, "", "race", "/a")
    lines: list[dict[str, Any]] = [{}, *({"films": name} for name in named)]
    assert film_folders(lines) == [files.SHOWN_ROOT / "race", Path("/a")]


def test_films_are_read_in_order_as_long_as_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.reporting.films.MOST_BYTES", 10)
    (tmp_path / "study").mkdir()
    for name, size in (("b.gif", 6), ("a.gif", 3), ("study/c.gif", 1), ("z.gif", 1), ("a.mp4", 1)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "d.gif").mkdir()
    films = read_films([tmp_path, tmp_path / "study", tmp_path / "nowhere"])
    assert [(Path(film.name).name, film.data and len(film.data)) for film in films] == [
        ("a.gif", 3),
        ("b.gif", 6),
        ("c.gif", 1),
        ("z.gif", None),
    ]
