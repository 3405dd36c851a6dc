"""The exporter's command line: what it writes and prints, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.config import export_formats, files
from agent.config.trial import TrialConfig
from agent.export_model import main
from tests.deployment.exported import skip_without_libraries
from tests.deployment.models import saved_model
from tests.refusals import refusal

TORCH = ["--format", "torchscript"]


def test_the_bundled_champion_for_donkeycar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_libraries("tflite")
    out = tmp_path / "champion.tflite"
    assert main(["--model", "bundled", str(out)]) == 0
    manifest = json.loads((tmp_path / "champion.tflite.json").read_text())
    length = manifest["sequence_length"]
    assert manifest["input"]["shape"] == [1, length, 120, 160, 3]
    assert manifest["algorithm"] == "ppo" and manifest["bytes"] == out.stat().st_size < 1e6
    settings: dict[str, Any] = {}
    exec(capsys.readouterr().out.partition("myconfig.py:")[2], settings)
    assert settings["SEQUENCE_LENGTH"] == length
    assert settings["DEFAULT_MODEL_TYPE"] == "tflite_rnn"
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, out.name + ".json"]


def test_a_study_s_champion_is_exported_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    shutil.copytree(files.BUNDLED_DIR, models / "champion")
    out = tmp_path / "driver.pt"
    argv = [*TORCH, "--models-dir", str(models), str(out)]
    assert main(argv) == 0
    assert "models/champion/model.zip (ppo) is" in capsys.readouterr().out
    assert "exists; choose another name or give --overwrite" in refusal(
        main, argv, tmp_path, capsys
    )
    out.write_bytes(b"")
    assert main([*argv, "--overwrite"]) == 0
    assert out.stat().st_size > 100_000
    assert "input frames [13, 120, 160, 3] uint8" in capsys.readouterr().out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With files that are in the way."""
    (tmp_path / "there.pt").write_text("")
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "beside.pt.json").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.zip").write_text("no zip")
    shutil.copy(files.BUNDLED_DIR / "manifest.json", tmp_path / "broken")
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["OUT.pt"], "is no name of a tflite file; end it in .tflite or give --format torchscript"),
        ([*TORCH, "OUT.zip"], "is no name of a torchscript file; end it in .pt"),
        ([*TORCH, "nowhere/OUT.pt"], "there is no folder"),
        ([*TORCH, "there.pt"], "there.pt exists; choose another name or give --overwrite"),
        ([*TORCH, "beside.pt"], "beside.pt.json exists; choose another name or give --overwrite"),
        ([*TORCH, "--overwrite", "folder.pt"], "folder.pt is a folder; choose another name"),
        ([*TORCH, "--model", "none.zip", "OUT.pt"], "none.zip does not exist; give a model.zip"),
        ([*TORCH, "--model", "broken", "OUT.pt"], "give --trust if you know where it comes from"),
        ([*TORCH, "--model", "broken", "--trust", "OUT.pt"], "is not a ppo model"),
        ([*TORCH, "--name", "a/b", "OUT.pt"], "--name 'a/b' cannot be a folder"),
        (["--format", "onx", "OUT.onnx"], "did you mean onnx?"),
        ([], "the following arguments are required: OUT"),
    ],
    ids=str,
)
def test_what_cannot_be_exported_is_one_line(
    argv: list[str],
    words: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    assert words in refusal(main, argv, folder, capsys)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent": "recurrent_ppo"}, "is of recurrent_ppo, whose memory no exported file has"),
        ({"action_repeat": 3}, "holds a decision for 3 steps, and an exported file decides at"),
    ],
)
def test_a_driver_that_no_file_can_be(
    changes: dict[str, Any],
    words: str,
    tmp_path: Path,
    tiny: Callable[..., TrialConfig],
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved_model(tiny(**changes), tmp_path)
    argv = [*TORCH, "--model", str(tmp_path), "--trust", str(tmp_path / "OUT.pt")]
    assert words in refusal(main, argv, tmp_path, capsys)


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_formats, "find_spec", lambda name: None)
    line = refusal(main, [str(tmp_path / "OUT.tflite")], tmp_path, capsys)
    assert "--format tflite needs flatbuffers, which is not installed" in line
    assert "pip install 'donkeycar-rl-autoresearch[export]'" in line
