"""Prioritised level replay: roads not driven yet first, then those with most left to learn."""

from __future__ import annotations

import numpy as np

from agent.worlds.donkey.road_replay import STALE_SHARE, RoadReplay


def test_roads_that_nobody_drove_come_first_then_those_with_the_highest_score() -> None:
    replay, rng = RoadReplay(10, 1.0), np.random.default_rng(0)
    for road in range(8):
        replay.note(np.array([road, road]), np.array([road, road + 1.0], dtype=np.float32))
    assert set(np.argsort(-replay.chances())[:2]) == {8, 9}
    for road in (8, 9):
        replay.note(np.array([road]), np.array([0.0], dtype=np.float32))
    drawn = np.bincount([replay.draw(rng) for _ in range(2000)], minlength=10)
    assert drawn.argmax() == 7
    assert drawn[7] > 1.5 * drawn[5] > 0
    assert drawn.min() > 2000 * STALE_SHARE / 10 / 3  # none is forgotten for ever


def test_without_a_share_draws_are_even() -> None:
    replay, rng = RoadReplay(4, 0.0), np.random.default_rng(0)
    replay.note(np.array([2]), np.array([100.0], dtype=np.float32))
    drawn = np.bincount([replay.draw(rng) for _ in range(4000)], minlength=4)
    assert drawn.min() > 900


def test_a_score_moves_halfway_to_what_is_found_now() -> None:
    replay = RoadReplay(2, 1.0)
    replay.note(np.array([0]), np.array([4.0], dtype=np.float32))
    replay.note(np.array([0, 1, 0]), np.array([0.0, 3.0, 4.0], dtype=np.float32))
    assert replay.scores.tolist() == [3.0, 3.0]
