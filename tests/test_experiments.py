"""Experiments side by side, in nights of the controller that only pretend to train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent import (
    autoresearch_controller,
    donkeycar_outer_loop,
    drive,
    evaluate_champion,
    export_model,
    push_model,
    report,
)
from agent.config import files
from agent.trials.champion import bundled_model, find_model
from tests.controllers import Run, ledger, log, rewards
from tests.fake_executor import FakeExecutor

SCORES = rewards(10, 20, 30, 40, 50, 60, 70)


def models(tmp_path: Path) -> list[str]:
    return sorted(path.parent.name for path in (tmp_path / "models").glob("*/model.zip"))


@pytest.mark.parametrize("deleted", [False, True])
def test_a_second_ledger_over_the_same_models_leaves_the_firsts_trials_alone(
    run: Run, tmp_path: Path, deleted: bool
) -> None:
    assert run(SCORES, "--trials", "3") == 0
    results = tmp_path / "other"
    if deleted:
        results = tmp_path / "results"
        (results / files.SEARCH_LEDGER).unlink()
    arguments = ["--trials", "2", "--keep-models", "best:1,last:1", "--confirm-seeds", "0"]
    assert run(SCORES, *arguments, "--results-dir", str(results)) == 0
    lines = (results / files.SEARCH_LEDGER).read_text().splitlines()
    assert [json.loads(line)["trial"] for line in lines] == [4, 5]
    kept = [name for name in models(tmp_path) if name.startswith("trial")]
    assert kept[:3] == ["trial-001", "trial-002", "trial-003"]


def test_a_night_on_another_track_takes_no_title(run: Run, tmp_path: Path) -> None:
    assert run(SCORES, "--trials", "2") == 0
    assert run(SCORES, "--trials", "2", "--env", "donkey-warren-track-v0") == 0
    manifest = json.loads((tmp_path / "models" / "champion" / "manifest.json").read_text())
    assert (manifest["trial"], manifest["mean_reward"]) == (2, 20)
    assert "champion: trial 4 mean_reward 40.00" in log(tmp_path)
    assert [record["champion"] for record in ledger(tmp_path)] == [True] * 4


def test_a_named_experiment_has_its_files_together(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "RUNS_DIR", tmp_path / "runs")
    monkeypatch.setattr("agent.trials.loop.POLL_SEC", 0.0)
    monkeypatch.setattr("agent.trials.session.COOLDOWN_SEC", 0.0)
    monkeypatch.setattr(
        autoresearch_controller, "make_executor", lambda options, config: FakeExecutor(SCORES)
    )
    argv = ["--name", "monaco", "--trials", "1", "--env", "donkey-minimonaco-track-v0"]
    assert autoresearch_controller.main(argv) == 0
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert {
        "runs/monaco/results/autoresearch_results.jsonl",
        "runs/monaco/results/.controller.lock",
        "runs/monaco/models/trial-001/model.zip",
        "runs/monaco/models/champion/manifest.json",
    } <= found
    assert all(path.startswith("runs/monaco/") for path in found)
    champion = tmp_path / "runs" / "monaco" / "models" / "champion" / "model.zip"
    assert find_model(None, champion.parents[1]) == champion


@pytest.mark.parametrize(
    ("named", "results", "models"),
    [
        ([], "outerloop-results", "models"),
        (["--name", "monaco"], "runs/monaco/results", "runs/monaco/models"),
        (["--models-dir", "{home}/kept"], "outerloop-results", "kept"),
    ],
    ids=str,
)
def test_all_results_lie_in_the_home_that_is_given(
    named: list[str],
    results: str,
    models: str,
    quick: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.trials.loop.POLL_SEC", 0.0)
    monkeypatch.setattr(
        autoresearch_controller, "make_executor", lambda options, config: FakeExecutor(SCORES)
    )
    home = tmp_path / "of" / "nights"
    argv = ["--home", str(home), *(word.format(home=home) for word in named)]
    assert autoresearch_controller.main([*argv, "--trials", "1"]) == 0
    assert report.main(argv) == 0
    found = {path.relative_to(home).as_posix() for path in home.rglob("*.*")}
    assert {
        f"{results}/autoresearch_results.jsonl",
        f"{results}/report/report.html",
        f"{models}/champion/manifest.json",
    } <= found
    assert all(path.startswith((f"{results}/", f"{models}/")) for path in found)
    assert [path.name for path in tmp_path.iterdir()] == ["of"]


def test_a_home_that_is_no_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for home in ("file", "file/below"):
        assert report.main(["--home", str(tmp_path / home)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"--home {tmp_path / home} cannot be a folder, {tmp_path / 'file'} is none" in line


@pytest.mark.parametrize("module", [autoresearch_controller, donkeycar_outer_loop, report])
@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "a b", "n" * 101])
def test_a_name_that_is_no_folder_is_refused(
    module: object,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(files, "RUNS_DIR", tmp_path / "runs")
    assert module.main([f"--name={name}"]) == 2  # type: ignore[attr-defined]
    assert "cannot be a folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_name_has_folders_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate_champion.main(["--name", "x", "--results-dir", str(tmp_path / "y")]) == 2
    assert "drop --results-dir" in capsys.readouterr().err


def test_the_bundled_champion_is_meant_until_there_is_another(tmp_path: Path) -> None:
    bundled = files.BUNDLED_DIR / files.MODEL
    own = tmp_path / files.CHAMPION / files.MODEL
    assert find_model(None, tmp_path) == bundled
    assert find_model(own, tmp_path) == bundled, "the command line of earlier versions"
    own.parent.mkdir()
    own.write_bytes(b"weights")
    assert find_model(None, tmp_path) == own
    assert find_model(Path("bundled"), tmp_path) == bundled
    assert find_model(own.parent, tmp_path) == own
    assert find_model(Path(files.CHAMPION), tmp_path) == own
    assert find_model(tmp_path / "absent.zip", tmp_path) == tmp_path / "absent.zip"


def test_a_world_may_have_a_bundled_champion_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "BUNDLED_DIR", tmp_path / "box")
    for folder in ("box", "box/moon", "models"):
        (tmp_path / folder).mkdir()
    for folder in ("box", "box/moon"):
        (tmp_path / folder / files.MODEL).write_bytes(b"weights")
    moon = tmp_path / "box" / "moon" / files.MODEL
    assert find_model(Path("bundled/moon"), tmp_path) == moon == bundled_model("moon")
    assert find_model(Path("bundled"), tmp_path) == bundled_model("donkey") != moon
    assert find_model(None, tmp_path) == bundled_model("donkey")
    out = tmp_path / "out"
    calls: list[tuple[Any, list[str]]] = [
        (evaluate_champion, ["--results-dir", str(out)]),
        (drive, ["--env", "warren"]),
        (export_model, [str(tmp_path / "model.tflite")]),
        (push_model, ["ann/moon", "--dry-run", "--out", str(out)]),
    ]
    for command, argv in calls:
        assert command.main([*argv, "--model", "bundled/mon"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "--model 'bundled/mon' is unknown; did you mean bundled/moon?" in line
        assert "choose from bundled, bundled/moon" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box", "models"]
