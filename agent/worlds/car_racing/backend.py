"""Cars that are moved and drawn, behind one protocol: our own CarRacing-v3, or Gymnasium's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SEC = 50
FRAME_REWARD = -0.1
MOST_FRAMES = 1000  # Gymnasium's time limit of the registered CarRacing-v3


class Moved(NamedTuple):
    """Outcome of a decision.

    :param rewards: sums over its frames (n,)
    :param frames: how many there were (n,)
    :param terminated: the episode ended by its own rules (n,)
    """

    rewards: NDArray[np.float64]
    frames: NDArray[np.int64]
    terminated: NDArray[np.bool_]


class Backend(Protocol):
    """Cars side by side, each on a track of its own."""

    @property
    def cars(self) -> NDArray[np.void]:
        """Records ``CAR`` of the cars as they are now (n,)."""

    def restart(self, k: int, seed: int) -> None:
        """Begins an episode of the ``k``-th car, as Gymnasium's ``reset(seed=seed)`` does."""

    def centre_line(self, k: int) -> NDArray[np.float64]:
        """Middle of the ``k``-th car's road, a point for each tile (tiles, 2), units."""

    def advance(self, commands: NDArray[np.float64], frames: NDArray[np.int64]) -> Moved:
        """Drives every car by some frames, fewer where its episode ends.

        :param commands: steering, gas and brake (n, 3), held for all of them
        :param frames: how many at most (n,)
        """

    def observe(self, out: NDArray[np.uint8], which: Sequence[int]) -> None:
        """Draws what learners see now.

        :param out: a picture for each of ``which`` (cars, channels, rows, columns)
        :param which: numbers of cars
        """

    def picture(self, k: int) -> NDArray[np.uint8]:
        """The whole picture of the ``k``-th car (96, 96, 3)."""

    def close(self) -> None:
        """Closes all that is open."""
