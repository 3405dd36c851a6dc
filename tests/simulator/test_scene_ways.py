"""Mirrored tracks show the mirror image, reversed ones are the same world the other way round."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.simulator.scene_ways import split_ways
from agent.simulator.tracks import build_track, load_scene, scene_names
from agent.simulator.world import World
from agent.worlds.donkey import own_tracks
from agent.worlds.donkey.experts.line_follower import LineFollower, drive_laps, reference_line

FULL = Path(__file__).with_name("full_scene.json")
ROUND = [name for name in scene_names() if load_scene(name).path["kind"] != "random"]


def test_names_say_the_ways() -> None:
    assert split_ways("warren") == ("warren", frozenset())
    assert split_ways("a+b/my+mirrored.json+reversed+mirrored") == (
        "a+b/my+mirrored.json",
        frozenset({"mirrored", "reversed"}),
    )
    assert split_ways("warren+sideways") == ("warren+sideways", frozenset())
    every_way = "".join(f"+{way}" for way in own_tracks.WAYS)
    assert split_ways(f"x{every_way}") == ("x", frozenset(own_tracks.WAYS))


def plain_scene(folder: Path) -> str:
    """A scene in few colours: a bent road with unlike edges, a box aslant, a wall and a sun."""
    full: dict[str, Any] = json.loads(FULL.read_text())
    data = {key: full[key] for key in ("name", "ground_rgb", "sky")} | {
        "path": {"kind": "spline", "points": [[0, 0, 0], [5, 40, 0], [45, 60, 0], [60, 10, 0]]},
        "start": {"x": 0.5, "z": 1.0, "yaw_deg": 5.0},
        "start_line": None,  # an even number of squares, so its mirror image is another
        "cross_section": [
            {"from_u": -5, "to_u": 3, "rgb": [120, 120, 120]},
            {"from_u": -4.5, "to_u": -4.0, "rgb": [250, 250, 250]},
        ],
        "obstacles": [
            {
                "kind": "box",
                "x": -7.0,
                "z": 22.0,
                "yaw_deg": 30.0,
                "half_u": [1.0, 3.0],
                "height_u": 4.0,
                "rgb": [200, 30, 30],
            }
        ],
        "barriers": [{"kind": "wall", "right_u": 6.0, "top_u": 1.0, "rgb": [30, 30, 200]}],
        "light": {"azimuth_deg": 70.0, "sun_deg": 40.0, "shadow": 0.5},
    }
    path = folder / "plain.json"
    path.write_text(json.dumps(data))
    return str(path)


def seen(scene: str) -> tuple[World, Any]:
    world = World(scene)
    picture = np.empty((120, 160, 3), dtype=np.uint8)
    world.render(picture)
    return world, picture.astype(int)


def test_a_mirrored_track_is_seen_mirrored(tmp_path: Path) -> None:
    scene = plain_scene(tmp_path)
    world, picture = seen(scene)
    other, mirrored = seen(f"{scene}+mirrored")
    assert np.abs(mirrored - picture).max() > 100, "the scene has sides"
    differing = (np.abs(mirrored - picture[:, ::-1]).max(axis=2) > 40).mean()
    assert differing < 0.01, "but for grain and edges"
    assert other.telemetry().cte == pytest.approx(-world.telemetry().cte)


@pytest.mark.parametrize("scene", ["waveshare", "mountain_track"])
def test_a_mirrored_track_drives_as_the_track_does(scene: str) -> None:
    def lap(name: str) -> list[float]:
        return drive_laps(World(name), LineFollower(reference_line(name, 8.0, 0.25)), 1, 8.0)

    there = lap(scene)
    assert there
    assert lap(f"{scene}+mirrored") == pytest.approx(there, abs=0.1)
    assert lap(f"{scene}+reversed")


@pytest.mark.parametrize("scene", ROUND)
def test_a_reversed_track_has_the_same_places_the_other_way_round(scene: str) -> None:
    there = World(scene)
    back = World(f"{scene}+reversed")
    assert back.scene.name == f"{scene}+reversed"
    n = len(there.nodes)
    np.testing.assert_array_equal(back.nodes[-np.arange(n) % n], there.nodes)
    np.testing.assert_allclose(back.track.bank[-np.arange(n) % n], -there.track.bank)
    turned = back.scene.start["yaw_deg"] - there.scene.start["yaw_deg"]
    assert math.cos(math.radians(turned)) < -0.7, "the car looks back"
    assert back.line_ahead_u == pytest.approx(there.line_ahead_u, abs=1.0)
    assert abs(back.telemetry().cte) == pytest.approx(abs(there.telemetry().cte), abs=0.3)
    strip, other = there.scene.cross_section[1], back.scene.cross_section[1]
    assert (other["from_u"], other["to_u"]) == (-strip["to_u"], -strip["from_u"])


def test_barriers_stay_where_they_stand() -> None:
    there = load_scene("circuit_launch")
    length_u = build_track(there).length_u
    back = load_scene("circuit_launch+reversed")
    for one, other in zip(there.barriers, back.barriers, strict=True):
        assert other["right_u"] == -one["right_u"]
        assert other["from_arc_u"] == pytest.approx(length_u - one["to_arc_u"])
        assert other["to_arc_u"] == pytest.approx(length_u - one["from_arc_u"])


def test_a_random_road_has_a_mirror_image_but_no_way_back() -> None:
    there, mirrored = World("generated_road"), World("generated_road+mirrored")
    for world in (there, mirrored):
        world.reset(seed=7)
        world.regenerate_road(5, style=1)
    np.testing.assert_array_equal(mirrored.nodes, there.nodes * (-1.0, 1.0, 1.0))
    road, other = there.scene.cross_section[0], mirrored.scene.cross_section[0]
    assert (other["from_u"], other["to_u"]) == pytest.approx((-road["to_u"], -road["from_u"]))
    with pytest.raises(ValueError, match=r"generated_road\+reversed'.*has an end; drop"):
        load_scene("generated_road+reversed")
