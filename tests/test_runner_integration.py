"""One trial end to end through the real command line on the embedded world (TC-005)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agent import donkeycar_sb3_runner, evaluate_champion
from agent.config.flat import arguments_of
from agent.simulator.fleet import Fleet
from tests.conftest import TINY

ROOT = Path(__file__).parents[1]
SMALL_DQN = ["--agent", "dqn", "--batch-size", "16", "--gradient-steps", "2"]


def run(folder: Path, *options: str) -> int:
    argv = [*arguments_of({**TINY, "evaluations": 1}), "--save-dir", str(folder), *options]
    try:
        return donkeycar_sb3_runner.main(argv)
    except SystemExit as stopped:
        return int(stopped.code or 0)


def result(folder: Path) -> dict[str, Any]:
    written: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return written


def test_runner_exits_cleanly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stable_baselines3 import PPO

    assert run(tmp_path, "--agent", "ppo", "--learning-rate", "0.0007") == 0
    seen = result(tmp_path)
    assert seen["run_status"] == "ok"
    assert len(seen["score"]["episodes"]) == 2
    assert PPO.load(tmp_path / "model.zip").learning_rate == 0.0007
    assert (tmp_path / "last_model.zip").is_file()
    assert (tmp_path / "progress.jsonl").is_file()
    assert list((tmp_path / "tb").glob("events*"))
    assert "episode 1: reward" in capsys.readouterr().out


def test_same_seed_same_digits_and_another_seed_differs(tmp_path: Path) -> None:
    means = []
    for k, seed in enumerate((3, 3, 4)):
        assert run(tmp_path / str(k), "--seed", str(seed), "--reward-shaping") == 0
        means.append(result(tmp_path / str(k))["mean_reward"])
    assert means[0] == means[1] != means[2]


@pytest.mark.parametrize("agent", [["--agent", "ppo"], SMALL_DQN], ids=["ppo", "dqn"])
def test_deterministic_runs_repeat_to_the_last_digit_of_every_weight(
    tmp_path: Path, agent: list[str]
) -> None:
    import torch

    seen = []
    try:
        for k in range(2):
            assert run(tmp_path / str(k), *agent, "--deterministic", "--seed", "5") == 0
            assert torch.are_deterministic_algorithms_enabled()
            with zipfile.ZipFile(tmp_path / str(k) / "last_model.zip") as model:
                seen.append((model.read("policy.pth"), result(tmp_path / str(k))["score"]))
    finally:
        torch.use_deterministic_algorithms(False)
    assert seen[0] == seen[1]


def test_dqn_learns_on_the_discretised_actions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from stable_baselines3 import DQN

    bins = ["--n-steer", "5", "--n-throttle", "2"]
    assert run(tmp_path, *SMALL_DQN, *bins, "--log-steps", "10") == 0
    assert str(DQN.load(tmp_path / "model.zip").action_space) == "Discrete(10)"
    output = capsys.readouterr().out
    assert "replay buffer: 64 transitions" in output
    assert "step 10: reward" in output


def test_a_trial_is_repeated_from_its_own_configuration(tmp_path: Path) -> None:
    first = tmp_path / "first"
    assert run(first, "--crossroads", "0.5", "--taught", "0.5", "--n-envs", "3") == 0
    assert run(tmp_path / "second", "--config", str(first / "config.json")) == 0
    assert result(tmp_path / "second")["score"] != result(first)["score"], "two environments"
    argv = ["--config", str(first / "config.json"), "--save-dir", str(tmp_path / "third")]
    assert donkeycar_sb3_runner.main(argv) == 0
    assert result(tmp_path / "third")["score"] == result(first)["score"]
    assert json.loads((first / "config.json").read_text())["narrow_crossing_share"] == 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--env", "donkey-atlantis-v0"], "donkey-atlantis-v0"),
        (["--env", "donkey-generated-track-v0@99999"], "99999"),
        (["--agent", "sarsa"], "'sarsa'"),
        (["--world", "moon"], "world 'moon' is unknown"),
        (["--reward", "fame"], "'fame'"),
        (["--timesteps", "-5"], "-5"),
        (["--timesteps", "many"], "'many' is no whole number"),
        (["--learning-rate", "nan"], "nan"),
        (["--memory-limit", "lots"], "'lots'"),
        (["--warm-start", "nowhere.zip"], "--warm-start nowhere.zip does not exist"),
        (["--config", "nowhere.toml"], "config nowhere.toml cannot be read"),
        (["--resume", "nowhere"], "not allowed with argument --save-dir"),
        (["--wings", "2"], "--wings"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    folder = tmp_path / "trial"
    assert run(folder, *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not folder.exists()


def test_no_folder_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        donkeycar_sb3_runner.main([])
    assert stopped.value.code == 2
    assert "give --save-dir DIR, or --resume DIR" in capsys.readouterr().err


def test_printing_the_configuration_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "trial"
    assert run(folder, "--print-config") == 0
    assert "timesteps = 64\n" in capsys.readouterr().out
    assert not folder.exists()


def test_sigterm_leaves_a_result_and_exit_130(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "agent" / "donkeycar_sb3_runner.py")]
    command += arguments_of({**TINY, "timesteps": 500_000})
    command += ["--log-steps", "1", "--save-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as trial:
        try:
            assert trial.stdout is not None
            while not trial.stdout.readline().startswith("training step"):
                assert trial.poll() is None
            trial.send_signal(signal.SIGTERM)
            trial.communicate()
        finally:
            trial.kill()
    assert trial.returncode == 130
    assert result(tmp_path)["run_status"] == "interrupted"
    assert (tmp_path / "last_model.zip").is_file()


def test_a_trial_that_is_asked_to_stop_saves_its_model_and_exits_with_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Fleet.step

    def asked(self: Fleet, *given: Any) -> Any:
        (tmp_path / "stop.txt").write_text("it was below the median")
        return whole(self, *given)

    monkeypatch.setattr(Fleet, "step", asked)
    assert run(tmp_path) == 5
    outcome = result(tmp_path)
    assert (outcome["run_status"], outcome["mean_reward"]) == ("pruned", None)
    assert outcome["cause"] == "it was below the median"
    assert (tmp_path / "last_model.zip").is_file()


def test_champion_is_judged_on_an_unseen_track(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "trial") == 0
    arguments = ["--model", str(tmp_path / "trial" / "model.zip"), "--track", "mountain_track"]
    arguments += ["--episodes", "2", "--results-dir", str(tmp_path / "results")]
    assert evaluate_champion.main(arguments) == 0
    table = capsys.readouterr().out
    assert "donkey-mountain-track-v0" in table
    assert "generalisation gap" in table
    lines = (tmp_path / "results" / "evaluations.jsonl").read_text().splitlines()
    assert ["mean_reward" in json.loads(line) for line in lines] == [True, True]
