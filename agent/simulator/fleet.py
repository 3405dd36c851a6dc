"""Many worlds driven and seen in one call each, for those who train: what a call costs is shared by all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numba.typed import List
from numpy.typing import NDArray

from agent.simulator import vehicle
from agent.simulator.camera import look
from agent.simulator.lens import View
from agent.simulator.track_progress import ARC, CROSSINGS, HEIGHT_U, UPHILL, WAY_SIZE, advance
from agent.simulator.world import TICKS_PER_STEP, World

Array = NDArray[np.float64]


class Fleet:
    """Worlds whose states lie side by side, ``cars`` (n, ``vehicle.STATE_SIZE``) and ``ways`` (n, ``WAY_SIZE``).

    Each can still be driven, asked and reset by itself; after a reset or a change of its look call ``refresh``.

    :param view: what ``render`` draws of each, neither rolled nor through a fish-eye
    :param grey: in grey levels instead of colours
    """

    def __init__(self, worlds: Sequence[World], view: View, grey: bool) -> None:
        self.worlds, self.view, self.grey = list(worlds), view, grey
        self.cars: Array = np.zeros((len(worlds), vehicle.STATE_SIZE))
        self.ways: Array = np.zeros((len(worlds), WAY_SIZE))
        for world, car, way in zip(worlds, self.cars, self.ways, strict=True):
            world.live_in(car, way)
        self._courses = listed(self.worlds[0].course)
        self._sights = listed(self._sight(0))
        for k in range(len(worlds)):
            self.refresh(k)

    def _sight(self, k: int) -> Any:
        return self.worlds[k].scenery(self.view, self.grey)[1]

    def refresh(self, k: int) -> None:
        """Take note of the ``k``-th world's road and look."""
        put(self._courses, k, self.worlds[k].course)
        put(self._sights, k, self._sight(k))

    def step(self, commands: Array, still: NDArray[np.bool_] | None = None) -> None:
        """Hold ``commands`` (n, 2), steering and throttle in [-1, 1], for 0.05 s.

        :param still: (n,), worlds in which no time passes
        """
        if still is None:
            still = np.zeros(len(self.worlds), dtype=np.bool_)
        crossings = self.ways[:, CROSSINGS].copy()
        _drive(self.cars, self.ways, np.clip(commands, -1.0, 1.0), self._courses, still)
        for k in np.flatnonzero(self.ways[:, CROSSINGS] > np.maximum(crossings, 1.0)):
            self.worlds[k].note_lap()

    def render(self, out: NDArray[np.uint8], which: Sequence[int] | None = None) -> None:
        """Draw into the last picture of each world's stack: ``out`` (n, pictures, rows, columns[, 3]).

        :param which: of the worlds, None for all
        """
        chosen = np.arange(len(self.worlds)) if which is None else np.array(which, dtype=np.int64)
        _look_round(out, chosen, self.cars, self.ways, self._sights)


@njit(cache=True)
def listed(first: Any) -> Any:  # pragma: no cover - compiled
    """A compiled list, of one item."""
    items = List()
    items.append(first)
    return items


@njit(cache=True)
def put(items: Any, k: int, item: Any) -> None:  # pragma: no cover - compiled
    """Make ``item`` the ``k``-th, or the next one."""
    if k == len(items):
        items.append(item)
    else:
        items[k] = item


@njit(cache=True, nogil=True)
def _drive(
    cars: Array, ways: Array, commands: Array, courses: Any, still: NDArray[np.bool_]
) -> None:  # pragma: no cover - compiled
    for k in range(len(cars)):
        if not still[k]:
            advance(
                cars[k], ways[k], commands[k, 0], commands[k, 1], 0.0, TICKS_PER_STEP, courses[k]
            )


@njit(cache=True, nogil=True)
def _look_round(
    out: Any, chosen: NDArray[np.int64], cars: Array, ways: Array, sights: Any
) -> None:  # pragma: no cover - compiled
    last = out.shape[1] - 1
    for k in chosen:
        look(out[k, last], sights[k], cars[k], ways[k, HEIGHT_U], ways[k, UPHILL], ways[k, ARC])
