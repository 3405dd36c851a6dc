"""What a teacher would have done where the learner went, kept to be learned from again and again (DAgger)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agent.worlds.donkey.experts.teacher import AHEAD_U

# Steps, and bytes of their pictures, whichever is fewer; the learner's newer mistakes push out its old ones.
KEPT, KEPT_BYTES = 2**16, 2**29
# A steering command says more of the road than a throttle, which depends on a speed that pictures hardly show. The
# bearings of the road ahead count as much together: they make the features tell the road, which serves the steering.
WEIGHTS = (1.0, 0.2, *[0.2] * len(AHEAD_U))
LARGE = 0.3  # error of a lesson, of which 1 is the way from straight on to full lock


class ImitationBatch(NamedTuple):
    """Steps drawn from the book: pictures (n, frames, rows, columns), lessons (n, 8) on them, returns (n,)."""

    pictures: torch.Tensor
    lessons: torch.Tensor
    returns: torch.Tensor


class AggregatedDataset:
    """The last ``kept`` steps of all worlds, each with what the teacher said and the return that the learner got.

    Large pictures are fewer.

    :param picture: shape of an observation
    """

    def __init__(self, picture: tuple[int, ...], kept: int = KEPT) -> None:
        kept = min(kept, KEPT_BYTES // math.prod(picture))
        self.pictures: NDArray[np.uint8] = np.zeros((kept, *picture), dtype=np.uint8)
        self.lessons: NDArray[np.float32] = np.zeros((kept, len(WEIGHTS)), dtype=np.float32)
        self.returns: NDArray[np.float32] = np.zeros(kept, dtype=np.float32)
        self._written = 0
        self.homework: NDArray[np.int64] | None = (
            None  # steps (pages, n) that are to be learned, or being learned
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without the pages that nobody has written on yet."""
        filled = {name: getattr(self, name)[: len(self)] for name in ImitationBatch._fields}
        return {
            "kept": len(self.returns),
            "written": self._written,
            "homework": self.homework,
            **filled,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        AggregatedDataset.__init__(self, state["pictures"].shape[1:], state["kept"])
        self._written, self.homework = state["written"], state["homework"]
        for name in ImitationBatch._fields:
            getattr(self, name)[: len(self)] = state[name]

    def __len__(self) -> int:
        return min(self._written, len(self.returns))

    def write(
        self,
        pictures: NDArray[np.uint8],
        lessons: NDArray[np.float32],
        returns: NDArray[np.float32],
    ) -> None:
        """Add steps (n, ...), the oldest going where there is no room."""
        at = (self._written + np.arange(len(returns))) % len(self.returns)
        self.pictures[at], self.lessons[at], self.returns[at] = pictures, lessons, returns
        self._written += len(returns)

    def set_homework(self, pages: int, n: int) -> None:
        """Draw ``pages`` of ``n`` steps, by numpy's global generator, as SB3 draws its minibatches."""
        self.homework = np.random.randint(len(self), size=(pages, n))

    def draw(self, n: int, device: torch.device) -> ImitationBatch:
        """``n`` steps at random, by the same generator."""
        return self.page(np.random.randint(len(self), size=n), device)

    def page(self, at: NDArray[np.int64], device: torch.device) -> ImitationBatch:
        """The steps ``at`` (n,) so many places."""
        return ImitationBatch(
            *(
                torch.from_numpy(kept[at]).to(device)
                for kept in (self.pictures, self.lessons, self.returns)
            )
        )
