"""Triggers, laps and segments: upstream's and the fork's."""

from __future__ import annotations

import pytest

from agent.worlds.robotini.simulator.laps import LapCounter, passed, triggers

LENGTH_M = 12.0


@pytest.mark.parametrize(
    ("before_m", "after_m", "segments"),
    [
        (1.0, 2.0, []),
        (3.9, 4.0, [1]),
        (4.0, 4.1, []),  # counted before
        (4.1, 3.9, [1]),  # backwards
        (11.9, 0.1, [0]),
        (0.1, 11.9, [0]),
        (5.0, 5.0, []),
    ],
)
def test_a_trigger_is_met_once_from_either_side(
    before_m: float, after_m: float, segments: list[int]
) -> None:
    places = triggers(LENGTH_M, None)
    assert list(passed(places, before_m, after_m, LENGTH_M)) == segments


def test_the_fork_has_a_trigger_more_than_segments() -> None:
    places = triggers(LENGTH_M, 3)
    assert [place.distance_m for place in places] == [0.0, 3.0, 6.0, 9.0]
    assert [place.segment for place in places] == [0, 0, 1, 2]
    assert list(passed(places, 2.0, 6.5, LENGTH_M)) == [0, 1]


def test_the_first_crossing_starts_lap_0_and_the_next_ends_lap_1() -> None:
    counter = LapCounter(3)
    assert counter.lap.count == -1
    assert [counter.meet(segment, 1.0) for segment in (1, 2)] == ["", ""]
    assert counter.meet(0, 2.0) == "line"
    assert (counter.lap.count, counter.lap.last_sec) == (0, 0.0)
    assert [counter.meet(1, 4.0), counter.meet(2, 6.0), counter.meet(0, 9.5)] == [
        "segment",
        "segment",
        "lap",
    ]
    assert (counter.lap.count, counter.lap.last_sec, counter.lap.best_sec) == (1, 7.5, 7.5)
    for segment, now in ((1, 10.0), (2, 11.0), (0, 19.5)):
        counter.meet(segment, now)
    assert (counter.lap.count, counter.lap.last_sec, counter.lap.best_sec) == (2, 10.0, 7.5)
    assert counter.lap.total_sec == 19.5


def test_shuttling_over_the_line_is_no_lap() -> None:
    counter = LapCounter(3)
    counter.meet(0, 1.0)
    assert [counter.meet(0, 2.0), counter.meet(2, 3.0), counter.meet(0, 4.0)] == ["", "", ""]
    assert counter.lap.count == 0
    assert counter.last_met == 0
