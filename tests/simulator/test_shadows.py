"""Shadows on the ground: where they fall, how dark they are, and that others cost nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from agent.simulator.barriers import build_barriers
from agent.simulator.light_map import BLOCK_SIDE, BLOCK_TEXELS, BLOCK_U, LightMap, light_map, shade
from agent.simulator.pixels import LUMA
from agent.simulator.shadows import Sun, ellipse, hull, polygon, sun_of, thrown
from agent.simulator.tracks import build_track
from tests.simulator.looks import picture, scene_with, world_of

LIGHT = {"sun_deg": 45.0, "azimuth_deg": 180.0, "shadow": 0.5, "soft_u": 0.3}
POLE = {"kind": "cylinder", "x": 0.0, "z": 60.0, "radius_u": 1.0, "height_u": 8.0, "rgb": [9, 9, 9]}


def darkness(shadows: LightMap, x: float, z: float) -> float:
    """The share of light that a place has lost."""
    place = (np.array([x, z]) - shadows.origin) / BLOCK_U
    column, row = place.astype(int)
    block = int(shadows.blocks[column, row])
    if block < 0:
        return 0.0
    ix, iz = ((place % 1.0) * BLOCK_SIDE).astype(int)
    return float(shadows.texels[block * BLOCK_TEXELS + ix * BLOCK_SIDE + iz]) / 255.0


def shadows_of(light: dict[str, Any], **keys: Any) -> LightMap:
    scene = scene_with(light={**LIGHT, **light}, **keys)
    track = build_track(scene)
    return light_map(scene, track, build_barriers(scene.barriers, track))


@pytest.mark.parametrize("azimuth_deg", [0.0, 90.0, 180.0, 270.0, 30.0])
def test_a_shadow_falls_away_from_the_sun(azimuth_deg: float) -> None:
    shadows = shadows_of({"azimuth_deg": azimuth_deg}, obstacles=[POLE])
    away = math.radians(azimuth_deg + 180.0)
    for reach_u, expected in ((3.0, 0.5), (7.0, 0.5), (12.0, 0.0), (-3.0, 0.0)):
        x, z = reach_u * math.sin(away), 60.0 + reach_u * math.cos(away)
        assert darkness(shadows, x, z) == pytest.approx(expected, abs=0.03)
        beside = darkness(shadows, x + 2.0 * math.cos(away), z - 2.0 * math.sin(away))
        assert beside == pytest.approx(0.0, abs=0.03)


def test_a_low_sun_throws_long_shadows() -> None:
    for sun_deg, long_u in ((80.0, 8.0 / math.tan(math.radians(80.0))), (30.0, 13.9)):
        shadows = shadows_of({"sun_deg": sun_deg}, obstacles=[POLE])
        line = [darkness(shadows, 0.0, 60.0 + along) for along in np.arange(0.0, 20.0, 0.1)]
        assert sum(dark > 0.25 for dark in line) * 0.1 == pytest.approx(long_u + 1.0, abs=0.5)


def test_a_soft_edge_is_as_wide_as_asked() -> None:
    for soft_u in (0.3, 2.0):
        box = {"kind": "box", "x": 0.0, "z": 60.0, "yaw_deg": 0.0, "half_u": [5.0, 5.0]}
        shadows = shadows_of(
            {"soft_u": soft_u}, obstacles=[{**box, "height_u": 1.0, "rgb": [1] * 3}]
        )
        across = np.array([darkness(shadows, x, 60.0) for x in np.arange(0.0, 10.0, 0.05)])
        partly = (across > 0.02) & (across < 0.48)
        assert partly.sum() * 0.05 == pytest.approx(soft_u, abs=0.25)


def test_a_crown_is_dappled_and_a_wall_is_whole() -> None:
    tree = {"kind": "cutout", "shape": "broadleaf", "x": 0.0, "z": 60.0, "width_u": 10.0}
    tree |= {"height_u": 14.0, "rgb": [60, 90, 40], "solid": False}
    shadows = shadows_of({}, obstacles=[tree])
    spots = [darkness(shadows, x, 69.0 + z) for x in np.arange(-4, 4, 0.2) for z in range(-4, 5)]
    assert 0.4 < np.mean(np.array(spots) > 0.25) < 0.97
    wall = {"kind": "wall", "right_u": 6.0, "top_u": 2.0, "rgb": [9, 9, 9]}
    shadows = shadows_of({"azimuth_deg": 90.0}, barriers=[wall])
    along = [darkness(shadows, 5.0, z) for z in np.arange(20.0, 100.0, 0.3)]
    assert min(along) > 0.45
    assert darkness(shadows, 7.0, 60.0) == 0.0


def test_posts_and_a_part_of_the_path() -> None:
    rail = {"kind": "rail", "right_u": 6.0, "bottom_u": 1.0, "top_u": 2.0, "rgb": [9, 9, 9]}
    rail |= {"posts": {"every_u": 4.0, "width_u": 1.0}, "from_arc_u": 20.0, "to_arc_u": 60.0}
    shadows = shadows_of({"azimuth_deg": 90.0}, barriers=[rail])
    beneath = np.array([darkness(shadows, 5.5, z) for z in np.arange(24.0, 56.0, 0.1)])
    assert np.mean(beneath > 0.2) == pytest.approx(0.25, abs=0.06)
    assert darkness(shadows, 4.5, 40.0) > 0.4 and darkness(shadows, 4.5, 80.0) == 0.0


def test_overlapping_shadows_are_no_darker_than_one() -> None:
    sun = Sun(0.0, 1.0, 0.5, 0.3)
    square = polygon([(2.0, 2.0), (6.0, 2.0), (6.0, 6.0), (2.0, 6.0)])
    disc = ellipse((4.0, 4.0), (1.0, 0.0), (2.0, 2.0))
    shadows = shade(np.array([square, disc, square]), sun, np.zeros(2), (3, 3))
    assert darkness(shadows, 4.0, 4.0) == pytest.approx(0.5, abs=0.01)
    half = polygon([(2.0, 2.0), (2.0, 6.0), (6.0, 6.0), (6.0, 2.0)], 0.5)
    assert darkness(shade(np.array([half]), sun, np.zeros(2), (3, 3)), 4.0, 4.0) == pytest.approx(
        0.25, abs=0.01
    )


def test_pictures_are_darker_in_the_shadow_alone() -> None:
    light, dark = (
        world_of(scene_with(obstacles=[POLE])),
        world_of(scene_with(obstacles=[POLE], light={**LIGHT, "azimuth_deg": 0.0})),
    )
    arc = 48.0
    plain, shaded = picture(light, arc), picture(dark, arc)
    share = shaded / np.maximum(plain, 1)
    assert share[62:66, 79:81].mean() == pytest.approx(0.5, abs=0.03)
    assert np.array_equal(shaded[60:, :40], plain[60:, :40])
    grey = picture(dark, arc, grey=True)
    assert np.abs(shaded @ LUMA - grey)[62:66, 76:84].mean() < 6.0


def test_far_shadows_are_a_mean() -> None:
    poles = [{**POLE, "x": -6.0, "z": float(z), "radius_u": 0.5} for z in range(0, 120, 2)]
    world = world_of(scene_with(obstacles=poles, light={**LIGHT, "azimuth_deg": 270.0}))
    seen = [picture(world, arc)[47, 84:90] for arc in np.arange(10.0, 12.0, 0.2)]
    assert np.ptp(np.array(seen), axis=0).max() < 25


@pytest.mark.parametrize("light", [None, {"rgb": [255, 255, 255]}, {"shadow": 0.0, "sun_deg": 30}])
def test_without_shadow_no_byte_changes(light: dict[str, Any] | None) -> None:
    assert sun_of(light) is None
    plain, lit = (
        world_of(scene_with(obstacles=[POLE])),
        world_of(scene_with(obstacles=[POLE], light=light)),
    )
    assert np.array_equal(picture(plain, 50.0), picture(lit, 50.0))


def test_flat_things_throw_none_and_all_cutouts_do() -> None:
    sun = Sun(0.5, 0.5, 0.5, 0.3)
    patch = {"kind": "box", "x": 0, "z": 0, "yaw_deg": 0, "half_u": [1, 1], "height_u": 0.0}
    assert thrown(patch, sun) == []
    for shape in ("tree", "broadleaf", "palm", "conifer", "person", "chair", "table", "bush"):
        cutout = {"kind": "cutout", "shape": shape, "x": 0, "z": 0, "width_u": 4, "height_u": 6}
        assert thrown(cutout, sun)
    assert len(hull([(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 0.5), (0.5, 0.0)])) == 4
