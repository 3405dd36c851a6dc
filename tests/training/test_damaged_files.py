"""Files of a trial that hold something else: one line each, for whoever reads them next."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import donkeycar_sb3_runner as runner
from agent.config.errors import UserError
from agent.training.result import read_result
from agent.training.saved_model import read_config

DAMAGED = ("", "{", "[]", "5", '"x"', "{}}", "[" * 100_000, '{"seed": ' + "9" * 400 + "}", "\0" * 9)


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize("name", ["config.json", "manifest.json"])
def test_a_configuration(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match="restore it"):
        read_config(tmp_path / "model.zip")


@pytest.mark.parametrize("text", DAMAGED)
def test_a_trial_to_go_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        runner.main(["--resume", str(tmp_path)])
    [line] = capsys.readouterr().err.splitlines()
    assert "give a trial's folder" in line
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_result_is_as_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    assert read_result(tmp_path) == {}
