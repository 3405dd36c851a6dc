"""Kernels compiled from other sources are never used: numba looks at a kernel's own file only."""

from __future__ import annotations

from pathlib import Path

from numba import config

import agent.simulator
from agent.simulator import _kernels


def test_each_state_of_the_sources_has_kernels_of_its_own(tmp_path: Path) -> None:
    room = tmp_path / "simulator"
    elsewhere = tmp_path / "experts" / "line.py"
    for folder in (room, elsewhere.parent):
        folder.mkdir()
    states = []
    for one, other in (
        ("one = 1", "@njit"),
        ("one = 2", "@njit"),
        ("one = 2", "@njit(cache=True)"),
    ):
        (room / "camera.py").write_text(one)
        elsewhere.write_text(other)
        states.append(_kernels(room))
    assert len(set(states)) == 3
    assert _kernels(room) == states[-1]
    elsewhere.with_name("prose.py").write_text("no kernel")
    assert _kernels(room) == states[-1]


def test_the_worlds_kernels_are_kept_there() -> None:
    assert str(_kernels(Path(agent.simulator.__file__).parent)) == config.CACHE_DIR  # type: ignore[attr-defined]
