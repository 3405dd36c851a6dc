"""A world in one file and one line of the registry: trained in, evaluated, reported, searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent import autoresearch_controller, evaluate_champion, report
from agent.worlds.base import WORLDS
from tests.controllers import folders, ledger, log

LINE_RUNNER = Path(__file__).with_name("line_runner.py")
SHORT = ["--world", "line", "--n-envs", "2", "--eval-episodes", "2", "--device", "cpu"]
SMALL = ["--conv-layers", "1", "--features-dim", "8", "--net-width", "8"]


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")


def train(folder: Path, *argv: str) -> dict[str, Any]:
    from agent import donkeycar_sb3_runner

    steps = ["--timesteps", "64", "--evaluations", "1"]
    arguments = [*SHORT, *SMALL, *steps, "--save-dir", str(folder), *argv]
    assert donkeycar_sb3_runner.main(arguments) == 0
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return result


@pytest.mark.parametrize("agent", ["ppo", "sac", "dqn"])
def test_it_is_trained_in_and_evaluated(
    agent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(tmp_path / "trial", "--agent", agent)
    assert 0.0 <= result["score"]["distance"] <= 1.0
    assert result["score"].keys() == {"episodes", "distance"}
    assert 0.0 <= result["mean_reward"] <= 30.0
    if agent == "sac":  # by default the negative count of the world's actions
        config = json.loads((tmp_path / "trial" / "config.json").read_text())
        assert config["target_entropy"] == -3.0
    capsys.readouterr()
    model = str(tmp_path / "trial" / "model.zip")
    argv = ["--model", model, "--episodes", "2", "--results-dir", str(tmp_path)]
    assert evaluate_champion.main(argv) == 0
    output = capsys.readouterr().out
    assert "distance" in output
    assert "untrained policy" in output
    for word in ("lap", "steering", "track"):
        assert word not in output.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--imitation-share", "0.5"], "expert"),
        (["--max-cte", "3"], "max-cte"),
        (["--augment", "flip"], "flip"),
        (["--env", "donkey-warren-track-v0"], "donkey-warren-track-v0"),
    ],
)
def test_what_it_lacks_is_refused_in_one_line(
    argv: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent import donkeycar_sb3_runner

    with pytest.raises(SystemExit) as refused:
        donkeycar_sb3_runner.main([*SHORT, "--save-dir", str(tmp_path / "trial"), *argv])
    assert refused.value.code == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
    assert not (tmp_path / "trial").exists()


@pytest.mark.slow
def test_it_is_searched_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.trials.session.COOLDOWN_SEC", 0.0)
    monkeypatch.setattr(autoresearch_controller, "RUNNER", LINE_RUNNER)
    argv = ["--trials", "2", "--agent", "ppo", "--cooldown", "0", "--push-every", "0"]
    steps = ["--min-timesteps", "64", "--max-timesteps", "65"]
    assert autoresearch_controller.main([*folders(tmp_path), *SHORT, *argv, *steps]) == 0
    records = ledger(tmp_path)
    assert [record["run_status"] for record in records] == ["ok"] * 2
    assert {record["world"] for record in records} == {"line"}
    assert "distance" in log(tmp_path)
    assert report.main(folders(tmp_path)) == 0
    page = (tmp_path / "results" / "report" / "report.html").read_text()
    assert "distance" in page
