"""Many worlds driven and rendered in one call each, for training: all share what a call costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agent.simulator import vehicle
from agent.simulator.camera import render
from agent.simulator.compiled_lists import set_item, typed_list
from agent.simulator.lens import View
from agent.simulator.track_progress import CROSSINGS, PROGRESS_SIZE, advance
from agent.simulator.typing import Array, Image
from agent.simulator.world import TICKS_PER_STEP, World


class Fleet:
    """Worlds whose states lie side by side.

    ``car_states`` is (n, ``vehicle.STATE_SIZE``), ``progress_states`` (n, ``PROGRESS_SIZE``). Each
    world can still be driven, asked and reset by itself; after a reset or a change of its
    appearance call ``refresh``.

    :param worlds: the worlds
    :param view: what ``render`` draws of each, neither rolled nor through a fish-eye
    :param grey: in grey levels instead of colours
    """

    def __init__(self, worlds: Sequence[World], view: View, grey: bool) -> None:
        self.worlds = list(worlds)
        self.view = view
        self.grey = grey
        self.car_states: Array = np.zeros((len(worlds), vehicle.STATE_SIZE))
        self.progress_states: Array = np.zeros((len(worlds), PROGRESS_SIZE))
        for k, world in enumerate(worlds):
            world.share_state(self.car_states[k], self.progress_states[k])
        self._courses = typed_list(self.worlds[0].course)
        self._inputs = typed_list(self._inputs_of(0))
        for k in range(len(worlds)):
            self.refresh(k)

    def _inputs_of(self, k: int) -> Any:
        return self.worlds[k].render_inputs(self.view, self.grey)[1]

    def refresh(self, k: int) -> None:
        """Take note of the ``k``-th world's road and appearance."""
        set_item(self._courses, k, self.worlds[k].course)
        set_item(self._inputs, k, self._inputs_of(k))

    def step(self, commands: Array, paused: NDArray[np.bool_] | None = None) -> None:
        """Hold commands for 0.05 s.

        :param commands: steering and throttle of each world, (n, 2), clipped to [-1, 1]
        :param paused: (n,), worlds in which no time passes; None for none
        """
        if paused is None:
            paused = np.zeros(len(self.worlds), dtype=np.bool_)
        crossings = self.progress_states[:, CROSSINGS].copy()
        _advance_all(
            self.car_states,
            self.progress_states,
            np.clip(commands, -1.0, 1.0),
            self._courses,
            paused,
        )
        for k in np.flatnonzero(self.progress_states[:, CROSSINGS] > np.maximum(crossings, 1.0)):
            self.worlds[k].record_lap()

    def render(self, out: Image, which: Sequence[int] | None = None) -> None:
        """Draw into the last picture of each world's stack.

        :param out: (n, pictures, rows, columns[, 3])
        :param which: of the worlds, None for all
        """
        chosen = np.arange(len(self.worlds)) if which is None else np.array(which, dtype=np.int64)
        _render_all(out, chosen, self.car_states, self.progress_states, self._inputs)


@njit(cache=True, nogil=True)
def _advance_all(
    car_states: Array,
    progress_states: Array,
    commands: Array,
    courses: Any,
    paused: NDArray[np.bool_],
) -> None:  # pragma: no cover - compiled
    for k in range(len(car_states)):
        if not paused[k]:
            steering = commands[k, 0]
            throttle = commands[k, 1]
            advance(
                car_states[k],
                progress_states[k],
                steering,
                throttle,
                0.0,
                TICKS_PER_STEP,
                courses[k],
            )


@njit(cache=True, nogil=True)
def _render_all(
    out: Any,
    chosen: NDArray[np.int64],
    car_states: Array,
    progress_states: Array,
    inputs: Any,
) -> None:  # pragma: no cover - compiled
    last = out.shape[1] - 1
    for k in chosen:
        render(out[k, last], inputs[k], car_states[k], progress_states[k])
