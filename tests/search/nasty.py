"""Histories that a study may leave behind: duplicates, constants, NaN, ±1e12, failures only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from agent.search.parameter import Choice, Range
from agent.search.space import Space
from agent.search.surrogate import Entry, Observation
from tests.search.example_spaces import BOTH_AGENTS, DQN, RATE

SIZES = (0, 1, 2, 3, 7, 25)
WIDE = Space(
    (
        RATE,
        Range("timesteps", 1, 1, log=True, integer=True),
        Choice("reward", ("sim", "speed", "efficiency")),
        Choice("reward_shaping", (True, False), when=("reward", "sim")),
        Choice("n_envs", (8, 16, 32, 64)),
        Range("gamma", 0.95, 0.995),
        Range("n_steps", 16, 256, log=True, integer=True),
        Range("ent_coef", 1e-5, 0.1, log=True),
        Range("log_std_init", -3.0, 0.0),
        Choice("net_width", (32, 64, 128, 256)),
    )
)


def nasty_history(seed: int) -> tuple[Space, list[Entry]]:
    """A space and a history of it, another for each ``seed``."""
    rng = np.random.default_rng(seed)
    space = (BOTH_AGENTS, DQN, WIDE)[rng.integers(3)]
    points = [space.sample(rng) for _ in range(rng.integers(1, 6))]
    few = bool(rng.integers(2))  # distinct points, with duplicates
    kinds = rng.permutation(8)[: rng.integers(1, 4)]
    history: list[Entry] = []
    for _ in range(SIZES[rng.integers(len(SIZES))]):
        params = points[rng.integers(len(points))] if few else space.sample(rng)
        history.append(_entry(params, kinds, rng))
    return space, history


def _entry(params: dict[str, Any], kinds: Any, rng: np.random.Generator) -> Entry:
    size = 10.0 ** float(rng.integers(-300, 300))
    scores = (5.0, 0.0, math.nan, -math.inf, None, 1e12, -1e12, rng.standard_normal() * size)
    score = scores[rng.choice(kinds)]
    if rng.integers(2):
        return params, score
    std = (None, 0.0, math.nan, 1e12, 3.0)[rng.integers(5)]
    episodes = int(rng.integers(0, 6))
    return Observation(params, score, std, episodes, failed=bool(rng.random() < 0.2))
