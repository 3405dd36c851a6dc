"""A body that leans out of bends, as seen through its camera."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from agent.simulator import vehicle
from agent.simulator.body_roll import HALF_AT_U, lean
from agent.simulator.lens import View, lens_for
from agent.simulator.typing import Image
from agent.simulator.world import World


@njit
def leant(frame: Image, lens: Any, car: Any) -> None:  # pragma: no cover - compiled
    """Calls the kernel, which compiled code alone can call."""
    lean(frame, lens, car)


LEANING = View(body_roll_deg=8.0)


def seen(world: World, view: View) -> Image:
    frame: Image = np.zeros((120, 160, 3), dtype=np.uint8)
    world.render(frame, view)
    return frame


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_horizon_tilts_as_the_body_leans_out_of_a_bend(side: float) -> None:
    frame = np.zeros((120, 160), dtype=np.uint8)
    frame[60:] = 200
    car = np.zeros(vehicle.STATE_SIZE)
    car[vehicle.FORWARD] = 10.0
    car[vehicle.YAW_RATE] = side * HALF_AT_U / 10.0
    leant(frame, lens_for(LEANING).optics, car)
    horizon = (frame == 0).sum(axis=0)
    # In a right bend the body leans to the left, so the horizon is lower on the right.
    slope = (horizon[140] - horizon[20]) / 120.0
    assert slope == pytest.approx(side * np.tan(np.radians(4.0)), abs=0.02)


def test_only_a_bend_makes_a_body_lean() -> None:
    world = World("warren")
    world.reset(0)
    for _ in range(20):
        world.step(0.0, 0.5)
    assert np.array_equal(seen(world, View()), seen(world, LEANING))
    for _ in range(8):
        world.step(1.0, 0.5)
    assert np.abs(seen(world, View()).astype(int) - seen(world, LEANING)).mean() > 3.0
