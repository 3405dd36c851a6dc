"""Cut-outs: as much of the picture as their silhouettes have, near and far, where geometry says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.simulator.lens import View
from agent.simulator.silhouettes import LIGHTINGS, SHAPES, SIDE, TEXELS, opaque_share, silhouette
from tests.simulator.decorated import decorated_world, picture

LEVEL = View(rotation_deg=(0.0, 0.0, 0.0))
START_X, START_Z = 49.69, 47.838
LENS_Z = START_Z + 0.553
BLACK = [0, 0, 0]
# All the same grey, so that what is covered can be counted.
PLAIN: dict[str, Any] = {
    "sky": [[0, [200, 200, 200]], [44, [200, 200, 200]]],
    "ground_rgb": [200, 200, 200],
    "cross_section": [{"from_u": -3.0, "to_u": 3.0, "rgb": [200, 200, 200]}],
    "start_line": None,
    "fog": {"from_u": 60.0, "over_u": 260.0, "most": 0.0},
}


def cutout(shape: str, ahead_u: float, right_u: float = 0.0, **keys: Any) -> dict[str, Any]:
    return {
        "kind": "cutout",
        "name": shape,
        "shape": shape,
        "x": START_X + right_u,
        "z": LENS_Z + ahead_u,
        "width_u": 8.0,
        "height_u": 12.0,
        "rgb": BLACK,
        "trunk_rgb": BLACK,
        "seed": 0,
        **keys,
    }


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("ahead_u", [20.0, 55.0, 90.0, 200.0])
def test_a_cutout_covers_what_its_silhouette_does(shape: str, ahead_u: float) -> None:
    bare = decorated_world("generated_track", **PLAIN)
    world = decorated_world("generated_track", obstacles=[cutout(shape, ahead_u)], **PLAIN)
    shares = []
    for shift_u in np.linspace(-0.04, 0.04, 6) * ahead_u:  # over other pixels each time
        for each in (world, bare):
            each.set_pose(START_X + 0.3 * shift_u, START_Z + shift_u, 0.0)
        nearer = (ahead_u / (ahead_u - shift_u)) ** 2
        share = 1.0 - picture(world, LEVEL)[..., 1] / picture(bare, LEVEL)[..., 1]
        shares.append(share.sum() / nearer)
    pixels = (60.0 / ahead_u) ** 2 * 8.0 * 12.0
    assert np.mean(shares) == pytest.approx(pixels * opaque_share(shape, 0), rel=0.1)
    for each in (world, bare):
        each.reset()
    share = 1.0 - picture(world, LEVEL)[..., 1] / picture(bare, LEVEL)[..., 1]
    rows, columns = np.nonzero(share > 0.02)
    foot = 59.5 + 60.0 * 1.65 / ahead_u
    assert foot - 60.0 * 12.0 / ahead_u - 1.0 <= rows.min() <= rows.max() <= foot + 1.0
    assert np.abs(columns - 79.5).max() <= 60.0 * 4.0 / ahead_u + 1.0


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_silhouette_has_holes_tones_and_is_the_same_again(shape: str) -> None:
    texels = silhouette(shape, 1)
    assert texels.shape == (LIGHTINGS, TEXELS)
    assert 0.05 < opaque_share(shape, 1) < 0.85
    largest = texels[:, : SIDE * SIDE]
    assert set(np.unique(largest >> 8)) == {0, 255}
    assert len(np.unique(largest & 15)) >= 4
    assert not np.array_equal(texels, silhouette(shape, 2))
    silhouette.cache_clear()
    assert np.array_equal(texels, silhouette(shape, 1))


def test_a_crown_is_lighter_where_the_sun_stands() -> None:
    light = {"azimuth_deg": 90.0, "sun_deg": 40.0}
    tree = cutout("tree", 16.0, rgb=[120, 120, 120], trunk_rgb=[120, 120, 120])
    world = decorated_world("generated_track", obstacles=[tree], light=light, **PLAIN)
    crown = picture(world, LEVEL)[15:60, :, 1].astype(float)
    crown[crown > 195.0] = np.nan
    assert np.nanmean(crown[:, 80:100]) > np.nanmean(crown[:, 60:80]) + 10.0


def test_far_cutouts_are_behind_near_ones_and_nothing_hits_them() -> None:
    near = cutout("bush", 10.0, rgb=[250, 0, 0], height_u=4.0)
    far = cutout("bush", 30.0, rgb=[0, 0, 250], height_u=4.0)
    pictures = [
        picture(decorated_world("generated_track", obstacles=order, **PLAIN), LEVEL)
        for order in ([near, far], [far, near])
    ]
    assert np.array_equal(pictures[0], pictures[1])
    middle = pictures[0][62:68, 70:90].astype(int)
    assert (middle[..., 0] > middle[..., 2]).mean() > 0.9
    world = decorated_world("generated_track", obstacles=[near])
    assert {world.step(0.0, 0.5).hit for _ in range(60)} == {"none"}


@pytest.mark.parametrize("ahead_u", [12.0, 70.0])
def test_a_grey_picture_shows_cutouts_as_bright_as_they_are(ahead_u: float) -> None:
    tree = cutout("tree", ahead_u, rgb=[90, 110, 30], trunk_rgb=[70, 60, 50])
    world = decorated_world("generated_track", obstacles=[tree], **PLAIN)
    luma = picture(world) @ np.array([0.299, 0.587, 0.114])
    seen = luma < 180.0
    assert seen.sum() > 20
    assert np.abs(luma - picture(world, grey=True))[seen].max() <= 3
