"""Textures of the ground: their mean and spread, their seam, and what is seen of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.simulator.pixels import LUMA
from agent.simulator.textures import (
    SIDE,
    TEXELS_PER_U,
    Coat,
    coat_texels,
    texture_key,
    texture_offsets,
)
from agent.simulator.tracks import Scene
from tests.simulator.looks import LAND_RGB, ROAD_RGB, picture, scene_with, world_of

NOISE = {"noise": [[0.25, 30], [2.0, 20]]}
EVERYTHING: dict[str, Any] = {
    "noise": [[0.25, 12], [[0.2, 4.0], [10, 8, 6]]],
    "stripes": {"every_u": 2.0, "width_u": 0.25, "yaw_deg": 30.0, "levels": [-40, 0, 0]},
    "tiles": {"side_u": 4.0, "levels": 10, "gap_u": 0.25, "gap_levels": -30},
    "cracks": {"per_100_u2": 3, "levels": -40},
}
PATH = {"from_u": -0.2, "to_u": 0.2, "rgb": ROAD_RGB}  # out of sight of a car that looks aside


def land_with(texture: dict[str, Any]) -> Scene:
    return scene_with(cross_section=[PATH], textures={"land": texture}, ground_texture="land")


@pytest.mark.parametrize("texture", [NOISE, EVERYTHING])
def test_offsets_have_no_mean_and_no_seam(texture: dict[str, Any]) -> None:
    offsets = texture_offsets(texture_key(texture)).astype(float)
    assert np.abs(offsets.mean(axis=(1, 2))).max() < 0.1
    for axis in (1, 2):
        steps = np.abs(np.diff(offsets, axis=axis)).mean(axis=(0, axis))
        seam = np.abs(np.take(offsets, 0, axis) - np.take(offsets, -1, axis)).mean()
        assert seam < steps.mean() * 2.0 + 1.0


@pytest.mark.parametrize("levels", [10, 40])
def test_noise_has_the_peak_asked_for(levels: int) -> None:
    offsets = texture_offsets(texture_key({"noise": [[0.5, levels]]}))
    assert 0.9 * levels <= np.abs(offsets).max() <= 1.1 * levels


def test_stripes_and_gaps_cover_their_share() -> None:
    stripes = {"every_u": 2.0, "width_u": 0.5, "yaw_deg": 0.0, "levels": 100}
    offsets = texture_offsets(texture_key({"stripes": stripes}))[0]
    assert (offsets > 0).mean() == pytest.approx(0.25, abs=0.03)
    assert np.ptp(offsets, axis=1).max() == 0, "heading 0 is along +z"
    across = texture_offsets(texture_key({"stripes": {**stripes, "yaw_deg": 90.0}}))[0]
    assert np.ptp(across, axis=0).max() == 0
    tiles = {"side_u": 4.0, "gap_u": 0.5, "gap_levels": -50}
    gaps = texture_offsets(texture_key({"tiles": tiles}))[0] < 0
    assert gaps.mean() == pytest.approx(1.0 - (3.5 / 4.0) ** 2, abs=0.03)
    odd = {"side_u": 4.0, "levels": 5, "odd_share": 0.125, "odd_levels": -80}
    dark = texture_offsets(texture_key({"tiles": odd}))[0] < -40
    assert dark.mean() == pytest.approx(0.125)
    cracks = texture_offsets(texture_key({"cracks": {"per_100_u2": 4, "levels": -50}}))[0] < -20
    assert 0.005 < cracks.mean() < 0.1


def test_no_texel_leaves_its_bounds_and_small_levels_are_means() -> None:
    coat = Coat(texture_key({"noise": [[0.5, 90]]}), (40.0, 120.0, 230.0), (1.0,) * 3, (254.0,) * 3)
    texels = coat_texels(coat)[:3].T.astype(float)
    first = texels[: SIDE * SIDE]
    assert first.min() >= 1 and first.max() <= 254
    assert np.abs(first.mean(axis=0) - texels[-64:].mean(axis=0)).max() < 2.0
    assert texels[-64:].std() < first.std()


@pytest.mark.parametrize("texture", [NOISE, EVERYTHING])
def test_textured_land_keeps_its_mean_and_far_land_is_plain(texture: dict[str, Any]) -> None:
    plain = world_of(scene_with(cross_section=[PATH]))
    land = world_of(land_with(texture))
    pictures = np.array([picture(land, arc, yaw=1.5) for arc in np.arange(5.0, 110.0, 5.0)])
    near, far = pictures[:, 70:120], pictures[:, 45]
    assert np.abs(near.mean(axis=(0, 1, 2)) - LAND_RGB).max() < 14
    assert near.std(axis=(0, 1, 2)).min() > 5.0
    assert np.ptp(far, axis=0).max() <= 12
    assert np.abs(far.mean(axis=(0, 1)) - picture(plain, 5.0, yaw=1.5)[45].mean(axis=0)).max() < 3


def test_road_and_land_have_textures_of_their_own() -> None:
    road = {"from_u": -5.0, "to_u": 5.0, "rgb": ROAD_RGB, "texture": "road"}
    keys: dict[str, Any] = {
        "textures": {"road": {"stripes": {**EVERYTHING["stripes"], "levels": 60}}}
    }
    seen = picture(world_of(scene_with(cross_section=[road], **keys)), 30.0)
    plain = picture(world_of(scene_with()), 30.0)
    differs = np.abs(seen - plain).max(axis=2) > 12
    assert differs[90:120, 60:100].mean() > 0.2
    assert differs[50:56, :20].mean() == 0.0, "the land keeps its grain"


def test_a_texture_that_nothing_wears_changes_no_byte() -> None:
    plain, more = world_of(scene_with()), world_of(scene_with(textures={"land": NOISE}))
    assert np.array_equal(picture(plain, 17.0), picture(more, 17.0))


@pytest.mark.parametrize("yaw", [0.0, 0.9])
def test_a_grey_picture_is_the_luma_of_a_coloured_one(yaw: float) -> None:
    road = {"from_u": -5.0, "to_u": 5.0, "rgb": ROAD_RGB, "texture": "land"}
    line = {"from_u": -0.5, "to_u": 0.5, "rgb": [230, 230, 200], "texture": "land"}
    scene = scene_with(
        cross_section=[road, line], textures={"land": EVERYTHING}, ground_texture="land"
    )
    world = world_of(scene)
    colour, grey = picture(world, 33.0, yaw=yaw), picture(world, 33.0, grey=True, yaw=yaw)
    assert np.abs(colour @ LUMA - grey).max() <= 3.0


def test_a_texture_lies_still_in_the_world() -> None:
    """A car that moves on by a texture's period sees the same land."""
    land = world_of(land_with(NOISE))
    first, again = picture(land, 20.0, yaw=1.5), picture(land, 20.0 + SIDE / TEXELS_PER_U, yaw=1.5)
    assert np.abs(first - again)[60:].mean() < 3.0
    assert np.abs(first - picture(land, 22.0, yaw=1.5))[60:].mean() > 6.0
