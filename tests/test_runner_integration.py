"""One trial end to end through the real command line on the embedded world (TC-005)."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from agent import donkeycar_sb3_runner, evaluate_champion

ROOT = Path(__file__).parents[1]
TINY = [
    "--timesteps", "64", "--n-envs", "2", "--max-episode-steps", "20", "--eval-episodes", "2", "--evaluations", "1",
]  # fmt: skip


def run(folder: Path, *options: str) -> int:
    return donkeycar_sb3_runner.main([*TINY, "--save-dir", str(folder), *options])


def result(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text())


def test_runner_exits_cleanly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from stable_baselines3 import PPO

    assert run(tmp_path, "--agent", "ppo", "--learning-rate", "0.0007") == 0
    seen = result(tmp_path)
    assert seen["run_status"] == "ok" and len(seen["score"]["episodes"]) == 2
    assert PPO.load(tmp_path / "model.zip").learning_rate == 0.0007
    assert (tmp_path / "last_model.zip").is_file() and (tmp_path / "progress.jsonl").is_file()
    assert list((tmp_path / "tb").glob("events*"))
    assert "episode 1: reward" in capsys.readouterr().out


def test_same_seed_same_digits_and_another_seed_differs(tmp_path: Path) -> None:
    means = []
    for k, seed in enumerate((3, 3, 4)):
        assert run(tmp_path / str(k), "--seed", str(seed), "--reward-shaping") == 0
        means.append(result(tmp_path / str(k))["mean_reward"])
    assert means[0] == means[1] != means[2]


@pytest.mark.parametrize("agent", ["ppo", "dqn"])
def test_deterministic_runs_repeat_to_the_last_digit_of_every_weight(
    tmp_path: Path, agent: str
) -> None:
    import torch

    seen = []
    try:
        for k in range(2):
            assert run(tmp_path / str(k), "--agent", agent, "--deterministic", "--seed", "5") == 0
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

    assert (
        run(tmp_path, "--agent", "dqn", "--n-steer", "5", "--n-throttle", "2", "--log-steps", "10")
        == 0
    )
    assert str(DQN.load(tmp_path / "model.zip").action_space) == "Discrete(10)"
    output = capsys.readouterr().out
    assert "replay buffer: 64 transitions" in output
    assert "step 10: reward" in output or "step 10" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--env", "donkey-atlantis-v0"], "donkey-atlantis-v0"),
        (["--env", "donkey-generated-track-v0@99999"], "99999"),
        (["--agent", "sarsa"], "'sarsa'"),
        (["--reward", "fame"], "'fame'"),
        (["--timesteps", "-5"], "-5"),
        (["--learning-rate", "nan"], "nan"),
        (["--memory-limit", "lots"], "'lots'"),
        (["--wings", "2"], "--wings"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    folder = tmp_path / "trial"
    try:
        code = run(folder, *options)
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and message in lines[0]
    assert not folder.exists()


def test_nan_in_training_keeps_the_last_finite_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from stable_baselines3 import PPO

    from agent.training.algorithms.fast_ppo import FastPPO

    learn = FastPPO.train

    def train(self: FastPPO) -> None:
        learn(self)
        if self.num_timesteps >= 128:
            with torch.no_grad():
                next(self.policy.parameters()).fill_(float("nan"))

    monkeypatch.setattr(FastPPO, "train", train)
    assert run(tmp_path, "--timesteps", "4096", "--n-envs", "8") == 4
    assert result(tmp_path)["run_status"] == "diverged"
    assert result(tmp_path)["mean_reward"] is None
    weights = PPO.load(tmp_path / "model.zip").policy.parameters()
    assert all(torch.isfinite(weight).all() for weight in weights)


def test_sigterm_leaves_a_result_and_exit_130(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "agent/donkeycar_sb3_runner.py"), "--timesteps", "500000"]
    command += ["--log-steps", "1"]
    with subprocess.Popen(
        [*command, "--save-dir", str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as trial:
        assert trial.stdout is not None
        deadline = time.monotonic() + 60
        for line in trial.stdout:
            if line.startswith("training step") or time.monotonic() > deadline:
                break
        trial.send_signal(signal.SIGTERM)
        assert trial.wait(30) == 130
    assert result(tmp_path)["run_status"] == "interrupted"
    assert (tmp_path / "last_model.zip").is_file()


def test_a_trial_that_is_told_to_stop_saves_its_model_and_exits_with_5(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "agent/donkeycar_sb3_runner.py"),
        "--timesteps",
        "500000",
        "--log-steps",
        "1",
    ]
    with subprocess.Popen(
        [*command, "--save-dir", str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as trial:
        assert trial.stdout is not None
        for line in trial.stdout:
            if line.startswith("training step"):
                break
        (tmp_path / "stop.txt").write_text("it was below the median")
        trial.stdout.read()
        assert trial.wait() == 5  # long before its 500,000 steps are over
    told = result(tmp_path)
    assert (told["run_status"], told["cause"], told["mean_reward"]) == (
        "pruned",
        "it was below the median",
        None,
    )
    assert (tmp_path / "last_model.zip").is_file()


def test_champion_is_judged_on_an_unseen_track(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "trial") == 0
    arguments = [
        "--model",
        str(tmp_path / "trial/model.zip"),
        "--track",
        "mountain_track",
        "--episodes",
        "2",
    ]
    assert evaluate_champion.main([*arguments, "--results-dir", str(tmp_path / "results")]) == 0
    table = capsys.readouterr().out
    assert "donkey-mountain-track-v0" in table and "gap" in table.lower()
    lines = (tmp_path / "results/evaluations.jsonl").read_text().splitlines()
    assert len(lines) >= 1 and all("mean_reward" in json.loads(line) for line in lines)


@pytest.mark.parametrize("content", [None, b"not a zip"])
def test_missing_or_foreign_model_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    model = tmp_path / "model.zip"
    if content:
        model.write_bytes(content)
    arguments = [
        "--model",
        str(model),
        "--track",
        "mountain_track",
        "--results-dir",
        str(tmp_path / "r"),
    ]
    assert evaluate_champion.main(arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "model.zip" in lines[0]
