"""Alarms of the collapse guard, each at its own number, and the trial that one of them ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import main
from agent.training import collapse
from agent.training.collapse import CollapseGuard
from agent.training.metrics import RECENT_EPISODES, Metrics


class Logger(SimpleNamespace):
    """What a callback sees of SB3's logger."""

    def record(self, name: str, value: float) -> None:
        self.name_to_value[name] = value


def watched(
    course: Callable[[int], dict[str, float]], returns: Callable[[int], float] = lambda _: 1.0
) -> str | None:
    """Why a training of 10,000 steps stops whose logged numbers follow ``course``."""
    metrics = Metrics()
    guard = CollapseGuard(10_000, metrics)
    guard.model = SimpleNamespace(logger=Logger(name_to_value={}))  # type: ignore[assignment]
    for step in range(0, 10_001, 100):
        guard.num_timesteps = step
        guard.model.logger.name_to_value.update(course(step))
        metrics.recent.extend([returns(step)] * RECENT_EPISODES)
        guard._on_rollout_start()
        if not guard._on_step():
            return guard.reason
    return None


def test_a_healthy_training_is_left_alone() -> None:
    assert (
        watched(lambda step: {"debug/q_a1": step / 2000, "losses/loss_actor": -step / 2000}) is None
    )
    assert watched(lambda step: {"entropy_coef": 0.05 * 0.5 ** (step / 1000)}) is None
    assert watched(lambda _: {}, lambda step: step / 100) is None


@pytest.mark.parametrize(
    ("course", "words"),
    [
        (
            lambda step: {"debug/q_a1": 10.0 - 25.6 * step / 10_000 * 2},
            "worth of actions drifted from 4.88",
        ),
        (lambda step: {"losses/loss_actor": 20.0 if step > 3000 else 0.0}, "losses/loss_actor is"),
        (lambda step: {"losses/loss_critic": 1.002**step}, "losses/loss_critic is"),
        (
            lambda step: {"entropy_coef": 0.015 if step < 4000 else 0.22},
            "entropy's weight rose from 0.015",
        ),
    ],
)
def test_each_alarm_of_the_report_stops_training(
    course: Callable[[int], dict[str, float]], words: str
) -> None:
    reason = watched(course)
    assert reason is not None
    assert words in reason
    assert "\n" not in reason


def test_a_policy_that_is_lost_stops_training_and_a_short_dip_does_not() -> None:
    reason = watched(lambda _: {}, lambda step: 300.0 if step < 5000 else 40.0)
    assert reason is not None
    assert "return 40 after 300" in reason
    assert watched(lambda _: {}, lambda step: 40.0 if 5000 < step < 5800 else 300.0) is None


def test_a_collapsed_trial_ends_well_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Callable[..., TrialConfig]
) -> None:
    monkeypatch.setattr(collapse, "EXPLOSION", -1.0)
    monkeypatch.setattr(collapse, "LEAST_CHECKS", 1)
    config = tiny(timesteps=400, n_steps=16, evaluations=4)
    code = main(["--save-dir", str(tmp_path), *config.to_argv()])
    result: dict[str, Any] = json.loads((tmp_path / "result.json").read_text())
    assert (code, result["run_status"]) == (0, "ok")
    assert result["mean_reward"] is not None
    assert "it collapsed: losses/loss_actor is" in result["cause"]
    trained = json.loads((tmp_path / "progress.jsonl").read_text().splitlines()[-1])["timesteps"]
    assert trained < 400
