from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.config.trial import TrialConfig
from agent.trials.record import Record


@pytest.fixture
def record() -> Callable[..., Record]:
    def make(trial: int = 1, mean_reward: float | None = 50.0, **changes: Any) -> Record:
        values: dict[str, Any] = {
            "trial": trial,
            "timestamp": "2026-04-13T03:14:15.926535",
            "params": TrialConfig.of().to_params(),
            "mean_reward": mean_reward,
            "std_reward": 1.0,
            "model_path": None,
            "champion": False,
            "elapsed_sec": 1.5,
            "run_status": "ok",
        }
        return Record(**(values | changes))

    return make
