"""A file beside the champion: made anew with it, and never a reason to end a night."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent import autoresearch_controller
from agent.autoresearch_controller import EXPORTER
from agent.config import export_formats, files
from agent.trials.champion_export import ChampionExport
from agent.trials.titles import Titles
from tests.controllers import Run, log, rewards
from tests.deployment.exported import skip_without_libraries
from tests.refusals import refusal


def put_champion(models: Path) -> Path:
    """A study's champion, which is the bundled model."""
    folder = models / "champion"
    shutil.copytree(files.BUNDLED_DIR, folder)
    manifest = json.loads((folder / files.MANIFEST).read_text())
    manifest["bundled"] = False
    manifest["ledger"] = "../results/ledger.jsonl"
    (folder / files.MANIFEST).write_text(json.dumps(manifest))
    return folder


@pytest.mark.slow
def test_the_file_follows_the_champion(tmp_path: Path) -> None:
    skip_without_libraries("tflite")
    folder = put_champion(tmp_path / "models")
    said: list[str] = []
    titles = Titles(tmp_path / "models", "../results/ledger.jsonl")
    export = ChampionExport(titles, said.append, EXPORTER)
    export.update()
    assert said == [f"champion exported to {folder / 'champion.tflite'}"]
    first = (folder / "champion.tflite").stat()
    export.update()
    assert len(said) == 1 and (folder / "champion.tflite").stat() == first
    manifest = json.loads((folder / files.MANIFEST).read_text())
    (folder / files.MODEL).write_bytes(b"another")
    (folder / files.MANIFEST).write_text(json.dumps(manifest | {"sha256": "other"}))
    export.update()
    export.update()
    assert len(said) == 2 and said[1].startswith("champion not exported: ")
    assert "give --trust" in said[1]
    assert (folder / "champion.tflite").stat() == first


def test_an_exporter_that_cannot_start_or_hangs_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_champion(tmp_path / "models")
    said: list[str] = []
    titles = Titles(tmp_path / "models", "../results/ledger.jsonl")
    ChampionExport(titles, said.append, tmp_path / "none.py").update()
    assert "No such file" in said[0]
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr("agent.trials.champion_export.TIMEOUT_SEC", 0.5)
    ChampionExport(titles, said.append, sleeper).update()
    assert "timed out after 0.5 seconds" in said[1]


@pytest.mark.slow
def test_a_night_goes_on_without_a_file(tmp_path: Path, run: Run) -> None:
    skip_without_libraries("tflite")
    plan = rewards(1.0, 2.0)
    assert run(plan, "--trials", "2", "--confirm-seeds", "0", "--export-champion") == 0
    assert log(tmp_path).count("champion not exported: ") == 2


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--agent", "recurrent_ppo"], "is of recurrent_ppo, whose memory no exported file has"),
        (["--action-repeat", "2"], "a decision for 2 steps, and an exported file decides at every"),
    ],
)
def test_champions_that_no_file_can_be_are_refused_at_the_start(
    argv: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autoresearch_controller, "check_libraries", lambda *_: None)
    folders = ["--results-dir", str(tmp_path / "r"), "--models-dir", str(tmp_path / "m")]
    asked = [*folders, "--agent", "ppo", "--export-champion", *argv]
    assert words in refusal(autoresearch_controller.main, asked, tmp_path, capsys)


def test_without_its_library_the_option_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_formats, "find_spec", lambda name: None)
    folders = ["--results-dir", str(tmp_path / "r"), "--models-dir", str(tmp_path / "m")]
    line = refusal(autoresearch_controller.main, [*folders, "--export-champion"], tmp_path, capsys)
    assert "--export-champion needs flatbuffers, which is not installed" in line
