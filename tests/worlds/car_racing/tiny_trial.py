"""The smallest trial of CarRacing, for tests of what follows a training."""

from __future__ import annotations

from pathlib import Path

import pytest

TINY = ["--world", "car_racing", "--device", "cpu", "--agent", "ppo", "--timesteps", "32"]
TINY += ["--n-envs", "2", "--eval-episodes", "1", "--choosing-episodes", "1", "--evaluations", "1"]
TINY += ["--conv-layers", "3", "--features-dim", "8", "--net-width", "8", "--n-steps", "16"]
MOST_FRAMES = 30


def end_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every episode end after ``MOST_FRAMES``."""
    monkeypatch.setattr("agent.worlds.car_racing.vec_env.MOST_FRAMES", MOST_FRAMES)


def train(folder: Path, *argv: str) -> Path:
    """Trains in a folder; returns its model."""
    from agent import donkeycar_sb3_runner

    with pytest.MonkeyPatch.context() as monkeypatch:
        end_early(monkeypatch)
        assert donkeycar_sb3_runner.main([*TINY, *argv, "--save-dir", str(folder)]) == 0
    return folder / "model.zip"
