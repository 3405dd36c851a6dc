"""Laps of recorded drives: of donkeycar's tubs and of our recorder's files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.record_drive import main as record
from agent.worlds.donkey.track_making.driven_line import read_drive
from agent.worlds.donkey.track_making.line_read import Points

RADIUS_M = 8.0
LAP_STEPS = 100


def driven(laps: float, wobble_m: float = 0.0, first: float = 0.0) -> Points:
    """Positions (n, 2) in metres of a drive round a circle."""
    turn = 2.0 * np.pi * (first + np.arange(round(laps * LAP_STEPS) + 1) / LAP_STEPS)
    radius = RADIUS_M + wobble_m * np.sin(7.3 * turn)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])


def tub(folder: Path, places: Points, deleted: Iterable[int] = ()) -> Path:
    """A tub as donkeycar 5 writes it: catalogs of 60 records and a manifest."""
    records = [
        {
            "_index": k,
            "_session_id": "26-01-01_0",
            "cam/image_array": f"{k}_cam_image_array_.jpg",
            "pos/pos_x": x,
            "pos/pos_y": 0.07,
            "pos/pos_z": z,
            "user/angle": 0.0,
        }
        for k, (x, z) in enumerate(places.tolist())
    ]
    for number in range(0, len(records), 60):
        lines = [json.dumps(each) for each in records[number : number + 60]]
        (folder / f"catalog_{number // 60}.catalog").write_text("\n".join(lines) + "\n")
    state = {"paths": ["catalog_0.catalog"], "deleted_indexes": list(deleted)}
    manifest = [[], [], {}, {}, state]
    (folder / "manifest.json").write_text("\n".join(json.dumps(each) for each in manifest))
    return folder


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_drive(path)
    return str(caught.value)


def test_a_lap_begins_and_ends_where_the_drive_began(tmp_path: Path) -> None:
    line = read_drive(tub(tmp_path, driven(3.3, 0.3)))
    assert line.is_loop and line.note.startswith("1 of 3 laps of the drive, record ")
    assert abs(len(line.points) - LAP_STEPS) <= 1
    assert np.abs(np.hypot(*line.points.T) - RADIUS_M).max() < 0.31
    assert np.hypot(*(line.points[-1] - line.points[0])) < 0.8


def test_deleted_records_jumps_and_standing_are_left_out(tmp_path: Path) -> None:
    standing = np.repeat(driven(0.0), 20, axis=0)
    crashed = driven(0.4)
    lap = driven(1.2, first=0.25)
    astray = lap[30] + np.array([[0.5, 0.5]])
    places = np.vstack([standing, crashed, lap[:31], astray, lap[31:]])
    deleted = len(standing) + len(crashed) + 31
    line = read_drive(tub(tmp_path, places, [deleted]))
    assert line.note.startswith("1 of 1 laps of the drive, record 61 to ")
    assert np.abs(np.hypot(*line.points.T) - RADIUS_M).max() < 1e-6


def test_a_torn_last_record_is_left_out(tmp_path: Path) -> None:
    folder = tub(tmp_path, driven(1.2))
    last = sorted(folder.glob("*.catalog"))[-1]
    last.write_text(last.read_text() + '{"_index": 1')
    torn = read_drive(folder).points
    np.testing.assert_array_equal(torn, read_drive(tub(tmp_path, driven(1.2))).points)


def test_what_is_no_lap_is_one_line(tmp_path: Path) -> None:
    assert "is no tub, it has no catalog_0.catalog; give" in refused(tmp_path)
    half = refused(tub(tmp_path, driven(0.75)))
    assert (
        "is no whole lap: 37.7 m from record 0, at record 75 still 91 u from there; drive" in half
    )
    catalog = tmp_path / "catalog_0.catalog"
    catalog.write_text('{"_index": 0, "user/angle": 0.0}\n' * 8)
    assert "has no pos/pos_x; record a drive in the simulator with SIM_RECORD" in refused(catalog)
    catalog.write_text("[1]\n{}\n")
    assert "line 1 is no record; give a donkeycar tub" in refused(catalog)
    catalog.write_text('{"pos/pos_x": NaN, "pos/pos_z": 1}\n' * 8)
    assert "has no pos/pos_x" in refused(catalog)
    (tmp_path / "drive.npz").write_bytes(b"PK")
    assert "is no recorded drive" in refused(tmp_path / "drive.npz")


def test_our_recorder_s_file(tmp_path: Path) -> None:
    out = tmp_path / "drive.npz"
    argv = ["--driver", "follower", "--env", "waveshare", "--episodes", "1", "--seed", "1"]
    assert record([*argv, "--max-episode-steps", "500", "--out", str(out)]) == 0
    line = read_drive(out)
    steps = np.hypot(*(np.roll(line.points, -1, axis=0) - line.points).T)
    assert 8.0 * steps.sum() == pytest.approx(75.0, rel=0.1), "u round waveshare"
    assert steps.max() < 0.2 and "of episode 1" in line.labels[0]
