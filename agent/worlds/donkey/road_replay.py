"""Prioritised level replay (Jiang et al. 2021) over a pool of random roads: more of those that still teach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TEMPERATURE = 0.3  # a road's weight is rank ** (-1 / TEMPERATURE): the paper's 0.1 leaves a pool of hundreds unseen
STALE_SHARE = 0.1  # of the prioritised draws, by how long ago a road was driven
MEMORY = 0.5  # of a road's old score when a new one comes


class RoadReplay:
    """Draws roads by the scores that training gives them; those not driven yet come first.

    :param roads: how many there are
    :param share: of the draws that are prioritised, the others are even
    """

    def __init__(self, roads: int, share: float) -> None:
        self.share = share
        self.scores: NDArray[np.float64] = np.full(roads, np.inf)
        self._driven_at: NDArray[np.int64] = np.zeros(roads, dtype=np.int64)
        self._clock = 0

    def draw(self, rng: np.random.Generator) -> int:
        """The road of the next episode."""
        self._clock += 1
        road = int(rng.integers(len(self.scores)))
        if rng.random() < self.share:
            road = int(rng.choice(len(self.scores), p=self.chances()))
        self._driven_at[road] = self._clock
        return road

    def chances(self) -> NDArray[np.float64]:
        """Chances (roads,) of a prioritised draw."""
        rank = np.empty(len(self.scores))
        rank[np.argsort(-self.scores, kind="stable")] = np.arange(1, len(self.scores) + 1)
        weight = rank ** (-1.0 / TEMPERATURE)
        stale = (self._clock - self._driven_at).astype(float)
        return (1.0 - STALE_SHARE) * weight / weight.sum() + STALE_SHARE * stale / max(
            stale.sum(), 1e-9
        )

    def note(self, roads: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """What a rollout's steps (n,) say of the roads (n,) they were driven on: how much there is to learn."""
        for road in np.unique(roads):
            fresh = float(scores[roads == road].mean())
            old = self.scores[road]
            self.scores[road] = fresh if np.isinf(old) else MEMORY * old + (1.0 - MEMORY) * fresh
