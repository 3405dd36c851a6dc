"""Kernels compiled from other sources are never used: numba looks at a kernel's own file only."""

from __future__ import annotations

from pathlib import Path

from numba import config

import agent.simulator
from agent.simulator import _kernels


def test_each_state_of_the_sources_has_kernels_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "camera.py").write_text("one = 1")
    before = _kernels(tmp_path)
    assert before == _kernels(tmp_path)
    (tmp_path / "camera.py").write_text("one = 2")
    assert before != _kernels(tmp_path)


def test_the_worlds_kernels_are_kept_there() -> None:
    assert str(_kernels(Path(agent.simulator.__file__).parent)) == config.CACHE_DIR  # type: ignore[attr-defined]
