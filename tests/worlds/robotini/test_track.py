"""Tracks in upstream's format: how they are read, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.worlds.robotini.simulator.track import load_track, track_names

HANDLE = 4 / 3 * math.tan(math.pi / 8)  # of a Bezier curve that is nearly a quarter of a circle


def node(x: float, z: float, to_x: float, to_z: float, y: float = 0.0) -> dict[str, Any]:
    return {
        "position": {"x": x, "y": y, "z": z},
        "direction": {"x": to_x, "y": y, "z": to_z},
        "up": {"x": 0.0, "y": 1.0, "z": 0.0},
        "scale": {"x": 1.0, "y": 1.0},
        "roll": 0.0,
    }


def circle(radius_m: float) -> list[dict[str, Any]]:
    """Four quarters, clockwise seen from above, beginning in the north."""
    h = HANDLE * radius_m
    r = radius_m
    return [
        node(0, r, h, r),
        node(r, 0, r, -h),
        node(0, -r, -h, -r),
        node(-r, 0, -r, h),
        node(0, r, h, r),
    ]


def written(folder: Path, nodes: object) -> str:
    path = folder / "mine.json"
    path.write_text(json.dumps({"trackNodes": nodes}))
    return str(path)


def test_a_circle_of_four_curves_is_one(tmp_path: Path) -> None:
    track = load_track(written(tmp_path, circle(2.0)))
    assert track.length_m == pytest.approx(4 * math.pi, rel=1e-3)
    assert np.hypot(*track.points_m.T) == pytest.approx(2.0, abs=2e-3)
    assert track.headings_rad[0] == pytest.approx(math.pi / 2, abs=0.01)  # to the east
    quarter = track.headings_rad[track.index_at(math.pi)]
    assert abs(quarter) == pytest.approx(math.pi, abs=0.01)  # then to the south
    assert abs(track.nearest(0.0, -3.0) - track.index_at(2 * math.pi)) <= 1


@pytest.mark.parametrize("name", track_names())
def test_own_tracks_are_flat_closed_and_wide_enough(name: str) -> None:
    track = load_track(f"{name}.json")
    assert 10.0 < track.length_m < 25.0
    assert not track.heights_m.any()
    steps = np.diff(np.vstack([track.points_m, track.points_m[:1]]), axis=0)
    assert np.hypot(*steps.T) == pytest.approx(track.spacing_m, rel=0.05)
    turns = np.diff(np.unwrap(track.headings_rad)[::10])
    assert np.abs(turns).max() / (10 * track.spacing_m) < 1 / 0.45  # the inner wall has no fold


def test_a_bridge_is_driven_flat_and_keeps_its_height(tmp_path: Path) -> None:
    nodes = circle(3.0)
    for key in ("position", "direction"):
        nodes[2][key]["y"] = 0.3
    track = load_track(written(tmp_path, nodes))
    assert track.heights_m.max() == pytest.approx(0.3, abs=0.01)
    assert track.length_m == pytest.approx(6 * math.pi, rel=1e-3)


def broken(index: int, key: str, value: object) -> list[dict[str, Any]]:
    nodes = circle(2.0)
    nodes[index][key] = value
    return nodes


@pytest.mark.parametrize(
    ("nodes", "complaint"),
    [
        (circle(2.0)[:3], "it has no list trackNodes of at least 4 nodes"),
        ("nodes", "it has no list trackNodes"),
        (circle(2.0)[:4], "it is open; let the last node repeat the first"),
        (broken(1, "position", None), "node 1 has no position; give it x, y and z"),
        (
            broken(2, "direction", {"x": "1", "y": 0, "z": 0}),
            "node 2 has direction.x '1'; give a number",
        ),
        (
            broken(2, "direction", {"x": True, "y": 0, "z": 0}),
            "node 2 has direction.x True; give a number",
        ),
        (
            broken(2, "position", {"x": 1e9, "y": 0, "z": 0}),
            "node 2 has position.x 1e+09; give -1000 to 1000",
        ),
        (
            broken(2, "position", {"x": math.nan, "y": 0, "z": 0}),
            "node 2 has position.x nan; give -1000 to 1000",
        ),
        (circle(0.5), "it is 3.1 m long; make it 4 to 1000 m"),
        (
            broken(2, "position", {"x": 0, "y": 5, "z": -2}),
            "as a vertical loop does, and cars here drive in the plane",
        ),
    ],
)
def test_a_wrong_track_is_refused_in_a_line(tmp_path: Path, nodes: object, complaint: str) -> None:
    source = written(tmp_path, nodes)
    with pytest.raises(ValueError, match=r"^track ") as refused:
        load_track(source)
    text = str(refused.value)
    assert text.startswith(f"track {source}: ") and complaint in text
    assert "\n" not in text


def test_a_track_that_is_nowhere_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"track 'oval' is neither a file nor a name; .* stadium"):
        load_track("oval")
    with pytest.raises(ValueError, match="neither a file nor a name"):
        load_track("../tracks/stadium")
    path = tmp_path / "mine.json"
    for text in ("{", "[" * 100_000, "[]", "3"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"^track .*mine\.json: "):
            load_track(str(path))
