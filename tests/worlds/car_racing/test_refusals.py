"""Bad input is one line, ends with 2, and writes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent import donkeycar_sb3_runner, drive, evaluate_champion, export_model, record_drive
from tests.worlds.car_racing.tiny_trial import TINY, train


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("trained"), "--frame-size", "84")


def refused(capsys: pytest.CaptureFixture[str], command: Any, *argv: str) -> str:
    """The one line that a command line is refused with."""
    capsys.readouterr()
    try:
        code = command.main(list(argv))
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--frame-size 90", "--frame-size 90 is neither 84 nor 96"),
        ("--frame-size 100", "--frame-size 100"),
        (
            "--frame-size 84 --conv-layers 1",
            "--conv-layers 1 see; give --conv-layers 3 or --frame-size 96",
        ),
        ("--bar crop --conv-layers 2", "--conv-layers 2 see; give --conv-layers 3 or --bar read"),
        ("--frame-size 84 --bar keep", "--bar 'keep' is not in pictures of 84 rows"),
        ("--bar keep --augment flip", "give --bar read or --bar crop"),
        ("--env CarRacing-v3@9091", "no simulators; give CarRacing-v3"),
        ("--env donkey-warren-track-v0", "choose from CarRacing-v3"),
        ("--agent dqn --expert-share 0.5", "no setting of dqn"),
        ("--max-cte 3", "--max-cte"),
    ],
)
def test_of_a_trial(
    argv: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--save-dir", str(tmp_path / "trial")]
    assert said in refused(capsys, donkeycar_sb3_runner, *TINY, *argv.split(), *folder)
    assert list(tmp_path.iterdir()) == []


def test_of_a_missing_extra(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("agent.worlds.car_racing.world.find_spec", lambda _: None)
    results = ["--results-dir", str(tmp_path / "results")]
    folder = ["--save-dir", str(tmp_path / "trial"), "--backend", "gymnasium"]
    for line in (
        refused(capsys, evaluate_champion, "--model", str(model), *results),
        refused(capsys, donkeycar_sb3_runner, *TINY, *folder),
    ):
        assert "needs Box2D, which is not installed" in line
        assert "[box2d]" in line
    assert list(tmp_path.iterdir()) == []


def test_of_a_model_for_another_world(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--model", str(model)]
    results = ["--results-dir", str(tmp_path / "results")]
    calls: list[tuple[str, Any, list[str]]] = [
        ("give one of world 'donkey'", drive, named),
        ("give one of world 'donkey'", drive, [*named, "--env", "warren"]),
        (
            "give one of world 'donkey'",
            record_drive,
            ["--driver", str(model), "--out", str(tmp_path / "drive.npz")],
        ),
        ("needs one of a DonkeyCar", export_model, [*named, str(tmp_path / "m.tflite")]),
        ("has no races; drop --race", evaluate_champion, [*named, *results, "--race"]),
        ("choose from CarRacing-v3", evaluate_champion, [*named, *results, "--env", "warren"]),
        ("no short names", evaluate_champion, [*named, *results, "--track", "warren"]),
        (
            "a length of their own",
            evaluate_champion,
            [*named, *results, "--max-episode-steps", "9"],
        ),
    ]
    for said, command, argv in calls:
        assert said in refused(capsys, command, *argv)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("actions", "three"), ("frame_size", 96)])
def test_of_a_configuration_that_is_another_model_s(
    model: Path, name: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("Box2D", reason="Gymnasium's CarRacing needs Box2D")
    trial = Path(shutil.copytree(model.parent, tmp_path / "trial"))
    config = json.loads((trial / "config.json").read_text())
    assert config[name] != value
    (trial / "config.json").write_text(json.dumps(config | {name: value}))
    argv = ["--model", str(trial), "--results-dir", str(tmp_path / "results"), "--episodes", "1"]
    line = refused(capsys, evaluate_champion, *argv)
    assert "senses or acts otherwise than the configuration beside it says" in line
    assert [path.name for path in tmp_path.iterdir()] == ["trial"]
