"""What a trial leaves behind however it ends: closed environments, a result, a finite model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agent.donkeycar_sb3_runner import main
from agent.simulator.fleet import Fleet
from agent.training import run as trial
from agent.training.vec_envs import TrainingEnvs, make_training_envs
from agent.worlds.donkey.env import DonkeyEnv
from tests.conftest import TINY

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = [
    part for name, value in TINY.items() for part in (f"--{name.replace('_', '-')}", str(value))
]


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*ARGUMENTS, "--evaluations", "1", "--save-dir", str(folder), *arguments])
    return code, json.loads((folder / "result.json").read_text())


def is_finite(path: Path) -> bool:
    policy = PPO.load(path, device="cpu").policy
    return all(bool(parameter.isfinite().all()) for parameter in policy.parameters())


def test_every_environment_is_closed_and_the_timesteps_are_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[DonkeyEnv] = []
    monkeypatch.setattr(DonkeyEnv, "close", lambda self: closed.append(self))
    code, result = run(tmp_path, "--timesteps", "96")
    assert code == 0
    assert len(closed) == 2 + 3 + 2, "of training, choosing and judging"
    assert PPO.load(tmp_path / "last_model.zip", device="cpu").num_timesteps == 96
    best = PPO.load(tmp_path / "model.zip", device="cpu")
    assert 0 < best.num_timesteps <= 96
    assert result["mean_reward"] == pytest.approx(sum(result["score"]["episodes"]) / 2)
    assert result["versions"]["torch"]


@pytest.mark.parametrize(
    "agent", [["ppo"], ["dqn", "--batch-size", "4", "--gradient-steps", "1"]], ids=["ppo", "dqn"]
)
def test_raw_camera_and_shaped_reward_train_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], agent: list[str]
) -> None:
    raw = ["--agent", *agent, "--observation", "raw", "--max-episode-steps", "5"]
    code, result = run(tmp_path, *raw, "--reward-shaping", "--timesteps", "16", "--log-steps", "4")
    assert code == 0
    assert len(result["score"]["episodes"]) == 2
    assert "training step 8: reward" in capsys.readouterr().out


class NanRewards(VecEnvWrapper):
    """Environments whose rewards are NaN."""

    def reset(self) -> VecEnvObs:
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, np.full_like(rewards, np.nan), dones, infos


def with_nan_rewards(*given: Any) -> TrainingEnvs:
    training = make_training_envs(*given)
    training.vec_env.venv = NanRewards(training.vec_env.venv)
    return training


def test_nan_exits_4_and_keeps_a_finite_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "make_training_envs", with_nan_rewards)
    code, result = run(tmp_path)
    assert code == 4
    assert result["run_status"] == "diverged"
    assert "nan" in result["cause"]
    assert result["mean_reward"] is None
    assert is_finite(tmp_path / "model.zip")
    assert is_finite(tmp_path / "last_model.zip")


def test_a_crash_leaves_its_cause_and_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("the wheel came off")

    (tmp_path / "result.json").write_text('{"run_status": "ok", "mean_reward": 999}')
    monkeypatch.setattr(Fleet, "step", broken)
    code, result = run(tmp_path, "--overwrite")
    assert code == 1
    assert (result["run_status"], result["mean_reward"]) == ("crashed", None)
    assert "the wheel came off" in result["cause"]
    assert "the wheel came off" in capsys.readouterr().err


def test_ctrl_c_ends_the_trial_with_130_and_restores_the_handlers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Fleet.step
    before = signal.getsignal(signal.SIGINT)

    def pressed(self: Fleet, *given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return whole(self, *given)

    monkeypatch.setattr(Fleet, "step", pressed)
    code, result = run(tmp_path)
    assert code == 130
    assert result["run_status"] == "interrupted"
    assert (tmp_path / "last_model.zip").exists()
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("folder", ["file/trial", "/proc/nowhere/trial"])
def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(SystemExit) as caught:
        main([*ARGUMENTS, "--save-dir", str(tmp_path / folder)])
    assert caught.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "choose another" in line


def test_a_memory_limit_below_one_batch_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = ["--save-dir", str(tmp_path / "trial"), "--agent", "dqn", "--memory-limit", "1M"]
    with pytest.raises(SystemExit) as caught:
        main([*ARGUMENTS, *trial])
    assert caught.value.code == 2
    assert "give at least" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_answered_before_torch_is_imported(tmp_path: Path) -> None:
    probe = (
        "import sys; from agent.donkeycar_sb3_runner import main\n"
        "try: main(['--save-dir', sys.argv[1], '--env', 'donkey-atlantis-v0'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", probe, str(tmp_path / "x")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
