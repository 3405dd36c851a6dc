"""What a judge takes from a configuration, and what it checks before the first step."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from agent import donkeycar_sb3_runner
from agent.config.errors import UserError
from agent.config.flat import arguments_of
from agent.config.trial import TrialConfig
from agent.evaluate_champion import main
from agent.evaluation.episodes import Score, generalisation_gap
from agent.worlds.base import WORLDS, Episode, world_named
from agent.worlds.donkey.options import JUDGED_STEPS, DonkeyOptions
from tests.conftest import TINY

HOME = "donkey-generated-track-v0"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    argv = arguments_of(TINY | {"eval_episodes": 1, "evaluations": 1, "timesteps": 32})
    assert donkeycar_sb3_runner.main([*argv, "--save-dir", str(folder)]) == 0
    return folder


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


# Options that only a training has; none may stand in a judge's way.
OF_TRAINING: list[dict[str, Any]] = [
    {"env": [f"{HOME}@9091"], "client": "gym-donkeycar", "reconnect": True},
    {"appearance": "random", "imitation_share": 0.5, "imitation_weight": 1.0},
    {"roads": 64, "road_replay": 0.5},
    {"curriculum_share": 0.5, "n_envs": 64, "memory_limit": "none"},
    {"imitation_share": 0.5, "narrow_crossing_share": 0.5},
    {"reward_term": ["progress"], "reward": "efficiency"},
    {"agent": "dqn", "demos": "gone.npz", "n_steer": 5},
]


@pytest.mark.parametrize("params", OF_TRAINING)
def test_what_only_training_needs_is_not_asked_of_a_judge(params: dict[str, Any]) -> None:
    senses = {"frame_stack": 3, "frame_gap": 2, "throttle_max": 0.45, "max_cte": 6.0}
    driver = TrialConfig.for_driving({"timesteps": 0, **params, **senses})
    assert driver.trial.env == [HOME]
    judged = driver.changed(env=["donkey-warren-track-v0@9091"])
    judged.check_ready()
    options = judged.world
    assert isinstance(options, DonkeyOptions)
    assert {name: getattr(options, name) for name in senses} == senses
    assert (options.client, options.reconnect) == ("own", False)
    assert options.n_steer == params.get("n_steer", 7)


def test_a_bad_option_of_driving_is_refused_still() -> None:
    with pytest.raises(UserError, match=r"throttle_max 7\.0 is too large"):
        TrialConfig.for_driving({"throttle_max": 7.0})
    with pytest.raises(UserError, match="unknown parameter 'wings'"):
        TrialConfig.for_driving({"wings": 2})


def test_every_simulator_is_reached_before_the_first_step(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def no_model(*_: Any) -> None:
        raise AssertionError("torch is not wanted yet")

    monkeypatch.setattr("agent.evaluate_champion.make_evaluator", no_model)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    argv = ["--model", str(trained), "--results-dir", str(tmp_path / "results")]
    assert main([*argv, "--track", "warren", "--env", f"mini_monaco@{port}"]) == 3
    shown = capsys.readouterr()
    assert shown.out == "" and f"no simulator answers on 127.0.0.1:{port}" in shown.err
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("option", ["--results-dir", "--gif"])
def test_a_folder_that_cannot_be_is_said_before_anything_is_made(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "file").write_text("")
    argv = ["--model", str(trained), "--results-dir", str(tmp_path / "results")]
    said = refused(capsys, [*argv, option, str(tmp_path / "file" / "folder")])
    assert f"{option} " in said and "cannot be a folder" in said
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_episodes_are_the_judge_s_and_their_length_is_recorded(
    trained: Path, tmp_path: Path
) -> None:
    argv = ["--model", str(trained), "--results-dir", str(tmp_path), "--episodes", "1"]
    for length in ([], ["--max-episode-steps", "11"]):
        assert main([*argv, "--no-baselines", *length]) == 0
    lines = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").read_text().splitlines()]
    assert [line["max_episode_steps"] for line in lines] == [JUDGED_STEPS, 11]
    assert lines[0]["params"]["max_episode_steps"] == TINY["max_episode_steps"]


def test_a_gap_is_of_equally_many_steps() -> None:
    def score(*episodes: Episode) -> Score:
        return Score(world_named("donkey"), list(episodes))

    road = score(Episode(50.0, 50, "finished", cut_off=True))
    crash = score(Episode(30.0, 30, "off_track"))
    track = score(Episode(100.0, 100, cut_off=True))
    assert generalisation_gap([road], track) == 0.0
    assert generalisation_gap([track], road) == 0.0
    assert generalisation_gap([road], crash) == pytest.approx(20.0)
    assert generalisation_gap([track, road], crash) == pytest.approx(70.0)


def test_a_world_with_its_own_length_of_episodes_says_so(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(WORLDS, "line", "tests.line_world:WORLD")
    shutil.copy(trained / "model.zip", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(TrialConfig.of(world="line").to_params()))
    model = ["--model", str(tmp_path), "--trust", "--results-dir", str(tmp_path / "results")]
    said = refused(capsys, [*model, "--max-episode-steps", "50"])
    assert "--max-episode-steps 50 is not for world 'line'" in said
