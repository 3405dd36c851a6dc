"""Scenes: centre lines against the reference, obstacles beside them, and roads drawn from a seed.

``reference_lines.json`` holds some forty nodes of every scene's centre line (x, z, height; u), see
NOTICE.
"""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.simulator.loops import LEAST_CROSSING_SINE, STEEPEST_SLOPE, loop_road
from agent.simulator.paths import turtle
from agent.simulator.tracks import (
    Scene,
    Track,
    build_track,
    load_scene,
    look_names,
    scene_for,
    scene_names,
)

SAMPLES = {
    scene: np.array(points)
    for scene, points in json.loads(
        (Path(__file__).parent / "reference_lines.json").read_text()
    ).items()
}
EVERY_SCENE = [*scene_names(), *look_names()]
LENGTHS_U = {
    "generated_track": 214.9,
    "mountain_track": 516.7,
    "warehouse": 351.6,
    "sparkfun_avc": 1047.9,
    "roboracingleague_1": 392.3,
    "waveshare": 66.4,
    "mini_monaco": 496.0,
    "warren": 395.5,
    "circuit_launch": 373.7,
    "thunderhill": 2825.0,
}
HEIGHT_WITHIN_U = {
    "mountain_track": 0.25,
    "sparkfun_avc": 1.1,
}  # sparkfun's ramp, 1 u high, is left flat
SEEDS = 500


