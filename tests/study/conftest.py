from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.trials.record import Record


@pytest.fixture
def record() -> Callable[..., Record]:
    """Builds a record of a trial, with changes; without a score it needs another ``run_status``."""

    def make(trial: int = 1, mean_reward: float | None = 50.0, **changes: Any) -> Record:
        values: dict[str, Any] = {
            "trial": trial,
            "timestamp": "2026-04-13T03:14:15.926535",
            "params": TrialConfig.of().to_params(),
            "mean_reward": mean_reward,
            "std_reward": None if mean_reward is None else 2.0,
            "model_path": None,
            "champion": False,
            "elapsed_sec": 12.0,
            "run_status": "ok",
        }
        return Record(**(values | changes))

    return make
