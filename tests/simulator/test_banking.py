"""Banked roads: ground, vehicle, telemetry and picture, on a square track of one bank."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.simulator import vehicle
from agent.simulator.fleet import Fleet
from agent.simulator.lens import View
from agent.simulator.tracks import SCENES_DIR, build_track, load_scene
from agent.simulator.vehicle import FORWARD, GRAVITY_U, SIDE, YAW_RATE
from agent.simulator.world import World

BANK = 0.25
ROLL_DEG = math.degrees(math.atan(BANK))


def scene_with(folder: Path, bank: float | None, **changes: Any) -> str:
    """A large round track, clockwise, of one bank; half of its road is 8 u wide."""
    radius_u = 300.0
    points = []
    for k in range(24):
        angle = 2.0 * math.pi * k / 24
        place = [-radius_u * math.cos(angle), radius_u * math.sin(angle), 0.0]
        points.append(place if bank is None else [*place, bank])
    plain = json.loads((SCENES_DIR / "thunderhill.json").read_text())
    strips = [
        {"from_u": -8.0, "to_u": 8.0, "rgb": [100, 100, 100]},
        {"from_u": -0.5, "to_u": 0.5, "rgb": [250, 250, 20]},
    ]
    scene = {
        "name": "bank",
        "path": {"kind": "spline", "points": points},
        "start": {"x": -radius_u, "z": 0.0, "yaw_deg": 0.0},
        "start_line": None,
        "cross_section": strips,
        "ground_rgb": [20, 160, 20],
        "sky": plain["sky"],
        "obstacles": [],
    }
    path = folder / f"bank{bank}{len(changes)}.json"
    path.write_text(json.dumps(scene | changes))
    return str(path)


def picture(world: World) -> Any:
    out = np.zeros((120, 160, 3), dtype=np.uint8)
    world.render(out)
    return out.astype(int)


def test_the_ground_rises_to_the_side_and_levels_out_beyond_the_road(tmp_path: Path) -> None:
    world = World(scene_with(tmp_path, BANK))
    heights_u = {}
    for right_u in (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0):
        world.reset(arc_u=0.0, lateral_u=right_u)
        heights_u[right_u] = 8.0 * world.telemetry().pos[1]
    wanted = {-12.0: -2.0, -8.0: -2.0, -4.0: -1.0, 0.0: 0.0, 4.0: 1.0, 8.0: 2.0, 12.0: 2.0}
    assert heights_u == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize(
    ("yaw_deg", "roll_deg", "pitch_deg"),
    [(0.0, ROLL_DEG, 0.0), (180.0, 360.0 - ROLL_DEG, 0.0), (90.0, 0.0, 360.0 - ROLL_DEG)],
)
def test_telemetry_tells_roll_and_pitch(
    yaw_deg: float, roll_deg: float, pitch_deg: float, tmp_path: Path
) -> None:
    world = World(scene_with(tmp_path, BANK))
    world.reset(arc_u=0.0, yaw_offset_rad=math.radians(yaw_deg))
    roll, pitch, _ = world.telemetry().car
    off = [(roll - roll_deg + 180.0) % 360.0 - 180.0, (pitch - pitch_deg + 180.0) % 360.0 - 180.0]
    assert off == pytest.approx([0.0, 0.0], abs=0.3)


@pytest.mark.parametrize("bank", [BANK, -BANK])
def test_a_parked_car_is_pulled_down_the_bank(bank: float, tmp_path: Path) -> None:
    world = World(scene_with(tmp_path, bank))
    world.reset(arc_u=0.0)
    for _ in range(40):
        seen = world.step(0.0, 0.0)
    assert 0.05 < -seen.cte * np.sign(bank) < 1.0  # the tyres hold, but not still
    assert abs(seen.forward_vel) < 0.1


def test_a_level_road_pulls_nobody(tmp_path: Path) -> None:
    world = World(scene_with(tmp_path, None))
    world.reset(arc_u=0.0)
    assert world.step(0.0, 0.0).cte == world.telemetry().cte == 0.0
    assert world.telemetry().car[0] == 0.0


def fastest_bend(across: float) -> float:
    """Acceleration to the right that full lock brings at 35 u/s, u/s^2."""
    car = np.zeros(vehicle.STATE_SIZE)
    car[FORWARD] = 35.0
    for _ in range(30):
        vehicle.tick(car, 1.0, 0.5, 0.0, 0.0, across)
    return float(car[YAW_RATE] * car[FORWARD])


def test_a_bank_holds_the_car_in_its_bend_and_throws_it_out_of_the_other() -> None:
    level, inwards, outwards = (fastest_bend(across) for across in (0.0, -0.3, 0.3))
    assert inwards > 1.4 * level > 2.0 * outwards > 0.5 * level
    assert level == pytest.approx(vehicle.FRONT_GRIP_SURPLUS * GRAVITY_U, rel=0.05)


def test_a_straight_drive_drifts_down_the_bank_as_far_as_the_tyres_slip() -> None:
    car = np.zeros(vehicle.STATE_SIZE)
    car[FORWARD] = 10.0
    for _ in range(100):
        vehicle.tick(car, 0.0, 0.1, 0.0, 0.0, BANK)
    assert -1.0 < car[SIDE] < -0.1
    level = np.zeros(vehicle.STATE_SIZE)
    level[FORWARD] = 10.0
    for _ in range(100):
        vehicle.tick(level, 0.0, 0.1, 0.0, 0.0)
    assert level[SIDE] == 0.0
    assert car[FORWARD] == pytest.approx(level[FORWARD], rel=0.01)


@pytest.mark.parametrize("bank", [BANK, -BANK])
def test_near_road_looks_level_and_the_horizon_is_tilted_by_the_roll(
    bank: float, tmp_path: Path
) -> None:
    world, level = World(scene_with(tmp_path, bank)), World(scene_with(tmp_path, None))
    for each in (world, level):
        each.reset(arc_u=0.0)
    banked, plain = picture(world), picture(level)
    assert np.abs(banked[90:] - plain[90:]).mean() < 3.0
    columns = np.arange(0, 72, 4)  # on the right the bend's own road reaches over the horizon
    land = banked[..., 2] < 120  # the sky is blue
    horizon = land[:, columns].argmax(axis=0)
    slope, _ = np.polyfit(columns, horizon, 1)
    assert slope == pytest.approx(bank, abs=0.05), horizon.tolist()


def test_the_far_road_is_lower_on_the_side_to_which_it_slopes(tmp_path: Path) -> None:
    """On a level place before a bank, the road ahead is drawn with its own slope."""
    points = json.loads(Path(scene_with(tmp_path, 0.0)).read_text())["path"]["points"]
    for k in range(1, 12):
        points[k][3] = BANK
    world = World(scene_with(tmp_path, 0.0, path={"kind": "spline", "points": points}))
    world.reset(arc_u=10.0)
    roll_deg = (world.telemetry().car[0] + 180.0) % 360.0 - 180.0
    assert abs(roll_deg) < 6.0
    grey = (np.abs(picture(world) - 100).max(axis=2) < 12) | (picture(world)[..., 2] < 60)
    left, right = (int(grey[:, column].argmax()) for column in (60, 100))
    assert right < left


def test_a_level_scene_is_drawn_as_if_there_were_no_banks(tmp_path: Path) -> None:
    banked, level = World(scene_with(tmp_path, 0.0)), World(scene_with(tmp_path, None))
    for world in (banked, level):
        world.reset(arc_u=5.0)
    assert not banked.track.is_banked
    assert (picture(banked) == picture(level)).all()


def test_obstacles_stand_on_the_bank(tmp_path: Path) -> None:
    cone = {"x": -294.0, "z": 15.0, "radius_u": 1.0, "height_u": 3.0, "rgb": [250, 0, 0]}
    feet = {}
    for bank in (-BANK, BANK, None):
        world = World(scene_with(tmp_path, bank, obstacles=[cone]))
        world.reset(arc_u=0.0)
        seen = picture(world)
        red = (seen[..., 0] > 150) & (seen[..., 1] < 60)
        feet[bank] = int(np.flatnonzero(red.any(axis=1)).max())
    assert feet[BANK] == pytest.approx(feet[None], abs=2)
    assert feet[-BANK] == pytest.approx(feet[None], abs=2)


@pytest.mark.parametrize("grey", [False, True])
def test_a_fleet_draws_the_same(grey: bool) -> None:
    world = World("mountain_track")
    world.reset(arc_u=200.0)
    fleet = Fleet([world], View(width=64, height=48, cropped=16), grey=grey)
    shape = (1, 1, 32, 64) if grey else (1, 1, 32, 64, 3)
    stack = np.zeros(shape, dtype=np.uint8)
    fleet.render(stack)
    out = np.zeros(shape[2:], dtype=np.uint8)
    world.render(out, fleet.view)
    assert (stack[0, 0] == out).all() and out.any()


def test_mountain_track_is_banked_as_the_real_one() -> None:
    track = build_track(load_scene("mountain_track"))
    angles_deg = np.degrees(np.arctan(track.bank))
    assert angles_deg.min() == pytest.approx(-22.0, abs=1.5)
    assert angles_deg.max() == pytest.approx(12.5, abs=1.5)
    assert (np.abs(angles_deg) >= 13.0).mean() == pytest.approx(0.26, abs=0.04)
