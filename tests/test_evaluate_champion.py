from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent import donkeycar_sb3_runner
from agent.config.flat import arguments_of
from agent.config.trial import TrialConfig
from agent.evaluate_champion import chosen_tasks, main
from agent.simulator.tracks import SCENES_DIR
from agent.trials.champion import sha256
from agent.worlds.base import WORLDS, world_named
from tests.conftest import TINY

HOME = "donkey-generated-track-v0"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    argv = arguments_of(TINY | {"eval_episodes": 1, "evaluations": 1, "timesteps": 32})
    assert donkeycar_sb3_runner.main([*argv, "--save-dir", str(folder)]) == 0
    return folder


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse's own way
        code = int(stop.code or 0)
    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_model_is_judged_on_its_own_and_on_other_tracks(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--model",
        str(trained / "model.zip"),
        "--episodes",
        "2",
        "--max-episode-steps",
        "20",
        "--results-dir",
        str(tmp_path),
        "--device",
        "cpu",
    ]
    assert (
        main([*arguments, "--track", "mountain_track", "--env", "donkey-generated-roads-v0"]) == 0
    )
    shown = capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").read_text().splitlines()]
    assert [line["env"] for line in lines] == [
        "donkey-generated-track-v0",
        "donkey-generated-roads-v0",
        "donkey-mountain-track-v0",
    ]
    home, *away = lines
    assert home["trained_on"] is True
    assert home["generalisation_gap"] is None
    for line in away:
        assert line["generalisation_gap"] == pytest.approx(
            home["mean_reward"] - line["mean_reward"]
        )
        assert len(line["score"]["episodes"]) == 2
        assert f"generalisation gap {line['generalisation_gap']:.2f}" in shown
    for line in lines:
        assert list(line["floors"]) == ["random policy", "untrained policy", "line follower"]
        assert all(len(floor["episodes"]) == 2 for floor in line["floors"].values())
    assert [line["reference_lap_sec"] for line in lines] == [7.91, None, 16.7]
    assert "reference lap" in shown
    assert main(arguments) == 0
    again = json.loads((tmp_path / "evaluations.jsonl").read_text().splitlines()[-1])
    assert again["score"] == home["score"], "the same seed drives the same episodes"


def test_the_manifest_serves_where_there_is_no_config(trained: Path, tmp_path: Path) -> None:
    shutil.copy(trained / "model.zip", tmp_path)
    params = json.loads((trained / "config.json").read_text())
    manifest = {"trial": 1, "params": params, "sha256": sha256(trained / "model.zip")}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert (
        main(
            [
                "--model",
                str(tmp_path / "model.zip"),
                "--episodes",
                "1",
                "--max-episode-steps",
                "20",
                "--results-dir",
                str(tmp_path / "results"),
            ]
        )
        == 0
    )
    assert (tmp_path / "results" / "evaluations.jsonl").exists()