def distances_to_line(points: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Distance of every point (n, 2) to the closed polyline through nodes (m, 2)."""
    ahead = np.roll(nodes, -1, axis=0)
    far = np.empty(len(points))
    for i, point in enumerate(points):
        leg, relative = ahead - nodes, point - nodes
        t = np.clip((relative * leg).sum(-1) / np.maximum((leg**2).sum(-1), 1e-12), 0.0, 1.0)
        far[i] = np.linalg.norm(relative - t[:, None] * leg, axis=-1).min()
    return far


def clearance(obstacle: dict[str, Any], nodes: np.ndarray) -> float:
    """Distance between an obstacle's outline and the nearest node, u."""
    away = nodes[:, :2] - (obstacle["x"], obstacle["z"])
    if obstacle["kind"] != "box":
        return float(np.hypot(*away.T).min() - obstacle["radius_u"])
    yaw = math.radians(obstacle["yaw_deg"])
    right = away @ (math.cos(yaw), -math.sin(yaw))
    ahead = away @ (math.sin(yaw), math.cos(yaw))
    half_width, half_length = obstacle["half_u"]
    return float(
        np.hypot(
            np.maximum(abs(right) - half_width, 0), np.maximum(abs(ahead) - half_length, 0)
        ).min()
    )


def curvature(nodes: np.ndarray) -> np.ndarray:
    """|Curvature| (1/u) at points 1 u apart, from the turn between two chords of 3 u."""
    ahead = np.roll(nodes, -1, axis=0)[:, :2] - nodes[:, :2]
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*ahead.T))])
    wanted = np.linspace(0.0, arc[-1], round(arc[-1]), endpoint=False)
    points = np.stack(
        [np.interp(wanted, arc, np.append(nodes[:, k], nodes[0, k])) for k in (0, 1)], axis=1
    )
    before, after = points - np.roll(points, 3, axis=0), np.roll(points, -3, axis=0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(np.abs(np.arctan2(cross, (before * after).sum(1))) / np.hypot(*after.T))


def half_width(scene: Scene) -> float:
    """Half of the road's width at its start line, u."""
    assert scene.start_line is not None
    return scene.start_line["half_width_u"]


@pytest.mark.parametrize("scene", list(SAMPLES))
def test_centre_line_runs_through_the_sampled_nodes_in_order(scene: str) -> None:
    track = build_track(load_scene(scene))
    sample = SAMPLES[scene]
    assert (
        distances_to_line(sample[:, :2], track.nodes[:, :2]).max() < 0.11
    )  # 0.1 and the samples' rounding
    first_to_first = np.hypot(*(track.nodes[0, :2] - sample[0, :2]))
    assert first_to_first < 0.15
    x, z, _ = track.pose_at(track.length_u * 0.02)
    ahead = sample[1, :2] - sample[0, :2]
    assert (x - sample[0, 0]) * ahead[0] + (z - sample[0, 1]) * ahead[1] > 0.0
    nearest = [track.nearest_node(x, z) for x, z in sample[:, :2]]
    assert np.abs(track.height_u[nearest] - sample[:, 2]).max() < HEIGHT_WITHIN_U.get(scene, 0.15)


@pytest.mark.parametrize(("scene", "length_u"), LENGTHS_U.items())
def test_length_is_the_published_one(scene: str, length_u: float) -> None:
    assert build_track(load_scene(scene)).length_u == pytest.approx(length_u, rel=0.004)


@pytest.mark.parametrize("name", look_names())
def test_a_look_lies_on_the_path_of_its_track(name: str) -> None:
    look, track = load_scene(name), load_scene(name.removesuffix("_2020"))
    assert (look.name, look.path, look.start) == (name, track.path, track.start)
    assert name not in scene_names()


def test_cones_trees_and_rails_are_as_large_as_in_the_real_simulator() -> None:
    track = load_scene("generated_track")
    assert {(o["radius_u"], o["height_u"]) for o in track.obstacles} == {(1.35, 4.0)}
    assert track.random_look is not None and track.random_look["trees"]["count"] == 100
    mountain = load_scene("mountain_track")
    oaks = [o for o in mountain.obstacles if o["name"].startswith("oak")]
    assert len(oaks) == 94 and not any(o["solid"] for o in oaks)
    assert {np.sign(rail["right_u"]) for rail in mountain.barriers} == {-1, 1}


def test_every_upstream_scene_is_at_hand() -> None:
    assert set(scene_names()) >= {*LENGTHS_U, "generated_road", "random_track"}


@pytest.mark.parametrize("name", EVERY_SCENE)
def test_start_pose_and_lines_lie_on_the_road_in_driving_order(name: str) -> None:
    scene = scene_for(load_scene(name), 3)
    track = build_track(scene, 3)
    start = track.arc_of(scene.start["x"], scene.start["z"])
    _, _, heading = track.pose_at(start)
    assert abs(
        math.remainder(heading - math.radians(scene.start["yaw_deg"]), 2 * math.pi)
    ) < math.radians(5)
    pose = np.array([[scene.start["x"], scene.start["z"]]])
    assert distances_to_line(pose, track.nodes[:, :2])[0] < 4.2
    if scene.start_line is not None:
        ahead = (
            track.arc_of(scene.start_line["x"], scene.start_line["z"]) - start
        ) % track.length_u
        assert 1.0 < ahead < 6.0
    for line in scene.more_start_lines:
        _, _, heading = track.pose_at(track.arc_of(line["x"], line["z"]))
        assert abs(
            math.remainder(heading - math.radians(line["yaw_deg"]), 2 * math.pi)
        ) < math.radians(5)


def test_roboracingleague_has_its_second_line_half_way_round() -> None:
    scene = load_scene("roboracingleague_1")
    track = build_track(scene)
    (second,) = scene.more_start_lines
    assert scene.start_line is not None
    apart = track.arc_of(second["x"], second["z"]) - track.arc_of(
        scene.start_line["x"], scene.start_line["z"]
    )
    assert 0.4 < apart % track.length_u / track.length_u < 0.6


@pytest.mark.parametrize("name", EVERY_SCENE)
def test_obstacles_are_whole_and_stand_clear_of_the_track(name: str) -> None:
    scene = load_scene(name)
    nodes = build_track(scene).nodes
    for obstacle in scene.obstacles:
        assert obstacle["kind"] in ("cone", "cylinder", "box", "cutout")
        assert obstacle["height_u"] > 0 and all(0 <= shade <= 255 for shade in obstacle["rgb"])
        if obstacle["kind"] == "box":
            assert max(obstacle["half_u"]) <= 10.0 + 1e-6 and "yaw_deg" in obstacle
        # The widest cones of generated_track reach a shoulder of its road.
        if obstacle.get("solid", True) and obstacle["kind"] != "cutout":
            assert clearance(obstacle, nodes) > 2.4, obstacle["name"]


@pytest.mark.parametrize("name", EVERY_SCENE)
def test_obstacles_have_unitys_names_for_duplicates(name: str) -> None:
    counts: dict[str, int] = {}
    for obstacle in load_scene(name).obstacles:
        base = obstacle["name"].split(" (")[0]
        expected = f"{base} ({counts[base]})" if base in counts else base
        assert obstacle["name"] == expected
        counts[base] = counts.get(base, 0) + 1


def test_turtle_draws_the_stated_number_of_points_and_turns_right() -> None:
    nodes = turtle([0.0, 0.0, 0.5], 2.0, "S 2, DY 90, R 1, S 1")
    assert np.allclose(nodes[:, :2], [[0, 0], [0, 2], [0, 4], [2, 4]])


def test_random_road_follows_its_rule_and_its_seed() -> None:
    scene = load_scene("generated_road")
    first, again, other = (build_track(scene, seed) for seed in (7, 7, 8))
    assert np.array_equal(first.nodes, again.nodes)
    assert not np.array_equal(first.nodes, other.nodes)
    assert len(first.nodes) == 1000 and not first.closed
    assert np.allclose(first.span_u, 2.0)
    assert first.length_u == pytest.approx(1998.0)


def crossing_spans(track: Track) -> set[int]:
    """Spans that cut another one, by the sides on which its ends lie."""
    starts = track.nodes[:, :2] if track.closed else track.nodes[:-1, :2]
    ends = np.roll(track.nodes[:, :2], -1, axis=0)[: len(starts)]
    spans = ends - starts

    def sides(points: np.ndarray) -> np.ndarray:
        away = points[None] - starts[:, None]
        return np.asarray(spans[:, None, 0] * away[..., 1] - spans[:, None, 1] * away[..., 0] > 0.0)

    parted = sides(starts) != sides(ends)
    cut = np.triu(parted & parted.T, 2)
    cut[0, -1] = False  # neighbours, where it is closed
    return {int(k) for pair in np.argwhere(cut) for k in pair}


@pytest.mark.parametrize(
    ("scene", "seed"),
    [
        ("circuit_launch", 0),
        ("sparkfun_avc", 0),
        ("generated_track", 0),
        *(("generated_road", k) for k in (1, 2, 3, 7, 9)),
    ],
)
def test_crossings_are_where_a_line_cuts_itself(scene: str, seed: int) -> None:
    track = build_track(load_scene(scene), seed)
    found = track.crossings.tolist()
    assert set(found) == crossing_spans(track)
    assert bool(found) == (scene in ("circuit_launch", "sparkfun_avc") or seed in (3, 7, 9))
    for node in found:
        assert (track.arc_u[node] - track.arc_before(node, 30.0)) % track.length_u == pytest.approx(
            30.0
        )


@pytest.mark.parametrize("angle_deg", [12.0, 30.0, 75.0, 90.0, 130.0])
def test_narrowness_is_the_cosine_between_a_crossings_ways(angle_deg: float) -> None:
    half = 50.0 * np.array([1.0, np.tan(np.radians(angle_deg / 2.0))])
    corners = half * np.array([(-1, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)])  # a bow tie
    sides = [np.linspace(a, b, 100, endpoint=False) for a, b in pairwise(corners)]
    track = Track(np.column_stack([np.concatenate(sides), np.zeros(400)]), closed=True)
    assert track.narrowness == pytest.approx([abs(np.cos(np.radians(angle_deg)))] * 2)


@pytest.mark.parametrize("scene", scene_names())
def test_nodes_run_in_driving_order_without_gaps(scene: str) -> None:
    track = build_track(load_scene(scene))
    assert track.span_u.max() < 2.5 and track.span_u.min() > 0.3
    x, z, heading = track.pose_at(10.0)
    assert track.arc_of(x, z) == pytest.approx(10.0, abs=0.3)
    turn = np.abs(
        np.angle(np.exp(1j * (np.arctan2(*track.direction[track.nearest_node(x, z)]) - heading)))
    )
    assert turn < 0.5


@pytest.fixture(scope="module")
def loops() -> list[tuple[Scene, Track]]:
    scene = load_scene("random_track")
    return [(scene_for(scene, seed), build_track(scene, seed)) for seed in range(SEEDS)]


def test_loops_are_closed_and_meet_themselves_only_squarely(
    loops: list[tuple[Scene, Track]],
) -> None:
    crossed = crowded = bent = 0
    for seed, (scene, track) in enumerate(loops):
        assert track.closed and track.span_u.min() > 0.97 and track.span_u.max() < 1.03, seed
        step = max(2, len(track.nodes) // 400)
        places = track.nodes[::step, :2].astype(np.float32)
        n = len(places)
        apart_u = step * np.minimum(np.arange(n), n - np.arange(n))  # along the road
        square = (places**2).sum(1)
        near = square[:, None] + square[None] - 2 * places @ places.T
        width = scene.cross_section[0]["to_u"] - scene.cross_section[0]["from_u"]
        column = (np.arange(n)[None] - np.arange(n)[:, None]) % n
        elsewhere = apart_u[column] > 30
        nearest_u = math.sqrt(max(near[elsewhere].min(initial=np.inf), 0.0))
        allowed_u = loop_road(scene.path, seed).apart_u
        crowded += allowed_u < nearest_u < 0.95 * width
        if nearest_u > allowed_u - 0.3:
            assert near[apart_u[column] >= 12].min() > min(5.0, nearest_u - 0.3) ** 2, seed
            continue
        crossed += 1
        here, there = np.nonzero(elsewhere & (near < (allowed_u - 0.3) ** 2))
        (ax, az), (bx, bz) = track.direction[::step][here].T, track.direction[::step][there].T
        assert np.abs(ax * bz - az * bx).min(initial=1.0) > LEAST_CROSSING_SINE - 0.1, seed
        # 10 u on, where a straight still goes the same way.
        ahead = np.roll(track.direction, -10, axis=0)[::step][here]
        bent += bool(
            (ahead * track.direction[::step][here]).sum(1).min(initial=1.0) < math.cos(0.25)
        )
    assert 0.2 < crossed / len(loops) < 0.4
    assert bent / crossed > 0.55, "knots cross in bends; without them 0.44"
    assert 0.01 < crowded / len(loops) < 0.2


def test_loops_depend_on_the_seed_alone() -> None:
    scene = load_scene("random_track")
    for seed in (0, 7):
        assert np.array_equal(build_track(scene, seed).nodes, build_track(scene, seed).nodes)
        assert scene_for(scene, seed) == scene_for(scene, seed)
    assert not np.array_equal(build_track(scene, 0).nodes[:50], build_track(scene, 7).nodes[:50])
    assert scene_for(scene, 0).cross_section != scene_for(scene, 7).cross_section
    assert scene_for(load_scene("warren"), 7) is load_scene("warren")


def test_loops_can_be_driven_and_spread_as_the_named_tracks_do(
    loops: list[tuple[Scene, Track]],
) -> None:
    """The loops' 1 to 99 % hold the named closed tracks' 5 to 95 % of every figure."""
    named = [(load_scene(name), build_track(load_scene(name))) for name in SAMPLES]
    assert max(curvature(track.nodes).max() for _, track in loops) < 1 / 4.9

    def figures(tracks: list[tuple[Scene, Track]]) -> dict[str, np.ndarray]:
        bends = [np.quantile(curvature(track.nodes), [0.05, 0.5, 0.95]) for _, track in tracks]
        return {
            "length": np.array([track.length_u for _, track in tracks]),
            "half width": np.array([half_width(scene) for scene, _ in tracks]),
            "curvature": np.concatenate(
                [np.quantile(curvature(t.nodes), np.linspace(0, 1, 50)) for _, t in tracks]
            ),
            "median curvature": np.array([bend[1] for bend in bends]),
        }

    target, got = figures(named), figures(loops)
    for what in target:
        low, high = np.quantile(target[what], [0.05, 0.95])
        least, most = np.quantile(got[what], [0.01, 0.99])
        assert least <= low + 1e-3 and most >= high, (what, least, low, high, most)


def test_a_third_of_the_loops_has_hills_as_steep_as_the_named_tracks_and_joins_up(
    loops: list[tuple[Scene, Track]],
) -> None:
    hilly = [track for _, track in loops if np.ptp(track.height_u) > 0.0]
    assert 0.15 < len(hilly) / len(loops) < 0.4
    slopes = [
        np.abs(np.diff(track.height_u, append=track.height_u[0])) / track.span_u for track in hilly
    ]
    steepest = [float(slope.max()) for slope in slopes]
    assert 0.1 < max(steepest) <= STEEPEST_SLOPE * 1.03  # mountain_track and thunderhill have 0.117
    assert min(steepest) < 0.03
    assert all(track.height_u[0] == loops[0][1].height_u[0] for track in hilly)


def test_a_third_of_the_loops_is_banked_as_steeply_as_mountain_track_and_joins_up() -> None:
    scene = load_scene("random_track")
    tracks = [build_track(scene, seed) for seed in range(60)]
    banked = [track for track in tracks if track.is_banked]
    assert 10 <= len(banked) <= 26
    steepest = np.degrees(np.arctan([np.abs(track.bank).max() for track in banked]))
    assert 12.0 < steepest.max() <= 20.0 + 1e-9
    for track in banked:
        twist = np.abs(np.diff(track.bank, append=track.bank[0]))
        assert twist[-1] <= 1.5 * twist.max()
        assert twist.max() < 0.06  # a node of 1 u farther on the road is as good as level with it
        assert track.bank_reach_u > 2.0


def test_unknown_scene_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'atlantis' is not at hand; choose from circuit_launch"):
        load_scene("atlantis")
