"""Start poses: perturbed ones lie far aside, or upright before a crossing, rather a narrow one."""

from __future__ import annotations

import numpy as np
import pytest

from agent.simulator.tracks import Track, build_track, load_scene
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.starts import (
    EVEN_CROSSINGS,
    NARROW_CROSSINGS,
    PERTURBED_SHARE,
    CrossingStarts,
    anywhere,
    jittered,
    perturbed,
)

MAX_CTE = 8.0
FOUR_CROSSINGS = 9066  # one of them at 84 degrees and three at 40 to 52


@pytest.fixture(scope="module")
def road() -> Track:
    """An open road that crosses itself."""
    return build_track(load_scene("generated_road"), FOUR_CROSSINGS)


def drawn(track: Track, crossings: CrossingStarts, n: int = 300) -> list[dict[str, float]]:
    rng = np.random.default_rng(3)
    return [perturbed(track, crossings, MAX_CTE, rng) for _ in range(n)]


def ways_to_crossings_u(track: Track, start: dict[str, float]) -> np.ndarray:
    return track.arc_u[track.crossings] - start["arc_u"]


@pytest.mark.parametrize("crossings", [EVEN_CROSSINGS, NARROW_CROSSINGS])
def test_some_of_the_perturbed_stand_upright_before_a_crossing(
    road: Track, crossings: CrossingStarts
) -> None:
    starts = drawn(road, crossings)
    upright = [
        start
        for start in starts
        if abs(start["lateral_u"]) <= 1.5 and abs(start["yaw_offset_rad"]) <= np.radians(10.0)
    ]
    before = []
    for start in upright:
        ahead_u = ways_to_crossings_u(road, start)
        least_u, most_u = crossings.distance_u
        before.append(bool(((ahead_u > least_u - 1.0) & (ahead_u < most_u + 1.0)).any()))
    share = sum(before) / len(starts)
    assert crossings.share - 0.08 < share < crossings.share + 0.15


def test_the_others_lie_far_aside_but_on_the_road(road: Track) -> None:
    starts = drawn(road, CrossingStarts(0.0, (0.0, 1.0), narrow=False))
    aside_u = np.abs([start["lateral_u"] for start in starts])
    assert 0.9 * PERTURBED_SHARE * MAX_CTE < aside_u.max() <= PERTURBED_SHARE * MAX_CTE


def test_narrow_crossings_are_likelier_than_square_ones(road: Track) -> None:
    def share_before_the_square_one(crossings: CrossingStarts) -> float:
        found = []
        for start in drawn(road, crossings):
            ahead_u = ways_to_crossings_u(road, start)
            at = (ahead_u > 18.0) & (ahead_u < 47.0)
            if at.any():
                found.append(bool(road.narrowness[at].max() < 0.2))
        return float(np.mean(found))

    even = share_before_the_square_one(CrossingStarts(0.8, (20.0, 45.0), narrow=False))
    narrow = share_before_the_square_one(CrossingStarts(0.8, (20.0, 45.0), narrow=True))
    assert narrow < 0.5 * even


def test_starts_anywhere_leave_some_of_an_open_road_and_jitter_hardly_moves(road: Track) -> None:
    rng = np.random.default_rng(0)
    arcs_u = [anywhere(road, rng)["arc_u"] for _ in range(200)]
    assert 0.7 * road.length_u < max(arcs_u) <= 0.8 * road.length_u
    assert min(arcs_u) < 0.05 * road.length_u
    near = [jittered(rng) for _ in range(50)]
    assert all(abs(start["lateral_u"]) <= 0.5 for start in near)
    assert not any("arc_u" in start for start in near)


@pytest.mark.parametrize("narrow", [False, True])
def test_an_environment_starts_as_its_conf_has_it(narrow: bool) -> None:
    env = DonkeyEnv("generated_road", {"start": "perturbed", "narrow_crossings": narrow})
    _, info = env.reset(seed=FOUR_CROSSINGS)
    expected = DonkeyEnv("generated_road")
    expected.reset(seed=FOUR_CROSSINGS)
    rng = np.random.default_rng(FOUR_CROSSINGS)
    crossings = NARROW_CROSSINGS if narrow else EVEN_CROSSINGS
    expected.world.reset(**perturbed(expected.world.track, crossings, MAX_CTE, rng))
    assert info["pos"] == expected.world.telemetry().pos