def test_a_missing_or_foreign_model_is_one_line(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = ["--results-dir", str(tmp_path / "results")]
    model = tmp_path / "model.zip"
    assert "does not exist" in refused(capsys, ["--model", str(model), *results])
    model.write_bytes(b"a holiday picture")
    assert "loading a model runs code" in refused(capsys, ["--model", str(model), *results])
    results.append("--trust")
    assert "no config.json or manifest.json" in refused(capsys, ["--model", str(model), *results])
    shutil.copy(trained / "config.json", tmp_path)
    assert "is not a ppo model" in refused(capsys, ["--model", str(model), *results])
    shutil.copy(trained / "model.zip", tmp_path)
    params = json.loads((trained / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**params, "observation": "raw"}))
    assert "the configuration beside it" in refused(capsys, ["--model", str(model), *results])
    (tmp_path / "config.json").write_text(json.dumps(TrialConfig.of(agent="dqn").to_params()))
    assert "is not a dqn model" in refused(capsys, ["--model", str(model), *results])
    (tmp_path / "config.json").write_text("{")
    assert "restore it" in refused(capsys, ["--model", str(model), *results])
    assert not list((tmp_path / "results").glob("*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--track atlantis", "choose from"),
        ("--env donkey-atlantis-v0", "donkey-atlantis-v0"),
        ("--episodes 0", "at least 1"),
        ("--seed -1", "at least 0"),
        ("--race --episodes 2", "give --laps"),
        ("--laps 2", "add --race"),
        ("--race --env donkey-generated-track-v0@9091", "embedded tracks; drop the port"),
        ("--gif films --env donkey-generated-track-v0@9091", "embedded tracks; drop the port"),
    ],
)
def test_bad_arguments_are_one_line(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    model = ["--model", str(trained / "model.zip"), "--results-dir", str(tmp_path / "results")]
    assert said in refused(capsys, [*model, *arguments.split()])
    assert list(tmp_path.iterdir()) == []


def test_a_race_is_told_filmed_and_recorded(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--model",
        str(trained / "model.zip"),
        "--results-dir",
        str(tmp_path),
        "--race",
        "--laps",
        "1",
    ]
    films = tmp_path / "films"
    assert main([*arguments, "--track", "waveshare", "--gif", str(films)]) == 0
    shown = capsys.readouterr().out
    assert (films / "waveshare.gif").stat().st_size < 1.5e6
    line = json.loads((tmp_path / "races.jsonl").read_text())
    assert list(line["races"]) == ["trained", "random policy", "untrained policy", "line follower"]
    assert line["races"]["line follower"]["lap_times"] and line["reference_lap_sec"] == 3.0
    assert all(name in shown for name in (*line["races"], "reference lap", "waveshare.gif"))
    assert main([*arguments, "--no-floors"]) == 0  # as --no-baselines was called
    alone = json.loads((tmp_path / "races.jsonl").read_text().splitlines()[-1])
    assert (alone["env"], list(alone["races"])) == ("donkey-generated-track-v0", ["trained"]), (
        "a training track"
    )
    assert not (tmp_path / "evaluations.jsonl").exists()


def test_a_model_outlives_the_file_of_its_training_track(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = Path(shutil.copy(SCENES_DIR / "waveshare.json", tmp_path / "mine.json"))
    folder = Path(shutil.copytree(trained, tmp_path / "trial"))
    config = TrialConfig.from_params(json.loads((folder / "config.json").read_text()))
    params = config.changed(env=[str(track)]).to_params()
    (folder / "config.json").write_text(json.dumps(params))
    results = ["--results-dir", str(tmp_path / "results")]
    arguments = ["--model", str(folder), "--race", "--laps", "1", "--no-baselines", *results]
    films = tmp_path / "films"
    assert main([*arguments, "--gif", str(films)]) == 0, "its own track, whose file is there"
    assert sorted(path.name for path in films.iterdir())[0] == "mine.gif"
    track.unlink()
    assert f"{track}' cannot be read" in refused(capsys, arguments)
    assert main([*arguments, "--env", "waveshare+mirrored"]) == 0
    assert f"left out of the training tasks: env '{track}'" in capsys.readouterr().out
    short = ["--episodes", "1", "--max-episode-steps", "20", "--no-baselines", *results]
    assert main(["--model", str(folder), "--track", "waveshare+reversed", *short]) == 0
    line = json.loads((tmp_path / "results" / "evaluations.jsonl").read_text())
    assert line["env"] == "donkey-waveshare-v0+reversed"
    assert (line["training_mean_reward"], line["generalisation_gap"]) == (None, None)
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"path": {}, "start": {}, "cross_section": []}))
    own = ["--model", str(folder), "--env", "waveshare", "--env", str(wrong), *results]
    assert f"scene {wrong}: " in refused(capsys, own)
    assert len((tmp_path / "results" / "evaluations.jsonl").read_text().splitlines()) == 1


def test_a_model_that_does_not_fit_does_not_race(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(trained / "model.zip", tmp_path)
    params = json.loads((trained / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**params, "observation": "raw"}))
    arguments = [
        "--model",
        str(tmp_path / "model.zip"),
        "--trust",
        "--results-dir",
        str(tmp_path / "results"),
    ]
    assert "the configuration beside it" in refused(capsys, [*arguments, "--race"])


def test_the_named_tracks_are_all_but_our_own_and_each_is_driven_once() -> None:
    world = world_named("donkey")
    named = chosen_tasks(world, [], ["named"])
    assert set(chosen_tasks(world, [], ["all"])) - set(named) == {"donkey-random-track-v0"}
    assert chosen_tasks(world, ["donkey-warren-track-v0"], ["warehouse", "warren"]) == [
        "donkey-warren-track-v0",
        "donkey-warehouse-v0",
    ]


def test_a_world_without_short_names_races_and_films_says_so(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    shutil.copy(trained / "model.zip", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(TrialConfig.of(world="line").to_params()))
    model = ["--model", str(tmp_path / "model.zip"), "--trust"]
    model += ["--results-dir", str(tmp_path / "results")]
    assert "world 'line' has no short names" in refused(capsys, [*model, "--track", "all"])
    assert "world 'line' has no races; drop --race" in refused(capsys, [*model, "--race"])
    films = ["--gif", str(tmp_path / "films")]
    assert "world 'line' has no films; drop --gif" in refused(capsys, [*model, *films])
    assert not (tmp_path / "results").exists()
