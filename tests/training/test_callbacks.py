from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from agent.config import files
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import Episode, Score
from agent.training import callbacks
from agent.training import run as trial
from agent.training.algorithms import build
from agent.training.algorithms.adam import RowAdam
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.callbacks import (
    CheckpointChooser,
    Diverged,
    FiniteGuard,
    ProgressDisplay,
    ProgressLines,
    Pruned,
    StepLog,
)
from agent.training.vec_envs import make_evaluation_worlds, make_training_worlds
from agent.trials.progress import read_rungs


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


def test_the_guard_stops_at_nan_parameters_and_restores_the_last_finite_ones(
    tiny: Callable[..., TrialConfig],
) -> None:
    worlds = make_training_worlds(tiny(), 0.98)
    model, guard = build(tiny(), worlds), FiniteGuard()
    with pytest.raises(Diverged, match="at step 64"):
        model.learn(64, callback=[Poison(after_learning=True), guard])
    assert guard.fault() is not None
    guard.restore()
    assert guard.fault() is None
    worlds.close()


def test_nan_in_the_update_is_divergence_too(
    tiny: Callable[..., TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "progress_callback", lambda _: Poison(after_learning=False))
    with pytest.raises(Diverged, match="nan at step 32"):
        trial.run_trial(tiny(), tmp_path)
    model = PPO.load(tmp_path / "model.zip", device="cpu")
    assert all(bool(parameter.isfinite().all()) for parameter in model.policy.parameters())


@pytest.mark.parametrize(("latest", "kept"), [(False, 512), (True, 1024)])
def test_the_chooser_keeps_the_best_of_the_checkpoints_not_the_last_unless_told(
    tiny: Callable[..., TrialConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    latest: bool,
    kept: int,
) -> None:
    rewards, steps = iter([1.0, 5.0, 3.0, 2.0]), []
    config = tiny(timesteps=1024, n_envs=2, evaluations=4)
    worlds, choosing = (
        make_training_worlds(config, config.gamma),
        make_evaluation_worlds(config, config.env, 1),
    )
    model = build(config, worlds)

    def scripted(model: PPO, *_: object) -> Score:
        steps.append(model.num_timesteps)
        return Score([Episode(next(rewards), 1, 0.0, 0)])

    monkeypatch.setattr(callbacks, "evaluate", scripted)
    model.learn(1024, callback=CheckpointChooser(tmp_path, choosing, 1, 1024, 4, latest))
    lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert steps == [256, 512, 768, 1024]
    assert [(line["mean_reward"], line["best"]) for line in lines] == [
        (1.0, True),
        (5.0, True),
        (3.0, latest),
        (2.0, latest),
    ]
    assert PPO.load(tmp_path / "model.zip", device="cpu").num_timesteps == kept
    worlds.close()
    choosing.close()


def test_what_is_kept_is_the_average_and_training_goes_on_from_the_latest(
    tiny: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    config = tiny(averaged=0.5, timesteps=256, batch_size=16)
    trial.run_trial(config, tmp_path)
    latest, kept = (
        FastPPO.load(tmp_path / name, device="cpu").policy for name in (files.LAST_MODEL, files.MODEL)
    )
    optimizer = latest.optimizer
    assert isinstance(optimizer, RowAdam)
    weights = torch.cat([parameter.detach().flatten() for parameter in kept.parameters()])
    assert not torch.equal(weights, optimizer.row)
    assert torch.equal(weights, optimizer.state[optimizer.row]["average"])


@pytest.mark.parametrize(
    ("evaluations", "seen"), [(1, [256, 512, 1024]), (3, [256, 384, 512, 768, 1024])]
)
def test_rungs_are_evaluated_whatever_else_is(
    tiny: Callable[..., TrialConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    evaluations: int,
    seen: list[int],
) -> None:
    config, steps = tiny(timesteps=1024, n_envs=2, n_steps=64), list[int]()
    worlds, choosing = (
        make_training_worlds(config, config.gamma),
        make_evaluation_worlds(config, config.env, 1),
    )
    model = build(config, worlds)

    def noted(model: PPO, *_: object) -> Score:
        steps.append(model.num_timesteps)
        return Score([Episode(1.0, 1, 0.0, 0)])

    monkeypatch.setattr(callbacks, "evaluate", noted)
    model.learn(1024, callback=CheckpointChooser(tmp_path, choosing, 1, 1024, evaluations))
    assert steps == seen
    rungs = read_rungs(tmp_path, 1024)
    assert [(rung.share, rung.timesteps) for rung in rungs] == [
        (0.25, 256),
        (0.5, 512),
        (1.0, 1024),
    ]
    worlds.close()
    choosing.close()


def test_the_controllers_word_ends_training_at_the_next_step(
    tiny: Callable[..., TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*_: object) -> Score:
        (tmp_path / files.STOP).write_text("below the median\n")
        return Score([Episode(1.0, 1, 0.0, 0)])

    monkeypatch.setattr(callbacks, "evaluate", told)
    (tmp_path / files.STOP).write_text("of a trial before")
    with pytest.raises(Pruned, match=r"^below the median$"):
        trial.run_trial(tiny(timesteps=1024, n_steps=64), tmp_path)
    assert PPO.load(tmp_path / "model.zip", device="cpu").num_timesteps == 256
    assert PPO.load(tmp_path / "last_model.zip", device="cpu").num_timesteps == 258


def test_a_log_gets_a_line_per_tenth_and_rewards_on_request(
    tiny: Callable[..., TrialConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    worlds = make_training_worlds(tiny(), 0.98)
    build(tiny(), worlds).learn(64, callback=[ProgressLines(64), StepLog(8)])
    lines = capsys.readouterr().out.splitlines()
    assert sum("ETA" in line for line in lines) == 10
    assert [line.split(":")[0] for line in lines if "reward " in line and "ETA" not in line] == [
        f"training step {step}" for step in (16, 32, 48, 64)
    ]
    worlds.close()


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(callbacks.progress_callback(10), ProgressLines)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert isinstance(callbacks.progress_callback(10), ProgressDisplay)


def test_the_bar_counts_to_the_end_and_gives_the_terminal_back(
    tiny: Callable[..., TrialConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    worlds, display = make_training_worlds(tiny(), 0.98), ProgressDisplay(64)
    build(tiny(), worlds).learn(64, callback=display)
    assert display.bar is None
    assert "64/64" in capsys.readouterr().out
    worlds.close()
