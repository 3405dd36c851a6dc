"""The command that makes a car, with a stand-in for donkeycar's own; see test_on_a_car for that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from agent.createcar import main
from tests.deployment.exported import skip_without_libraries
from tests.refusals import refusal

STAND_IN = """#!{python}
import pathlib, sys
assert sys.argv[1:3] == ["createcar", "--path"]
car = pathlib.Path(sys.argv[3])
(car / "models").mkdir(parents=True, exist_ok=True)
if not (car / "myconfig.py").exists():
    (car / "myconfig.py").write_text("# SEQUENCE_LENGTH = 3\\n")
"""


@pytest.fixture
def donkey(tmp_path: Path) -> str:
    """A command that leaves what donkeycar's createcar does, as far as we look."""
    return command(tmp_path / "bin" / "donkey", STAND_IN.format(python=sys.executable))


def command(path: Path, text: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def settings(car: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    exec((car / "myconfig.py").read_bytes(), found)
    return found


def test_a_car_for_the_simulator_then_for_the_road(
    tmp_path: Path, donkey: str, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_libraries("tflite")
    car = tmp_path / "car"
    argv = ["--donkey", donkey, "--model", "bundled"]
    assert main([*argv, "--env", "warren@9091", str(car)]) == 0
    assert f"cd {car} && python manage.py drive --model models/champion.tflite" in (
        capsys.readouterr().out
    )
    assert (car / "models" / "champion.tflite").stat().st_size > 100_000
    found = settings(car)
    assert found["SEQUENCE_LENGTH"] == 13 and found["DEFAULT_MODEL_TYPE"] == "tflite_rnn"
    assert found["DONKEY_GYM_ENV_NAME"] == "donkey-warren-track-v0"
    assert (found["SIM_HOST"], found["WEB_INIT_MODE"]) == ("127.0.0.1", "local")
    myconfig = car / "myconfig.py"
    latin = "# coding: latin-1\n# größer\n".encode("latin-1")
    myconfig.write_bytes(latin + f"MINE = 1\n{myconfig.read_text()}MORE = 2\n".encode())
    assert "is a car" in refusal(main, [*argv, str(car)], tmp_path, capsys)
    assert main([*argv, "--overwrite", str(car)]) == 0
    found = settings(car)
    assert (found["MINE"], found["MORE"], found["SEQUENCE_LENGTH"]) == (1, 2, 13)
    assert "DONKEY_GYM" not in found and "WEB_INIT_MODE" not in found
    text = myconfig.read_bytes()
    assert text.startswith(latin) and text.count(b"SEQUENCE_LENGTH") == 2


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--env", "warren@9092", "car"], "is not on port 9091, the only one that donkeycar"),
        (["--env", "warren", "car"], "write it as donkey-warren-track-v0@9091"),
        (["--env", "warran@9091", "car"], "did you mean"),
        (["--env", "random_track@9091", "car"], "is no track of donkeycar's; choose from"),
        (["file"], "cannot be a folder"),
        (["old"], "PATH old is a car, old/myconfig.py exists; give --overwrite"),
        (["--donkey", "nowhere/donkey", "car"], "--donkey nowhere/donkey is no command"),
        (["--model", "none.zip", "car"], "none.zip does not exist"),
        ([], "the following arguments are required: PATH"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_line(
    argv: list[str],
    words: str,
    tmp_path: Path,
    donkey: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "--model" in argv:
        skip_without_libraries("tflite")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "myconfig.py").write_text("MINE = 1\n")
    if "--donkey" not in argv:
        argv = ["--donkey", donkey, *argv]
    assert words in refusal(main, argv, tmp_path, capsys)


def test_without_donkeycar_it_says_where_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    line = refusal(main, [str(tmp_path / "car")], tmp_path, capsys)
    assert "donkeycar is not installed here" in line and "pip install donkeycar" in line


def test_a_createcar_that_fails_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skip_without_libraries("tflite")
    broken = command(tmp_path / "bin" / "donkey", "#!/bin/sh\necho no wheels\nexit 3\n")
    assert main(["--donkey", broken, "--model", "bundled", str(tmp_path / "car")]) == 1
    assert "createcar made no car in" in (error := capsys.readouterr().err)
    assert "(no wheels)" in error and not (tmp_path / "car").exists()
