"""What the runner leaves behind however a trial ends: closed worlds, a result, a finite model."""

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

from agent.donkeycar_sb3_runner import main
from agent.simulator.fleet import Fleet
from agent.training import vec_envs as worlds
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.vector_env import DonkeyVectorEnv

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--timesteps", "64", "--n-envs", "2", "--max-episode-steps", "20", "--eval-episodes", "2"]
TINY += ["--evaluations", "1", "--device", "cpu"]


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*TINY, "--save-dir", str(folder), *arguments])
    return code, json.loads((folder / "result.json").read_text())


def test_every_world_is_closed_and_the_timesteps_are_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[DonkeyEnv] = []
    monkeypatch.setattr(DonkeyEnv, "close", lambda self: closed.append(self))
    code, result = run(tmp_path, "--timesteps", "96")
    assert code == 0
    assert len(closed) == 2 + 3 + 2, "training, choosing and judging worlds"
    assert PPO.load(tmp_path / "last_model.zip", device="cpu").num_timesteps == 96
    assert 0 < PPO.load(tmp_path / "model.zip", device="cpu").num_timesteps <= 96, (
        "the best checkpoint"
    )
    assert result["mean_reward"] == pytest.approx(sum(result["score"]["episodes"]) / 2)
    assert result["versions"]["torch"]


@pytest.mark.parametrize("agent", ["ppo", "dqn"])
def test_raw_camera_and_shaped_reward_train_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], agent: str
) -> None:
    raw = ["--agent", agent, "--observation", "raw"]
    code, result = run(tmp_path, *raw, "--reward-shaping", "--timesteps", "16", "--log-steps", "4")
    assert code == 0
    assert len(result["score"]["episodes"]) == 2
    assert "training step 8: reward" in capsys.readouterr().out


def nan_in_training(batch: DonkeyVectorEnv, *seen: Any) -> Any:
    """NaN instead of rewards, but where a driver is judged."""
    rewards = HEALTHY(batch, *seen)
    return rewards if batch.reward == worlds.YARDSTICK else np.full_like(rewards, np.nan)


HEALTHY = DonkeyVectorEnv._rewards


def test_nan_exits_4_and_keeps_a_finite_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DonkeyVectorEnv, "_rewards", nan_in_training)
    code, result = run(tmp_path)
    assert code == 4
    assert result["run_status"] == "diverged"
    assert "nan" in result["cause"]
    assert result["mean_reward"] is None
    for name in ("model.zip", "last_model.zip"):
        model = PPO.load(tmp_path / name, device="cpu")
        assert all(bool(parameter.isfinite().all()) for parameter in model.policy.parameters())


def test_a_crash_leaves_its_cause_and_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("the wheel came off")

    (tmp_path / "result.json").write_text('{"run_status": "ok", "mean_reward": 999}')
    monkeypatch.setattr(Fleet, "step", broken)
    code, result = run(tmp_path)
    assert code == 1
    assert (result["run_status"], result["mean_reward"]) == ("crashed", None)
    assert "the wheel came off" in result["cause"]
    assert "the wheel came off" in capsys.readouterr().err


def test_ctrl_c_ends_the_trial_with_130_and_restores_the_handlers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, before = Fleet.step, signal.getsignal(signal.SIGINT)

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
        main([*TINY, "--save-dir", str(tmp_path / folder)])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "choose another" in lines[0]


def test_a_memory_limit_below_one_batch_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(
            [*TINY, "--save-dir", str(tmp_path / "trial"), "--agent", "dqn", "--memory-limit", "1M"]
        )
    assert caught.value.code == 2
    assert "give at least" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_answered_before_torch_is_imported(tmp_path: Path) -> None:
    probe = (
        "import sys; from agent.donkeycar_sb3_runner import main\n"
        "try: main(['--save-dir', sys.argv[1], '--env', 'donkey-atlantis-v0'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
