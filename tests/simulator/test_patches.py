"""Walls of patches: each pixel shows the patch of the place on the wall that it looks at."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.simulator.lens import View
from agent.simulator.patches import build_patches
from tests.simulator.decorated import decorated_world, picture

LEVEL = View(rotation_deg=(0.0, 0.0, 0.0))
LENS_X, LENS_Z = 49.69, 47.838 + 0.553
PATCHES = {"rgb": [[250, 0, 0], [0, 250, 0]], "size_u": [4.0, 3.0], "share": 0.7}


def wall(ahead_u: float, **keys: Any) -> dict[str, Any]:
    """A wall square across the view."""
    return {
        "kind": "box",
        "name": "wall",
        "x": LENS_X,
        "z": LENS_Z + ahead_u + 1.0,
        "yaw_deg": 0.0,
        "half_u": [60.0, 1.0],
        "height_u": 12.0,
        "rgb": [0, 0, 250],
        "patches": PATCHES,
        **keys,
    }


def test_patches_lie_on_the_wall_by_its_own_measure() -> None:
    """The ends of a patch are straight lines 4 u apart, from the wall's left end on."""
    frame = picture(decorated_world("generated_track", obstacles=[wall(20.0)]), LEVEL).astype(int)
    table = build_patches([wall(20.0)], grey=False).which[0]
    checked = 0
    for row in range(30, 60, 3):
        for column in range(4, 156, 3):
            right = (column - 79.5) / 60.0 * 20.0
            up = 1.65 - (row - 59.5) / 60.0 * 20.0
            i, k = (60.0 - right) / 4.0, up / 3.0
            if min(i % 1.0, 1.0 - i % 1.0) < 0.2 or min(k % 1.0, 1.0 - k % 1.0) < 0.15:
                continue
            mirrored = (60.0 + right) / 4.0
            seen = int(np.argmax(frame[row, column]))
            colour = {0: 2, 1: 0, 2: 1}  # channel in which each colour of the table is brightest
            hits = [colour[int(table[int(k) % 16, int(at) % 64])] == seen for at in (i, mirrored)]
            checked += 1
            assert any(hits)
    assert checked > 150


def test_far_patches_are_their_mean_and_plain_walls_stay_plain() -> None:
    clear = {"from_u": 900.0, "over_u": 900.0, "most": 0.5}
    keys: dict[str, Any] = {"obstacles": [wall(250.0, height_u=80.0, half_u=[200.0, 1.0])]}
    tiny = {**PATCHES, "size_u": [0.5, 3.0]}
    keys["obstacles"][0]["patches"] = tiny
    frame = picture(decorated_world("generated_track", fog=clear, **keys), LEVEL)[48:58, 60:100]
    assert frame.std(axis=(0, 1)).max() < 2.0
    none = wall(20.0, patches={**PATCHES, "share": 0.0})
    bare = {key: value for key, value in none.items() if key != "patches"}
    pictures = [
        picture(decorated_world("generated_track", obstacles=[each]), LEVEL)
        for each in (none, bare)
    ]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


def test_a_grey_picture_shows_patches_as_bright_as_they_are() -> None:
    world = decorated_world("generated_track", obstacles=[wall(12.0)])
    luma = picture(world) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma - picture(world, grey=True))[:40].max() <= 3
