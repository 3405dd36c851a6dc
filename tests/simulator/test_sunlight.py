"""Light: its tint, glare towards the sun, and the car's own shadow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.simulator.pixels import LUMA
from agent.simulator.sunlight import tinted
from tests.simulator.looks import LAND_RGB, picture, scene_with, world_of

PLAIN = scene_with()
NORTH = {"azimuth_deg": 0.0, "glare": 0.6}
BEHIND = {"azimuth_deg": 180.0, "sun_deg": 50.0, "shadow": 0.6}


def test_a_tint_is_on_all_but_the_sky() -> None:
    wall = {
        "kind": "wall",
        "right_u": 6,
        "top_u": 1,
        "rgb": [200, 200, 200],
        "posts": {"rgb": [10] * 3},
    }
    cone = {"x": 0, "z": 50, "radius_u": 1, "height_u": 2, "rgb": [100, 100, 100]}
    cone |= {"patches": {"rgb": [[200, 100, 50], [2, 2, 2]], "share": 0.5}}
    scene = scene_with(light={"rgb": [255, 255, 127]}, obstacles=[cone], barriers=[wall])
    seen = tinted(scene)
    assert seen.ground_rgb == [LAND_RGB[0], LAND_RGB[1], round(LAND_RGB[2] * 127 / 255)]
    assert seen.obstacles[0]["rgb"] == [100, 100, 50]
    assert seen.obstacles[0]["patches"] == {"rgb": [[200, 100, 25], [2, 2, 1]], "share": 0.5}
    assert seen.barriers[0]["posts"]["rgb"] == [10, 10, 5]
    assert seen.sky == scene.sky and scene.ground_rgb == LAND_RGB
    white = scene_with(light={"rgb": [255, 255, 255]})
    assert tinted(white) is white
    yellow = picture(world_of(scene_with(light={"rgb": [255, 255, 127]})), 30.0)
    plain = picture(world_of(PLAIN), 30.0)
    assert np.array_equal(yellow[:40], plain[:40])
    assert yellow[60:, :, 2].mean() == pytest.approx(plain[60:, :, 2].mean() / 2, abs=3)


def test_overexposed_paint_stays_white_in_tinted_light() -> None:
    line = {"from_u": -0.5, "to_u": 0.5, "rgb": [400, 400, 400]}
    strips = [*PLAIN.cross_section, line]
    world = world_of(scene_with(cross_section=strips, light={"rgb": [255, 255, 160]}))
    assert picture(world, 30.0)[100, 80].min() > 235


@pytest.mark.parametrize("texture", [None, "land"])
def test_ground_towards_the_sun_is_brighter_and_far_ground_most(texture: str | None) -> None:
    noise = {"land": {"noise": [[0.5, 60]]}}
    keys = {"ground_texture": texture, "textures": noise}
    plain = picture(world_of(scene_with(**keys)), 30.0)
    lit = picture(world_of(scene_with(light=NORTH, **keys)), 30.0)
    gain = (lit - plain).mean(axis=(1, 2))
    assert gain[46:50].mean() > gain[100:].mean() > 5
    away = picture(world_of(scene_with(light={**NORTH, "azimuth_deg": 180.0}, **keys)), 30.0)
    assert np.abs(away - plain).mean() <= (1.0 if texture else 0.0)
    grey = picture(world_of(scene_with(light=NORTH, **keys)), 30.0, grey=True)
    assert np.abs(lit @ LUMA - grey)[45:].mean() < 4


@pytest.mark.parametrize("yaw", [0.0, math.pi, math.pi / 2])
def test_the_car_s_shadow_is_seen_where_the_sun_is_behind(yaw: float) -> None:
    plain = picture(world_of(PLAIN), 30.0, yaw=yaw)
    shaded = picture(world_of(scene_with(light=BEHIND)), 30.0, yaw=yaw)
    darker = plain.mean(axis=2) - shaded.mean(axis=2)
    assert np.abs(darker[:95]).max() < 1.0
    if yaw == 0.0:
        assert darker[118, 75:85].min() > 30
        assert np.abs(darker[:, :50]).max() < 1.0
    else:
        assert darker[118, 75:85].max() < 30
