"""The sky: brighter towards the sun, and less high at the picture's sides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.pixels import LUMA
from agent.simulator.sky_light import ONE, build_sky_light
from agent.simulator.typing import Array
from tests.simulator.looks import picture, scene_with, world_of

SKY = [[0, [60, 60, 60]], [20, [90, 90, 90]], [44, [150, 150, 150]]]
NORTH: dict[str, Any] = {"sun_deg": 50.0, "azimuth_deg": 0.0, "sky_glow": 1.0}
ROWS = 30  # of sky alone


def sky_at(yaw_deg: float, light: dict[str, Any] | None) -> Array:
    """Returns the upper rows of a picture with this heading."""
    world = world_of(scene_with(sky=SKY, light=light))
    return picture(world, 30.0, yaw=math.radians(yaw_deg))[:ROWS].astype(float)


def test_the_sky_is_brightest_towards_the_sun_and_darkest_across() -> None:
    towards, across, away = (sky_at(turn, NORTH)[:, 70:90].mean() for turn in (0.0, 110.0, 180.0))
    assert towards > 1.12 * across
    assert across < away < towards


def test_the_side_where_the_sun_stands_is_the_brighter_one() -> None:
    seen = sky_at(-60.0, NORTH)
    assert seen[:, -20:].mean() > 1.1 * seen[:, :20].mean()


def test_a_sky_without_glow_is_the_same_all_round_and_alike_on_both_sides() -> None:
    north, east = (sky_at(turn, {**NORTH, "sky_glow": 0.0}) for turn in (0.0, 90.0))
    assert np.array_equal(north, east)
    assert np.array_equal(north, north[:, ::-1])


def test_aside_the_sky_is_nearer_to_the_horizon_than_in_the_middle() -> None:
    row = sky_at(0.0, None)[3, :, 0]
    assert row[0] > row[40] > row[80]


def test_the_mean_all_round_is_the_scene_s_own() -> None:
    factors = build_sky_light(NORTH).factors
    cosines = np.cos(np.linspace(0.0, math.pi, 400))
    places = ((cosines + 1.0) * 0.5 * (len(factors) - 1)).astype(int)
    assert factors[places].mean() == pytest.approx(ONE, rel=0.01)


def test_a_bright_sky_stays_white() -> None:
    world = world_of(scene_with(sky=[[0, [250, 250, 250]]], light=NORTH))
    assert picture(world, 30.0)[:ROWS, 70:90].min() == 255


def test_the_grey_sky_is_the_luma_of_the_one_in_colour() -> None:
    world = world_of(scene_with(sky=SKY, light=NORTH))
    grey = picture(world, 30.0, grey=True)[:ROWS]
    assert np.abs(picture(world, 30.0)[:ROWS] @ LUMA - grey).max() <= 2
