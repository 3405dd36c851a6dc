"""Kernels compiled from other sources are never used: numba looks at a kernel's own file only."""

from __future__ import annotations

from pathlib import Path

from numba import config

import agent
from agent.kernels import _kernels


def test_each_state_of_the_sources_has_kernels_of_its_own(tmp_path: Path) -> None:
    kernel = tmp_path / "simulator" / "camera.py"
    beside = tmp_path / "simulator" / "lens.py"  # which may hold a kernel's constants
    prose = tmp_path / "trials" / "prose.py"
    states = []
    for one, other in (
        ("@njit", "one = 1"),
        ("@njit", "one = 2"),
        ("@njit(cache=True)", "one = 2"),
    ):
        kernel.parent.mkdir(exist_ok=True)
        kernel.write_text(one)
        beside.write_text(other)
        states.append(_kernels(tmp_path))
    assert len(set(states)) == 3
    assert _kernels(tmp_path) == states[-1]
    prose.parent.mkdir()
    prose.write_text("no kernel")
    assert _kernels(tmp_path) == states[-1]


def test_the_worlds_kernels_are_kept_there() -> None:
    package = Path(agent.__file__).parent
    assert str(_kernels(package)) == config.CACHE_DIR  # type: ignore[attr-defined]
