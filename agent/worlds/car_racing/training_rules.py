"""Rules of training's episodes beside Gymnasium's: when they are cut off, and what they pay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.worlds.car_racing.backend import FRAMES_PER_SEC
from agent.worlds.car_racing.exact.car import speeds_of

ALL_REWARD = 1000.0  # of a lap's tiles together; Gymnasium's
TILE = 3.5  # units of way from one tile to the next, about; Gymnasium's TRACK_DETAIL_STEP
LATE = 0.93  # share of the tiles from which on ``lap_patience`` counts; chosen


class TrainingRules(NamedTuple):
    """Rules of an episode beside Gymnasium's; by default there are none.

    :param patience: frames without a new tile after which it is cut off, 0 for never
    :param lap_patience: the same once nearly all tiles are touched, 0 for ``patience``
    :param patience_pays: it is over instead, and pays for the frames that were left
    :param speed_cost: share of the tiles' reward that the way along them costs in the end
    :param cost_steps: decisions of all cars in which that share grows from nothing, 0 for at once
    """

    patience: int = 0
    lap_patience: int = 0
    patience_pays: bool = False
    speed_cost: float = 0.0
    cost_steps: int = 0

    def lost(self, cars: NDArray[np.void], waited: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True (n,) for cars that have found no new tile for too long.

        :param cars: records ``CAR`` (n,)
        :param waited: frames since their last new tile (n,)
        """
        if not self.patience:
            return np.zeros(len(cars), dtype=np.bool_)
        late = cars["visited"] >= LATE * cars["tiles"]
        return waited >= np.where(late, self.lap_patience or self.patience, self.patience)

    def way_cost(
        self, cars: NDArray[np.void], frames: NDArray[np.int64], steps: int
    ) -> NDArray[np.float64]:
        """Points (n,) that the way of a decision costs, about: by the speed at its end.

        :param cars: records ``CAR`` (n,)
        :param frames: of the decision (n,)
        :param steps: decisions of all cars so far
        """
        share = self.speed_cost
        if steps < self.cost_steps:
            share *= steps / self.cost_steps
        way = speeds_of(cars) * frames / FRAMES_PER_SEC
        return share * ALL_REWARD / cars["tiles"] * way / TILE
