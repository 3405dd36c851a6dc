"""Scene files that are made: every look, widths and lines, and what is drawn of them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.config.errors import UserError
from agent.simulator.scene_keys import check_scene
from agent.simulator.tracks import look_names, scene_names
from agent.simulator.world import World
from agent.worlds.donkey.track_making.circuit import Circuit, make_circuit
from agent.worlds.donkey.track_making.drivable import radii
from agent.worlds.donkey.track_making.made_scene import (
    PATTERNS,
    Look,
    check_look,
    make_scene,
    road_width_u,
)
from agent.worlds.donkey.track_making.picture import save_picture
from tests.worlds.donkey.track_making.lines import bean, circuit, read, stadium

LOOKS = sorted({*scene_names(), *look_names()} - {"random_track"})


@pytest.mark.parametrize("like", LOOKS)
def test_every_look_makes_a_scene(like: str) -> None:
    check_look(like)
    for width_u in (None, 2.0, 40.0):
        look = Look(like, width_u=width_u)
        scene = make_scene("mine", circuit(bean()), look)
        check_scene(scene)
        road = scene["cross_section"][0]
        assert road["to_u"] == pytest.approx(-road["from_u"]), "the path is the road's middle"
        assert road["to_u"] - road["from_u"] == pytest.approx(
            road_width_u(circuit(bean()), look), abs=2e-3
        )
        half_u = scene["start_line"]["half_width_u"]
        assert all(abs(each["right_u"]) > half_u for each in scene.get("barriers", []))


def test_a_random_look_is_none() -> None:
    with pytest.raises(UserError, match="--like 'random_track' is unknown; choose from"):
        check_look("random_track")


@pytest.mark.parametrize(("pattern", "count"), zip(PATTERNS, (2, 1, 3, 3, 0), strict=True))
def test_painted_lines_are_those_asked_for(pattern: str, count: int) -> None:
    scene = make_scene("mine", circuit(bean()), Look("mini_monaco", pattern))
    lines = [each for each in scene["cross_section"] if each["to_u"] - each["from_u"] < 0.5]
    assert len(lines) == count
    assert all(abs(each["to_u"]) <= 5.0 for each in lines)
    assert sum("dash_u" in each for each in lines) == (pattern == "dashed")


def test_the_road_is_as_wide_as_the_file_says() -> None:
    widths = np.column_stack([np.full(40, 3.0), np.full(40, 5.0)])
    made = make_circuit(Path("x.csv"), read(bean(), widths), 1.0, 0.0, centred=True)
    assert road_width_u(made, Look("warren")) == pytest.approx(8.0)
    assert road_width_u(made, Look("warren", width_u=6.0)) == 6.0


@pytest.fixture(scope="module")
def tight() -> Circuit:
    return circuit(stadium(6.0))


def test_the_simulator_s_line_is_the_circuit(tight: Circuit, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(make_scene("mine", tight, Look("generated_track", width_u=5.0))))
    world = World(str(path))
    nodes = world.track.nodes[:, :2]
    assert np.hypot(*(nodes[:, None] - tight.points).transpose(2, 0, 1)).min(axis=1).max() < 0.6
    assert radii(nodes).min() > 5.6
    assert world.telemetry().cte == pytest.approx(0.0, abs=0.05)
    assert world.line_ahead_u == pytest.approx(2.0, abs=0.1)
    ahead = tight.points[5] - tight.points[0]
    yaw = np.radians(world.scene.start["yaw_deg"])
    assert ahead @ [np.sin(yaw), np.cos(yaw)] > 4.9, "it looks along the line"


def test_a_picture_shows_the_road_and_what_the_car_sees(tight: Circuit, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(make_scene("mine", tight, Look("warren"))))
    save_picture(tmp_path / "mine.png", str(path), "mine")
    picture = cv2.imread(str(tmp_path / "mine.png"))
    assert picture is not None and picture.shape == (1040, 1360, 3)
    colours = picture[:, :1040].reshape(-1, 3)[:, ::-1]
    for rgb in ((114, 127, 75), (220, 40, 40), (226, 180, 88)):  # road, arrow, middle line
        assert (np.abs(colours.astype(int) - rgb).max(axis=1) < 4).sum() > 50, rgb
    views = picture[:, 1040:].astype(float)
    assert all(view[20:].std() > 20.0 for view in np.split(views, 4)), "none is empty"
    assert [each.name for each in tmp_path.glob(".*")] == []
