"""Ceilings, skylines and fog against plain geometry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.lens import View
from tests.simulator.decorated import decorated_world, picture

LEVEL = View(rotation_deg=(0.0, 0.0, 0.0))
LENS_U = 1.65
LENS_X, LENS_Z = 49.69, 47.838 + 0.553
LAMPS = {"rgb": [250, 250, 250], "every_u": [16.0, 12.0], "size_u": [4.0, 3.0]}
CEILING: dict[str, Any] = {"height_u": 21.65, "rgb": [40, 40, 40], "lamps": LAMPS}


def test_lamps_are_where_geometry_says() -> None:
    frame = picture(decorated_world("generated_track", ceiling=CEILING), LEVEL)[..., 1]
    rows, columns = np.mgrid[0:34, 2:158]
    depth = (CEILING["height_u"] - LENS_U) / ((59.5 - rows) / 60.0)
    # A lamp's edge may be a texel and a pixel off.
    x = LENS_X + depth * (columns - 79.5) / 60.0
    z = LENS_Z + depth
    beside = np.abs((x + 8.0) % 16.0 - 8.0) / 2.0
    before = np.abs((z + 6.0) % 12.0 - 6.0) / 1.5
    farther = np.maximum(beside, before)
    near = rows < 12
    assert frame[:34, 2:158][(farther < 0.6) & near].min() > 150
    assert frame[:34, 2:158][(farther > 1.9) & near].max() < 100
    assert ((farther < 0.6) & near).sum() > 40


def test_a_far_ceiling_is_its_mean_and_the_land_stays() -> None:
    world = decorated_world(
        "generated_track", ceiling=CEILING, fog={"from_u": 900.0, "over_u": 900.0, "most": 0.5}
    )
    frame = picture(world, LEVEL)
    mean = 40 + 210 * (4.0 * 3.0) / (16.0 * 12.0)
    assert np.abs(frame[57:59, :, 1].astype(float) - mean).max() < 12
    plain = decorated_world("generated_track", fog={"from_u": 900.0, "over_u": 900.0, "most": 0.5})
    assert np.array_equal(frame[61:], picture(plain, LEVEL)[61:])


@pytest.mark.parametrize("yaw_deg", [0.0, 90.0])
def test_beams_run_the_way_they_are_turned(yaw_deg: float) -> None:
    beams = {"rgb": [200, 0, 0], "every_u": 8.0, "width_u": 2.0, "yaw_deg": yaw_deg}
    ceiling = {"height_u": 11.65, "rgb": [40, 40, 40], "beams": beams}
    frame = picture(decorated_world("generated_track", ceiling=ceiling), LEVEL)[:20, :, 0]
    across = frame.astype(float).std(axis=1).mean()
    along = frame.astype(float).std(axis=0).mean()
    assert (along > 2.0 * across) == (yaw_deg == 90.0)


def test_a_skyline_goes_round_the_horizon_with_the_heading() -> None:
    layer = {"rgb": [10, 80, 10], "low_deg": 4.0, "high_deg": 12.0, "rough": 0.4}
    world = decorated_world("generated_track", skyline=[layer])

    def edges_deg(yaw: float) -> Any:
        world.reset(yaw_offset_rad=yaw)
        frame = picture(world, LEVEL).astype(int)
        first = np.argmax(frame[:59, :, 1] > frame[:59, :, 2], axis=0)
        away = np.hypot(1.0, (np.arange(160) - 79.5) / 60.0)
        return np.degrees(np.arctan((59.5 - first) / 60.0 / away))

    ahead = edges_deg(0.0)
    assert 3.0 < ahead.min() < ahead.max() < 13.0
    assert np.ptp(ahead) > 1.0
    # What is ahead moves to the left as the car turns right, at the same height.
    turned = edges_deg(math.radians(20.0))
    headings = np.degrees(np.arctan((np.arange(160) - 79.5) / 60.0))
    same = np.interp(headings + 20.0, headings, ahead)
    assert np.abs(same - turned)[headings < 20.0].max() < 2.0


def test_fog_takes_its_own_distance_share_and_colour() -> None:
    fog = {"from_u": 10.0, "over_u": 40.0, "most": 1.0, "rgb": [200, 10, 10]}
    far = picture(decorated_world("generated_track", fog=fog), LEVEL)[60]
    assert np.abs(far.astype(int) - [200, 10, 10]).max() <= 2
    later, latest = (
        picture(decorated_world("generated_track", fog={**fog, "from_u": from_u}), LEVEL)
        for from_u in (30.0, 40.0)
    )
    assert np.array_equal(later[66:], latest[66:])
    assert not np.array_equal(later[60:63], latest[60:63])


@pytest.mark.parametrize(
    "keys",
    [
        {"ceiling": CEILING},
        {"skyline": [{"rgb": [10, 80, 10], "low_deg": 4.0, "high_deg": 12.0}]},
    ],
)
def test_a_grey_picture_is_as_bright_above_the_horizon(keys: dict[str, Any]) -> None:
    world = decorated_world("generated_track", **keys)
    luma = picture(world) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma - picture(world, grey=True))[:43].max() <= 3
