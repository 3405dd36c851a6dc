"""Histories that a night may leave behind: duplicates, constants, NaN, ±1e12, one point, nothing but failures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agent.search.space import Space, sweep_space, trial_space
from agent.search.surrogate import Entry, Observation
from agent.study.spaces import space_named

SIZES = (0, 1, 2, 3, 7, 25)


def nasty_history(seed: int) -> tuple[Space, list[Entry]]:
    """A space and a history of it, another for each ``seed``."""
    rng = np.random.default_rng(seed)
    spaces = (trial_space(None, 5_000, 20_000), sweep_space(), space_named("full", "ppo", 1, 1))
    space = spaces[rng.integers(len(spaces))]
    points: list[dict[str, Any]] = [space.sample(rng) for _ in range(rng.integers(1, 6))]
    few = bool(rng.integers(2))  # distinct points, with duplicates
    kinds = rng.permutation(8)[: rng.integers(1, 4)]
    history: list[Entry] = []
    for _ in range(SIZES[rng.integers(len(SIZES))]):
        params = points[rng.integers(len(points))] if few else space.sample(rng)
        score: float | None = (
            5.0,
            0.0,
            math.nan,
            -math.inf,
            None,
            1e12,
            -1e12,
            float(rng.standard_normal()) * 10.0 ** float(rng.integers(-300, 300)),
        )[rng.choice(kinds)]
        std = (None, 0.0, math.nan, 1e12, 3.0)[rng.integers(5)]
        history.append(
            Observation(
                params,
                score,
                std,
                episodes=int(rng.integers(0, 6)),
                failed=bool(rng.random() < 0.2),
            )
            if rng.integers(2)
            else (params, score)
        )
    return space, history
