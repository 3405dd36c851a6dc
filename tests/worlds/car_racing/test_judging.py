"""A trained model is judged in the installed Gymnasium, beside floors, and filmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("Box2D", reason="Gymnasium's CarRacing needs Box2D")

from agent.config.trial import TrialConfig
from agent.evaluate_champion import main
from agent.worlds.car_racing import make_vec_env
from agent.worlds.car_racing.gymnasium_backend import GymnasiumBackend
from agent.worlds.car_racing.options import CarRacingOptions
from tests.worlds.car_racing.tiny_trial import MOST_FRAMES, end_early, train


def test_a_model_of_small_pictures_is_judged_by_gymnasium_and_filmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train(tmp_path / "trial", "--frame-size", "84", "--patience", "20")
    opened: list[GymnasiumBackend] = []

    class Noted(GymnasiumBackend):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)

    end_early(monkeypatch)
    monkeypatch.setattr(make_vec_env, "GymnasiumBackend", Noted)
    results, films = tmp_path / "results", tmp_path / "films"
    argv = ["--model", str(model), "--episodes", "2", "--gif", str(films), "--device", "cpu"]
    assert main([*argv, "--results-dir", str(results)]) == 0
    assert len(opened) == 4, "for it, for chance, for the expert and for the film"
    shown = capsys.readouterr().out
    for word in ("tiles missed", "lap s", "worst", "verdict fails", "ended by", "time_limit"):
        assert word in shown
    (line,) = (results / "evaluations.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert record["env"] == "CarRacing-v3"
    assert list(record["floors"]) == ["random policy", "untrained policy", "expert"]
    for score in (record["score"], *record["floors"].values()):
        assert len(score["episodes"]) == 2
        assert score["worst_reward"] == min(score["episodes"])
        assert score["frames"] == MOST_FRAMES, "no patience where it is judged"
    assert record["versions"]["box2d"] and record["versions"]["pygame-ce"]
    assert sorted(path.name for path in films.iterdir())[0] == "CarRacing-v3.gif"


def test_a_driver_is_judged_as_it_was_trained_to_see_and_act_alone() -> None:
    trained = TrialConfig.of(
        world="car_racing",
        action_repeat=4,
        actions="three",
        frame_size=84,
        conv_layers=3,
        patience=90,
        expert_share=0.2,
        domain_randomize=True,
        backend="own",
    )
    options = TrialConfig.for_driving(trained.to_params()).world
    assert isinstance(options, CarRacingOptions)
    assert (options.action_repeat, options.actions, options.frame_size) == (4, "three", 84)
    assert (options.patience, options.expert_share, options.domain_randomize) == (0, 0.0, False)
    assert options.backend == "gymnasium"
