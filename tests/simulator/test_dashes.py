"""Dashed and blurred lines: how much is painted, near and far, and how soft the edges are."""

from __future__ import annotations

import numpy as np
import pytest

from agent.simulator.ground import ARC
from agent.simulator.pixels import LUMA
from tests.simulator.looks import ROAD_RGB, picture, scene_with, world_of

YELLOW = [220, 180, 60]
ROAD = {"from_u": -5.0, "to_u": 5.0, "rgb": ROAD_RGB}
LINE = {"from_u": -0.5, "to_u": 0.5, "rgb": YELLOW}
MIDDLE = 80  # column over the line, for a car on it


@pytest.mark.parametrize(("painted_u", "gap_u"), [(3.0, 5.0), (1.0, 1.0), (2.0, 9.0)])
def test_as_much_of_a_line_is_painted_as_its_pattern_says(painted_u: float, gap_u: float) -> None:
    line = {**LINE, "dash_u": [painted_u, gap_u]}
    world = world_of(scene_with(cross_section=[ROAD, line]))
    period_u = painted_u + gap_u
    places = 40.0 + np.arange(40) / 40 * period_u
    seen = np.array([picture(world, arc)[45:120, MIDDLE, 2] for arc in places])
    share = (seen - ROAD_RGB[2]) / (YELLOW[2] - ROAD_RGB[2])
    assert share[:, -10:].mean() == pytest.approx(painted_u / period_u, abs=0.04)
    assert np.abs(share[:, 4:].mean(axis=0) - painted_u / period_u).max() < 0.1
    near, far = share[:, -10:].std(axis=0), share[:, :3].std(axis=0)
    assert near.min() > 0.3, "a dash and a gap are told apart near the car"
    assert far.max() < 0.1, "far ones are a mean that does not flicker"


def test_dashes_begin_at_node_0_and_go_on_round_bends() -> None:
    line = {**LINE, "from_u": -2.5, "to_u": -1.5, "dash_u": [4.0, 4.0]}
    world = world_of(scene_with(cross_section=[ROAD, line]))
    forms, track = world._built.ground.spans[:, ARC:], world.track
    for arc in np.arange(0.5, track.length_u - 1.0, 1.0):
        x, z, yaw = track.pose_at(arc)
        at = np.array([x - 2.0 * np.cos(yaw), z + 2.0 * np.sin(yaw)]) - world._built.ground.origin
        places = forms[:, :2] @ at + forms[:, 2]
        assert np.abs(places - arc).min() < 0.3


def test_a_gap_shows_the_road_and_its_edges_are_means() -> None:
    line = {**LINE, "dash_u": [4.0, 4.0]}
    dashed = picture(world_of(scene_with(cross_section=[ROAD, line])), 42.0)
    plain = picture(world_of(scene_with(cross_section=[ROAD])), 42.0)
    solid = picture(world_of(scene_with(cross_section=[ROAD, LINE])), 42.0)
    low, high = np.minimum(plain, solid), np.maximum(plain, solid)
    assert (dashed >= low - 6).all() and (dashed <= high + 6).all()
    assert np.abs(dashed - plain).max() > 60 and np.abs(dashed - solid).max() > 60


def test_a_blurred_line_fades_into_the_road() -> None:
    sharp = world_of(scene_with(cross_section=[ROAD, LINE]))
    soft = world_of(scene_with(cross_section=[ROAD, {**LINE, "blur_u": 0.8}]))
    row, columns = 105, slice(80, 120)
    edges = [np.abs(np.diff(picture(w, 20.0)[row, columns, 2])).max() for w in (sharp, soft)]
    assert edges[1] < 0.6 * edges[0]
    painted = [(picture(w, 20.0)[100, :, 0] - ROAD_RGB[0]).clip(8).sum() for w in (sharp, soft)]
    assert painted[1] == pytest.approx(painted[0], rel=0.1), "as much paint as before"


def test_a_grey_picture_has_the_same_dashes() -> None:
    line = {**LINE, "dash_u": [2.0, 3.0], "blur_u": 0.3}
    world = world_of(scene_with(cross_section=[ROAD, line]))
    colour, grey = picture(world, 33.0, yaw=0.2), picture(world, 33.0, grey=True, yaw=0.2)
    assert np.abs(colour @ LUMA - grey)[:, 60:100].mean() < 3.0  # both have grain of their own


def test_a_line_needs_few_enough_strips() -> None:
    lines = [
        {
            **LINE,
            "from_u": k * 0.3,
            "to_u": k * 0.3 + 0.2,
            "rgb": [k, 9 * k % 250, 90],
            "blur_u": 0.1,
        }
        for k in range(20)
    ]
    with pytest.raises(ValueError, match="more than 256 strips"):
        world_of(scene_with(cross_section=[ROAD, *lines]))
