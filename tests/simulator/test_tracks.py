"""Centre lines against the reference nodes of the Unity scenes, where those figures are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from agent.simulator.tracks import build_track, load_scene, scene_names, turtle

REFERENCE = Path(os.environ.get("DONKEY_REFERENCE_TRACKS", Path(__file__).parents[2] / ".." / "shared" / "tracks"))


def distances_to_line(points: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Distance of every point (n, 2) to the closed polyline through nodes (m, 2)."""
    leg = np.roll(nodes, -1, axis=0) - nodes
    relative = points[:, None] - nodes[None]
    t = np.clip((relative * leg).sum(-1) / (leg**2).sum(-1), 0.0, 1.0)
    return np.linalg.norm(relative - t[..., None] * leg, axis=-1).min(axis=1)


@pytest.mark.parametrize("scene", ["generated_track", "mountain_track", "mini_monaco"])
def test_centre_line_is_within_a_tenth_of_a_unit(scene: str) -> None:
    if not (REFERENCE / f"{scene}.csv").is_file():
        pytest.skip(f"no reference nodes in {REFERENCE}; set DONKEY_REFERENCE_TRACKS")
    reference = np.loadtxt(REFERENCE / f"{scene}.csv", delimiter=",", skiprows=1)
    nodes = build_track(load_scene(scene)).nodes
    assert distances_to_line(reference[:, :2], nodes[:, :2]).max() < 0.1
    assert distances_to_line(nodes[:, :2], reference[:, :2]).max() < 0.1
    nearest = np.linalg.norm(nodes[:, None, :2] - reference[None, :, :2], axis=-1).argmin(axis=1)
    assert np.abs(nodes[:, 2] - reference[nearest, 2]).max() < 0.25


@pytest.mark.parametrize(
    ("scene", "length_u"), [("generated_track", 214.9), ("mountain_track", 516.7), ("mini_monaco", 496.0)]
)
def test_length_is_the_published_one(scene: str, length_u: float) -> None:
    assert build_track(load_scene(scene)).length_u == pytest.approx(length_u, rel=0.002)


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


@pytest.mark.parametrize("scene", scene_names())
def test_nodes_run_in_driving_order_without_gaps(scene: str) -> None:
    track = build_track(load_scene(scene))
    assert track.span_u.max() < 2.5 and track.span_u.min() > 0.3
    x, z, heading = track.pose_at(10.0)
    assert track.arc_of(x, z) == pytest.approx(10.0, abs=0.3)
    turn = np.abs(np.angle(np.exp(1j * (np.arctan2(*track.direction[5]) - heading))))
    assert turn < 0.5


def test_unknown_scene_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'atlantis' is not at hand; choose from generated_road"):
        load_scene("atlantis")
