"""Progress: ten lines in a log, a bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.config.trial import TrialConfig
from agent.training.algorithms import build
from agent.training.progress_display import ProgressBar, ProgressLines, progress_callback
from agent.training.vec_envs import make_training_envs

Build = Callable[..., TrialConfig]


def test_a_log_gets_a_line_for_every_tenth(tiny: Build, capsys: pytest.CaptureFixture[str]) -> None:
    training = make_training_envs(tiny())
    build(tiny(), training).learn(64, callback=ProgressLines(64))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert all("ETA" in line and "reward per step" in line for line in lines)
    assert lines[-1].startswith("training 100 %: 64 of 64 steps")
    training.vec_env.close()


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress_callback(10), ProgressLines)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert isinstance(progress_callback(10), ProgressBar)


def test_the_bar_counts_to_the_end_and_gives_the_terminal_back(
    tiny: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    training = make_training_envs(tiny())
    display = ProgressBar(64)
    build(tiny(), training).learn(64, callback=display)
    assert display.bar is None
    assert "64/64" in capsys.readouterr().out
    training.vec_env.close()
