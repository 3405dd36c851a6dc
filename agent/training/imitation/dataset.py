"""The aggregated dataset of DAgger (Ross et al. 2011): steps with an expert's labels."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

# Most steps and most bytes of their pictures, chosen: the learner's newer mistakes push out its old
# ones.
CAPACITY = 2**16
CAPACITY_BYTES = 2**29


class ImitationBatch(NamedTuple):
    """Steps of the dataset.

    ``pictures`` (n, channels, rows, columns) uint8, ``labels`` (n, k + m) as
    ``capabilities.Expert`` has them, ``returns`` (n,) that the learner got.
    """

    pictures: torch.Tensor
    labels: torch.Tensor
    returns: torch.Tensor


class AggregatedDataset:
    """The last ``capacity`` steps of all environments; fewer where their pictures are large.

    ``queued`` holds the minibatches that are to be learned or being learned: numbers of steps
    (minibatches, n), None for none.

    :param picture_shape: of an observation
    :param label_size: numbers of a label
    :param capacity: most steps
    """

    def __init__(
        self, picture_shape: tuple[int, ...], label_size: int, capacity: int = CAPACITY
    ) -> None:
        capacity = min(capacity, CAPACITY_BYTES // math.prod(picture_shape))
        self.pictures: NDArray[np.uint8] = np.zeros((capacity, *picture_shape), dtype=np.uint8)
        self.labels: NDArray[np.float32] = np.zeros((capacity, label_size), dtype=np.float32)
        self.returns: NDArray[np.float32] = np.zeros(capacity, dtype=np.float32)
        self.queued: NDArray[np.int64] | None = None
        self._written = 0

    def __getstate__(self) -> dict[str, Any]:
        """All but the rows that nothing was written to yet."""
        filled = {name: getattr(self, name)[: len(self)] for name in ImitationBatch._fields}
        own = {"capacity": len(self.returns), "written": self._written, "queued": self.queued}
        return own | filled

    def __setstate__(self, state: dict[str, Any]) -> None:
        picture_shape = state["pictures"].shape[1:]
        AggregatedDataset.__init__(self, picture_shape, state["labels"].shape[1], state["capacity"])
        self._written = state["written"]
        self.queued = state["queued"]
        for name in ImitationBatch._fields:
            getattr(self, name)[: len(self)] = state[name]

    def __len__(self) -> int:
        return min(self._written, len(self.returns))

    def add(
        self,
        pictures: NDArray[np.uint8],
        labels: NDArray[np.float32],
        returns: NDArray[np.float32],
    ) -> None:
        """Adds steps; the oldest go where there is no room.

        :param pictures: (n, channels, rows, columns)
        :param labels: (n, k + m)
        :param returns: (n,)
        """
        rows = (self._written + np.arange(len(returns))) % len(self.returns)
        self.pictures[rows] = pictures
        self.labels[rows] = labels
        self.returns[rows] = returns
        self._written += len(returns)

    def queue_minibatches(self, count: int, size: int) -> None:
        """Draws minibatches to be learned, by numpy's global generator as SB3 draws its own."""
        self.queued = np.random.randint(len(self), size=(count, size))

    def draw(self, n: int, device: torch.device) -> ImitationBatch:
        """``n`` steps at random, by the same generator."""
        return self.batch(np.random.randint(len(self), size=n), device)

    def batch(self, rows: NDArray[np.int64], device: torch.device) -> ImitationBatch:
        """The steps ``rows`` (n,) on a device."""
        return ImitationBatch(
            torch.from_numpy(self.pictures[rows]).to(device),
            torch.from_numpy(self.labels[rows]).to(device),
            torch.from_numpy(self.returns[rows]).to(device),
        )
