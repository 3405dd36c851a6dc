"""The race reward: metres gained, less the price of straying and of a crash."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.worlds.donkey.make_env import make_driver_env
from agent.worlds.donkey.rewards import CRASH_M, STRAYING_M, race_pay

TRACK = "donkey-generated-track-v0"
FULL_LOCK, STRAIGHT = (
    np.array([1.0, -0.4], dtype=np.float32),
    np.array([0.0, -0.4], dtype=np.float32),
)


@pytest.mark.parametrize(
    ("cte", "price"),
    [(0.0, 0.0), (5.6, 0.0), (6.8, 0.5 * STRAYING_M), (-6.8, 0.5 * STRAYING_M), (8.0, STRAYING_M)],
)
def test_straying_costs_nothing_where_it_is_safe_and_then_more_and_more(
    cte: float, price: float
) -> None:
    assert race_pay(0.2, cte, 8.0) == pytest.approx(0.2 - price)


def driven(action: Any, steps: int) -> tuple[list[float], dict[str, Any]]:
    """What an episode of at most so many steps is paid, and its last info."""
    env = make_driver_env(
        TRACK, reward="race", throttle_min=0.0, throttle_max=1.0, max_episode_steps=steps
    )
    paid, (_, info) = [], env.reset(seed=3)
    while info["end_reason"] is None:
        _, reward, _, _, info = env.step(action)
        paid.append(float(reward))
    return paid, info


def test_a_drive_earns_its_metres_and_a_crash_costs() -> None:
    paid, info = driven(STRAIGHT, 10)
    assert info["end_reason"] == "time_limit"
    assert sum(paid) == pytest.approx(info["net_progress_m"])
    paid, info = driven(STRAIGHT, 1000)
    assert info["end_reason"] == "off_track"
    assert paid[-1] == -CRASH_M
    assert sum(paid[:-1]) < info["net_progress_m"], "the way out was not free"


def test_circling_earns_nothing() -> None:
    paid, info = driven(FULL_LOCK, 1000)
    assert info["end_reason"] in ("no_progress", "off_track")
    assert sum(paid) < 0.0
