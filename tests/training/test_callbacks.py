"""Callbacks that end a training: NaN and the controller's stop file; and the log of steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from agent.config import files
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Score
from agent.training import checkpoint_chooser, run
from agent.training.algorithms import build
from agent.training.callbacks import Diverged, FiniteGuard, Pruned, StepLog
from agent.training.vec_envs import make_training_envs
from tests.training.scores import score_of

Build = Callable[..., TrialConfig]


class Poison(BaseCallback):
    """Puts NaN into the policy at the end of a rollout, or right after it has learned from one."""

    def __init__(self, *, after_learning: bool) -> None:
        super().__init__()
        self.after_learning = after_learning

    def _poison(self) -> None:
        with torch.no_grad():
            next(self.model.policy.parameters()).view(-1)[0] = float("nan")

    def _on_rollout_end(self) -> None:
        if not self.after_learning:
            self._poison()

    def _on_training_end(self) -> None:
        self._poison()

    def _on_step(self) -> bool:
        return True


def test_the_guard_stops_at_nan_parameters_and_restores_the_last_finite_ones(tiny: Build) -> None:
    training = make_training_envs(tiny())
    model = build(tiny(), training)
    guard = FiniteGuard()
    with pytest.raises(Diverged, match="at step 64"):
        model.learn(64, callback=[Poison(after_learning=True), guard])
    assert guard.fault() is not None
    guard.restore()
    assert guard.fault() is None
    training.vec_env.close()


def test_nan_in_the_update_is_divergence_too(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "progress_callback", lambda _: Poison(after_learning=False))
    with pytest.raises(Diverged, match="nan at step 32"):
        run.run_trial(tiny(), tmp_path)
    model = PPO.load(tmp_path / files.MODEL, device="cpu")
    assert all(bool(parameter.isfinite().all()) for parameter in model.policy.parameters())


def test_the_controllers_stop_file_ends_training_at_the_next_step(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> Score:
        (tmp_path / files.STOP).write_text("below the median\n")
        return score_of(1.0)

    monkeypatch.setattr(checkpoint_chooser, "evaluate", stop)
    (tmp_path / files.STOP).write_text("of a trial before")
    with pytest.raises(Pruned, match=r"^below the median$"):
        run.run_trial(tiny(timesteps=1024, n_steps=64), tmp_path)
    assert PPO.load(tmp_path / files.MODEL, device="cpu").num_timesteps == 256
    assert PPO.load(tmp_path / files.LAST_MODEL, device="cpu").num_timesteps == 258


def test_a_log_has_every_so_many_steps_rewards(
    tiny: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    training = make_training_envs(tiny())
    build(tiny(), training).learn(64, callback=StepLog(8))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"training step {step}" for step in (16, 32, 48, 64)
    ]
    assert all(len(line.split("reward ")[1].split()) == 2 for line in lines)
    training.vec_env.close()
