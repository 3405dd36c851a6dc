"""Stacks of the last frames of n environments, some steps apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class FrameStacks:
    """Stacks (n, frames, rows, columns[, 3]) uint8, the newest frame last.

    ``newest`` are the stacks of the last step. Each step has an array of its own, because learners
    keep them.

    :param n: environments
    :param frames: of a stack
    :param gap: steps from one frame of a stack to the next
    :param shape: of a frame
    """

    def __init__(self, n: int, frames: int, gap: int, shape: tuple[int, ...]) -> None:
        self.gap = gap
        self.newest: NDArray[np.uint8] = np.zeros((n, frames, *shape), dtype=np.uint8)
        # A ring of the last frames before the newest: those that stacks to come will show again.
        ring_shape = (gap * (frames - 1), n, *shape)
        self._ring: NDArray[np.uint8] = np.zeros(ring_shape, dtype=np.uint8)
        self._written = 0

    def renewed(self) -> NDArray[np.uint8]:
        """A new array for stacks, the newest frames of which are to be rendered."""
        self.newest = np.empty_like(self.newest)
        return self.newest

    def advanced(self) -> NDArray[np.uint8]:
        """The stacks one step later, the newest frames of which are to be rendered."""
        frames = self.newest.shape[1]
        if frames > 1:
            self._ring[self._written % len(self._ring)] = self.newest[:, -1]
            self._written += 1
        stacks = self.renewed()
        for back in range(1, frames):
            row = (self._written - back * self.gap) % len(self._ring)
            stacks[:, -1 - back] = self._ring[row]
        return stacks

    def fill(self, which: Iterable[int]) -> None:
        """Make the newest frame all frames of these stacks: their episodes have just begun."""
        for k in which:
            newest = self.newest[k, -1]
            self.newest[k, :-1] = newest
            self._ring[:, k] = newest
