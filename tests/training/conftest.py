"""Settings of the room's tests: trials small enough to run by the dozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.config.trial import TrialConfig

TINY: dict[str, Any] = {
    "timesteps": 64,
    "n_envs": 2,
    "max_episode_steps": 20,
    "eval_episodes": 2,
    "evaluations": 2,
    "device": "cpu",
}


@pytest.fixture
def tiny() -> Callable[..., TrialConfig]:
    """Builds the smallest useful trial, with changes."""

    def build(**changes: Any) -> TrialConfig:
        return TrialConfig(**{**TINY, **changes})

    return build
