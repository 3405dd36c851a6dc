"""Whole trials through the runner's own command line, on the embedded world, seconds long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from stable_baselines3 import DQN, PPO

from agent.donkeycar_sb3_runner import main
from agent.envs.donkey_env import DonkeyEnv
from agent.training import worlds
from agent.trials.config import TrialConfig

ROOT = Path(__file__).resolve().parents[1]
TINY = "--timesteps 64 --n-envs 2 --max-episode-steps 20 --eval-episodes 2 --evaluations 1 --device cpu".split()


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*TINY, "--save-dir", str(folder), *arguments])
    return code, json.loads((folder / "result.json").read_text())


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_runner_exits_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[DonkeyEnv] = []
    monkeypatch.setattr(DonkeyEnv, "close", lambda self: closed.append(self))
    code, result = run(tmp_path / "trial", "--timesteps", "100")
    assert code == 0
    assert len(closed) == 2 + 3 + 2, "training, choosing and judging worlds"
    assert PPO.load(tmp_path / "trial" / "model.zip", device="cpu").num_timesteps == 100
    assert PPO.load(tmp_path / "trial" / "last_model.zip", device="cpu").num_timesteps == 100
    assert result["run_status"] == "ok"
    assert result["cause"] is None
    assert result["mean_reward"] == pytest.approx(sum(result["score"]["episodes"]) / 2)
    assert {name: len(result["score"][name]) for name in ("episodes", "laps", "progress")} == dict.fromkeys(
        ("episodes", "laps", "progress"), 2
    )
    assert result["elapsed_sec"] > 0
    assert result["versions"]["torch"]
    assert list((tmp_path / "trial" / "tb").iterdir())
    assert len((tmp_path / "trial" / "progress.jsonl").read_text().splitlines()) == 1
    params = json.loads((tmp_path / "trial" / "config.json").read_text())
    assert TrialConfig.from_params(params).timesteps == 100


def test_same_seed_twice_gives_every_digit_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other = (run(tmp_path / name, "--seed", seed)[1] for name, seed in (("a", "3"), ("b", "3"), ("c", "4")))
    assert first["score"] == again["score"]
    assert first["mean_reward"] == again["mean_reward"] != other["mean_reward"]
    assert "episode 2: reward" in capsys.readouterr().out


def test_dqn_trains_on_the_bins_within_its_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(tmp_path, *"--agent dqn --n-steer 5 --n-throttle 2 --timesteps 64".split())
    assert code == 0
    assert result["run_status"] == "ok"
    assert DQN.load(tmp_path / "model.zip", device="cpu").action_space.n == 10  # type: ignore[attr-defined]
    assert "replay buffer: 64 transitions, 1.6 MB" in capsys.readouterr().out


def test_raw_camera_and_shaped_reward_train_as_well(tmp_path: Path) -> None:
    code, result = run(tmp_path, *"--observation raw --reward-shaping --timesteps 16 --log-steps 4".split())
    assert code == 0
    assert len(result["score"]["episodes"]) == 2


class NanReward(gymnasium.Wrapper):
    """Pays NaN from the tenth step on, in training only."""

    steps = 0

    def step(self, action: Any) -> Any:
        observation, _, terminated, truncated, info = self.env.step(action)
        self.steps += 1
        return observation, float("nan") if self.steps > 10 else 1.0, terminated, truncated, info


def test_nan_exits_4_and_keeps_a_finite_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = worlds.make_driver_env

    def poisoned(env_id: str, **options: Any) -> gymnasium.Env:
        env = healthy(env_id, **options)
        return env if options["reward"] == worlds.YARDSTICK else NanReward(env)

    monkeypatch.setattr(worlds, "make_driver_env", poisoned)
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
    monkeypatch.setattr(DonkeyEnv, "step", broken)
    code, result = run(tmp_path)
    assert code == 1
    assert (result["run_status"], result["mean_reward"]) == ("crashed", None)
    assert "the wheel came off" in result["cause"]
    assert "the wheel came off" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_trial_with_130_and_the_last_model(tmp_path: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "agent/donkeycar_sb3_runner.py", "--save-dir", str(tmp_path), "--timesteps", "500000"]
    process = subprocess.Popen(
        [*command, "--max-episode-steps", "20", "--log-steps", "1", "--device", "cpu"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line.startswith("training step") for line in process.stdout)
        process.send_signal(stop)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert json.loads((tmp_path / "result.json").read_text())["run_status"] == "interrupted"
    assert PPO.load(tmp_path / "last_model.zip", device="cpu").num_timesteps > 0
    assert output.splitlines()[-1].startswith("interrupted:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--env donkey-atlantis-v0", "donkey-atlantis-v0"),
        ("--env donkey-generated-track-v0@9091", "@9091"),
        ("--agent sac", "choose from ppo, dqn"),
        ("--reward fame", "choose from sim, speed, efficiency"),
        ("--timesteps -5", "timesteps -5 is too small"),
        ("--log-steps -1", "-1 is negative"),
        ("--learning-rate nan", "nan is not a finite number"),
        ("--learning-rate fast", "invalid float value: 'fast'"),
        ("--memory-limit lots", "write it as 8G or 900M"),
        ("--agent dqn --memory-limit 1M", "give at least"),
        ("--no-such-flag 1", "unrecognized arguments"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    assert said in refused(capsys, ["--save-dir", str(tmp_path / "trial"), *arguments.split()])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("here")
    assert "is a file" in refused(capsys, ["--save-dir", str(tmp_path / "file" / "trial")])
    assert "cannot be" in refused(capsys, ["--save-dir", "/proc/nowhere/trial"])
    assert "--save-dir" in refused(capsys, [])


def test_bad_input_is_answered_before_torch_is_imported(tmp_path: Path) -> None:
    probe = (
        "import sys; from agent.donkeycar_sb3_runner import main\n"
        "try: main(['--save-dir', sys.argv[1], '--env', 'donkey-atlantis-v0'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", probe, str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", f"after {time.monotonic() - started:.1f} s: {done.stderr}"
