"""Command lines of the controller that cannot be followed: one line, exit 2, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent import autoresearch_controller
from agent.worlds.base import WORLDS
from tests.controllers import Run, folders, rewards


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--trials", "0"], "at least 1"),
        (["--trials", "-3"], "at least 1"),
        (["--trials", "many"], "whole number"),
        (["--explore", "nan"], "number"),
        (["--explore", "-1"], "at least 0"),
        (["--cooldown", "1.9"], "at least 2"),
        (["--workers", "0"], "too small"),
        (["--sim", "127.0.0.1"], "[HOST:]PORT"),
        (["--sim", "9091,9093"], "2 addresses for 1 --env"),
        (["--sim", "spawn", "--env", "donkey-generated-track-v0@9091"], "drop one"),
        (["--env", "donkey-generated-track-v0@moon"], "[HOST:]PORT"),
        (["--env", "moon"], "env 'moon' is no task of world 'donkey'"),
        (["--env", "moon.json"], "moon.json' cannot be read (No such file or directory)"),
        (["--env", "moon+mirrored"], "env 'moon+mirrored' is no task of world 'donkey'"),
        (["--world", "moon"], "world 'moon' is unknown"),
        (["--config", "nowhere.toml"], "config nowhere.toml cannot be read"),
        (["--agent", "sac", "--demos", "nowhere.npz"], "record them"),
        (["--warm-start", "nowhere.zip"], "--warm-start nowhere.zip does not exist"),
        (["--agent", "sarsa"], "sarsa"),
        (["--n-epochs", "5"], "--n-epochs 5 is no setting of dqn"),
        (["--agent", "ppo", "--tau", "0.1"], "--tau 0.1 is no setting of ppo"),
        (["--min-timesteps", "9", "--max-timesteps", "8"], "timesteps"),
        (["--learning-rate", "0.1"], "--set learning_rate=0.1"),
        (["--set", "gamma"], "write it as gamma=0.99"),
        (["--set", "colour=red"], "'colour' is no parameter"),
        (["--set", "gamma=high"], "no number"),
        (["--set", "n_envs=2.5"], "no whole number"),
        (["--set", "deterministic=yes"], "neither true nor false"),
        (["--agent", "ppo", "--set", "tau=0.1"], "no setting of ppo"),
        (["--space", "moon"], "choose spec, full"),
        (["--space", "moon.toml"], "moon.toml is no search space"),
        (["--epsilon", "2"], "write it as 2% or 0.02"),
        (["--delta", "0%"], "write it as 2% or 0.02"),
        (["--n-envs", "0"], "--n-envs 0"),
        (["--push-every", "-1"], "at least 0"),
        (["--trails", "3"], "did you mean --trials?"),
    ],
)
def test_bad_flags_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], word: str
) -> None:
    try:
        code = autoresearch_controller.main([*folders(tmp_path), *argv])
    except SystemExit as refused:
        code = int(str(refused.code))
    complaint = capsys.readouterr().err
    assert (code, complaint.count("\n")) == (2, 1)
    assert word in complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("library", "argv", "word"),
    [
        ("", ["--sim", "spawn"], "--sim 'spawn' is not for world 'line'; drop it"),
        ("", ["--env", "donkey-warren-track-v0"], "is no task of world 'line'"),
        ("no_such_library", [], "pip install 'donkeycar-rl-autoresearch[line]'"),
    ],
)
def test_what_a_world_cannot_do_is_one_line(
    library: str,
    argv: list[str],
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.line_world import LineWorld

    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    monkeypatch.setattr(LineWorld, "requires", library)
    monkeypatch.setattr(LineWorld, "extra", "line")
    assert autoresearch_controller.main([*folders(tmp_path), "--world", "line", *argv]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert word in complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--results-dir", "--models-dir"])
def test_an_unwritable_folder_is_one_line(
    run: Run, tmp_path: Path, capfd: Any, option: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert run(rewards(1), option, str(tmp_path / "file" / "below")) == 2
    complaint = capfd.readouterr().err
    assert complaint.count("\n") == 1
    assert "choose another folder" in complaint
