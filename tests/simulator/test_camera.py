"""The drawn road lies on the track: pixels against a search for the line's nearest point."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from agent.simulator.lens import View
from agent.simulator.tracks import SCENES_DIR
from agent.simulator.world import World

PITCH = math.radians(15.0)


def ground_point(
    world_x: float, world_z: float, yaw: float, row: int, column: int
) -> tuple[float, float]:
    """Point where a pixel's ray meets level ground, by the figures of the Unity prefab's camera."""
    down, right = (row - 59.5) / 60.0, (column - 79.5) / 60.0
    depth = 1.65 / (down * math.cos(PITCH) + math.sin(PITCH))
    ahead = 0.553 + depth * (math.cos(PITCH) - down * math.sin(PITCH))
    side = depth * right
    return (
        world_x + ahead * math.sin(yaw) + side * math.cos(yaw),
        world_z + ahead * math.cos(yaw) - side * math.sin(yaw),
    )


def offsets_from_line(world: World, x: float, z: float) -> tuple[float, float]:
    """Signed distance to the nearest point of the centre line, and that to another leg."""
    track = world.track
    dx, dz = x - track.nodes[:, 0], z - track.nodes[:, 1]
    along = np.clip(
        np.einsum("nk,nk->n", np.stack([dx, dz], 1), track.direction), 0.0, track.span_u
    )
    away = np.hypot(dx - along * track.direction[:, 0], dz - along * track.direction[:, 1])
    best = int(np.argmin(away))
    apart = np.abs(track.arc_u - track.arc_u[best])
    if track.closed:
        apart = np.minimum(apart, track.length_u - apart)
    other = float(away[apart > 30.0].min())
    side = dx[best] * track.direction[best, 1] - dz[best] * track.direction[best, 0]
    return math.copysign(float(away[best]), side), other


def plain_copy(scene: str, folder: Path) -> str:
    """Writes a copy of a scene of which only the strips of its ground are left, under a blue sky.

    Returns its path.
    """
    data = json.loads((SCENES_DIR / f"{scene}.json").read_text())
    needed = ("name", "path", "start", "start_line", "ground_rgb")
    plain = {key: data[key] for key in needed}
    plain |= {"obstacles": [], "sky": [[0, [94, 120, 159]], [44, [166, 190, 220]]]}
    ends = ("from_u", "to_u", "rgb")
    plain["cross_section"] = [{key: strip[key] for key in ends} for strip in data["cross_section"]]
    path = folder / f"{scene}.json"
    path.write_text(json.dumps(plain))
    return str(path)


@pytest.mark.parametrize("scene", ["generated_track", "generated_road", "mini_monaco"])
def test_pixels_show_the_strip_of_road_they_lie_on(scene: str, tmp_path: Path) -> None:
    world = World(plain_copy(scene, tmp_path))
    rng = np.random.default_rng(1)
    frame = np.zeros((120, 160, 3), np.uint8)
    checked = 0
    for _ in range(12):
        place = float(rng.uniform(20.0, min(world.track.length_u, 500.0) - 20.0))
        world.reset(
            arc_u=place,
            lateral_u=float(rng.uniform(-3, 3)),
            yaw_offset_rad=float(rng.uniform(-0.6, 0.6)),
        )
        world.render(frame)
        x, _, z = (8 * p for p in world.telemetry().pos)
        yaw = math.radians(world.telemetry().car[2])
        for row, column in zip(rng.integers(62, 120, 60), rng.integers(0, 160, 60), strict=True):
            lateral, other = offsets_from_line(
                world, *ground_point(x, z, yaw, int(row), int(column))
            )
            expected = [world.scene.ground_rgb]
            for strip in world.scene.cross_section:
                reach = 0.3  # a pixel's footprint and the chord's error
                if strip["from_u"] - reach < lateral < strip["to_u"] + reach:
                    inside = strip["from_u"] + reach < lateral < strip["to_u"] - reach
                    expected = [strip["rgb"]] if inside else [*expected, strip["rgb"]]
            seen = frame[row, column].astype(int)
            if (
                len(expected) > 1
                or other < abs(lateral) + 3.0
                or min(seen) < 45
                or (seen[0] > 150 and seen[1] < 90)
            ):
                continue  # on an edge, beside another leg, on the start line or a cone
            checked += 1
            assert np.abs(seen - expected[0]).max() <= 7, (scene, place, row, column, lateral)
    assert checked > 200


def test_another_leg_beside_the_road_is_drawn(tmp_path: Path) -> None:
    """The run beside one span ends where another part of the road is nearer."""
    world = World(plain_copy("mini_monaco", tmp_path))
    track = world.track
    gaps = np.hypot(*(track.nodes[:, None, :2] - track.nodes[None, :, :2]).transpose(2, 0, 1))
    apart = np.abs(track.arc_u[:, None] - track.arc_u[None, :])
    gaps[np.minimum(apart, track.length_u - apart) < 60.0] = np.inf
    here, there = np.unravel_index(np.argmin(gaps), gaps.shape)
    world.reset(arc_u=float(track.arc_u[here]) - 6.0)
    frame = np.zeros((120, 160, 3), np.uint8)
    world.render(frame)
    x, _, z = (8 * p for p in world.telemetry().pos)
    yaw = math.radians(world.telemetry().car[2])
    roads = 0
    for row in range(50, 120):
        for column in range(160):
            px, pz = ground_point(x, z, yaw, row, column)
            if math.hypot(px - track.nodes[there, 0], pz - track.nodes[there, 1]) < 2.0:
                roads += 1
                ground = np.array(world.scene.ground_rgb)
                assert np.abs(frame[row, column] - ground).max() > 40  # asphalt or a line
    assert roads > 5, f"the other leg {gaps[here, there]:.1f} u away is out of sight"


def test_at_a_crossing_neither_leg_lies_under_the_others_verge(tmp_path: Path) -> None:
    """The path of a generated road is its right lane: nearer to it is not nearer to the road."""
    world = World(plain_copy("generated_road", tmp_path))
    world.reset(3)
    track, road = world.track, world.scene.cross_section[0]
    left_u, right_u = road["from_u"], road["to_u"]
    here, there = track.crossings[-2:]
    crossing, frame = track.nodes[here, :2], np.zeros((120, 160, 3), np.uint8)
    verges = 0
    for leg in (here, there):
        world.reset(arc_u=float(track.arc_u[leg]) - 5.0)
        world.render(frame)
        x, _, z = (8 * p for p in world.telemetry().pos)
        yaw = math.radians(world.telemetry().car[2])
        for row in range(54, 120, 2):
            for column in range(0, 160, 2):
                at = np.array(ground_point(x, z, yaw, row, column))
                if np.hypot(*(at - crossing)) > 20.0:
                    continue
                sides = [
                    (at - track.nodes[k, :2]) @ (track.direction[k, ::-1] * (1.0, -1.0))
                    for k in (here, there)
                ]
                if any(left_u + 0.5 < side < right_u - 0.5 for side in sides):
                    assert (
                        np.abs(frame[row, column] - np.array(world.scene.ground_rgb)).max() > 10
                    ), (row, column)
                verges += all(not left_u - 0.5 < side < right_u + 0.5 for side in sides)
    assert verges > 30, "there is ground to be mistaken for it"


def test_legs_that_meet_are_divided_at_the_pixel_by_the_nearer_middle(tmp_path: Path) -> None:
    """At a shallow crossing lines that end in steps would hide which line is whose."""
    world = World(plain_copy("generated_road", tmp_path))
    frame = np.zeros((120, 160, 3), np.uint8)
    rng, strips, checked = np.random.default_rng(0), world.scene.cross_section, 0
    for seed in range(8):
        world.reset(seed)
        track = world.track
        middles = track.parallel_line(world.scene.middle_u)[:, :2]
        starts, along = middles[:-1], np.diff(middles, axis=0)
        for leg in track.crossings:
            world.reset(arc_u=float(track.arc_u[leg]) - 8.0)
            world.render(frame)
            x, _, z = (8 * p for p in world.telemetry().pos)
            yaw = math.radians(world.telemetry().car[2])
            for row, column in zip(
                rng.integers(70, 120, 300), rng.integers(0, 160, 300), strict=True
            ):
                at = np.array(ground_point(x, z, yaw, int(row), int(column)))
                past = np.clip(np.sum((at - starts) * along, 1) / np.sum(along**2, 1), 0.0, 1.0)
                away = np.hypot(*(at - starts - past[:, None] * along).T)
                nearest = int(np.argmin(away))
                others = np.abs(track.arc_u[:-1] - track.arc_u[nearest]) > 3.0 + 4.0 * away[nearest]
                if not others.any() or not 0.3 < away[others].min() - away[nearest] < 1.5:
                    continue  # as near within the footprint, or far from where the legs meet
                side = (at - starts[nearest]) @ (along[nearest, ::-1] * (1.0, -1.0))
                place = math.copysign(away[nearest], side) + world.scene.middle_u
                if any(
                    abs(place - strip[end]) < 0.35 for strip in strips for end in ("from_u", "to_u")
                ):
                    continue  # on the edge of a line
                inside = [
                    strip["rgb"] for strip in strips if strip["from_u"] < place < strip["to_u"]
                ]
                checked += 1
                expected = inside[-1] if inside else world.scene.ground_rgb
                assert np.abs(frame[row, column] - np.array(expected)).max() <= 7, (
                    seed,
                    leg,
                    row,
                    column,
                )
    assert checked > 100


def test_horizon_and_lane_lines_lie_where_the_optics_put_them(tmp_path: Path) -> None:
    """Centres of the painted lines against the pinhole camera, within 1.5 pixels."""
    world = World(plain_copy("generated_road", tmp_path))
    frame = np.zeros((120, 160, 3), np.uint8)
    for right, turned in ((0.0, 0.0), (1.0, 0.0), (-1.5, 0.05), (0.5, -0.08)):
        world.reset(0, arc_u=0.0, lateral_u=right, yaw_offset_rad=turned)
        world.render(frame)
        picture = frame.astype(int)
        assert abs((picture[:, 80, 2] - picture[:, 80, 0] > 50).argmin() - 43.9) <= 1.5
        for row in (70, 80, 90, 100, 110):
            down = (row - 59.5) / 60.0
            depth = 1.65 / (down * math.cos(PITCH) + math.sin(PITCH))
            ahead = 0.553 + depth * (math.cos(PITCH) - down * math.sin(PITCH))
            for line, paint in ((-6.205, "white"), (-2.2, "yellow"), (1.755, "white")):
                # The car is right + ahead sin(turned) right of the path there, and looks across
                # at the angle turned.
                column = 79.5 + 60.0 * (line - right - ahead * math.sin(turned)) / (
                    depth * math.cos(turned)
                )
                if not 8 <= column <= 151:
                    continue
                near = picture[row, round(column) - 7 : round(column) + 8]
                weight = near[:, 0] - 165 if paint == "white" else near[:, 0] - near[:, 2] - 10
                weight = np.clip(weight, 0, None)
                assert weight.sum() > 0, (right, turned, row, paint)
                middle = round(column) - 7 + (weight * np.arange(15)).sum() / weight.sum()
                assert abs(middle - column) <= 1.5, (right, turned, row, paint, middle, column)


def test_colours_are_those_of_the_reference_frames() -> None:
    """Medians within 15 of the figures of the 2020 frames of generated_track."""
    world = World("generated_track_2020")
    frame = np.zeros((120, 160, 3), np.uint8)
    world.reset(arc_u=6.0)
    world.render(frame)
    x, _, z = (8 * p for p in world.telemetry().pos)
    seen: dict[str, list[np.ndarray]] = {"asphalt": [], "yellow": [], "white": [], "grass": []}
    for row in range(70, 120):
        for column in range(160):
            lateral = ground_point(x, z, 0.0, row, column)[0] - 49.49
            for name, low, high in (
                ("asphalt", -1.5, 1.4),
                ("yellow", -2.05, -1.95),
                ("white", 1.93, 1.98),
                ("grass", 4.0, 9.0),
            ):
                if low < lateral < high:
                    seen[name].append(frame[row, column])
    expected = {
        "asphalt": (132, 138, 148),
        "yellow": (223, 199, 133),
        "white": (238, 246, 250),
        "grass": (112, 118, 90),
    }
    for name, rgb in expected.items():
        assert len(seen[name]) >= 5, name
        assert np.abs(np.median(seen[name], axis=0) - rgb).max() <= 15, (
            name,
            np.median(seen[name], axis=0),
        )
    for row, rgb in ((0, (94, 120, 159)), (20, (118, 146, 187)), (30, (138, 167, 204))):
        assert np.abs(np.median(frame[row], axis=0) - rgb).max() <= 15


@pytest.mark.parametrize(
    "view",
    [
        View(width=80, height=60),
        View(width=320, height=240),
        View(fov_deg=60.0),
        View(rotation_deg=(15.0, 0.0, 15.0)),
        View(fish_eye=(0.4, 0.7)),
        View(rotation_deg=(90.0, 0.0, 0.0)),
        View(rotation_deg=(-80.0, 180.0, 0.0)),
        View(width=1, height=1),
        View(width=3, height=2, fov_deg=170.0),
        View(width=7, height=3, offset_u=(0.0, 100.0, 0.0)),
        View(rotation_deg=(180.0, 0.0, 0.0)),
    ],
)
def test_any_view_is_drawn_whole_and_the_same_twice(view: View) -> None:
    world = World("mountain_track")
    world.reset(arc_u=30.0)
    frames = [np.full((view.height, view.width, 3), fill, np.uint8) for fill in (0, 255)]
    for frame in frames:
        world.render(frame, view)
    assert np.array_equal(frames[0], frames[1])  # not a pixel keeps what was there before


def test_a_smaller_picture_shows_the_same() -> None:
    world = World("generated_track")
    world.reset(arc_u=12.0)
    large, small = np.zeros((120, 160, 3), np.uint8), np.zeros((60, 80, 3), np.uint8)
    world.render(large)
    world.render(small, View(width=80, height=60))
    shrunk = large.reshape(60, 2, 80, 2, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 6.0
