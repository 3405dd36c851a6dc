"""Circuits: scaled, sampled and smoothed; gaps and impossible lengths; bends and legs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.worlds.donkey.track_making.circuit import make_circuit, smoothed
from agent.worlds.donkey.track_making.drivable import (
    SMALLEST_CIRCLE_U,
    overlapping_legs,
    radii,
    tight_bends,
)
from agent.worlds.donkey.track_making.line_read import LineRead, Points
from agent.worlds.donkey.track_making.rounding import MOST_MOVED_U, rounded
from tests.worlds.donkey.track_making.lines import bean, circuit, polygon, read, stadium

FILE = Path("circuit.csv")
OBLONG = polygon((0, 0), (200, 0), (200, 40), (0, 40))


def test_a_line_is_scaled_sampled_and_centred() -> None:
    points = bean() + 500.0
    widths = np.column_stack([np.full(40, 3.0), np.linspace(2.0, 4.0, 40)])
    made = make_circuit(FILE, read(points, widths), 2.0, 0.0, centred=True)
    steps = np.hypot(*(np.roll(made.points, -1, axis=0) - made.points).T)
    np.testing.assert_allclose(steps, 1.0, atol=0.02)
    assert made.length_u == pytest.approx(2.0 * _length(bean(4000)), rel=1e-3)
    assert np.abs(made.points.min(axis=0) + made.points.max(axis=0)).max() < 10.0
    assert made.right_u is not None and made.left_u is not None
    assert made.right_u == pytest.approx(6.0) and made.left_u.min() < 4.6 < 7.4 < made.left_u.max()
    assert made.labels[0] == "line 1" and made.labels[len(made.labels) // 2] in (
        "line 21",
        "line 22",
    )
    kept = make_circuit(FILE, read(points), 2.0, 0.0, centred=False)
    np.testing.assert_allclose(kept.points[0], 2.0 * points[0], atol=1e-6)
    assert kept.right_u is None


def _length(points: Points) -> float:
    return float(np.hypot(*(np.roll(points, -1, axis=0) - points).T).sum())


def test_a_point_that_is_there_twice_says_nothing() -> None:
    points = np.repeat(bean(), 2, axis=0)
    closed = np.vstack([points, points[:1]])
    one = make_circuit(FILE, read(bean()), 1.0, 0.0, centred=False)
    other = make_circuit(FILE, read(closed), 1.0, 0.0, centred=False)
    np.testing.assert_allclose(other.points, one.points, atol=1e-9)


@pytest.mark.parametrize(
    ("line", "scale", "complaint"),
    [
        (read(bean()[:28]), 1.0, "is open: .* from its last point, line 28, to its first; close"),
        (read(bean(400)[:385], is_loop=False), 1.0, "is open: "),
        (
            read(np.delete(OBLONG, range(1, 40), axis=0)),
            1.0,
            "has a gap of 200.0 u after line 1, 42% of its",
        ),
        (read(np.repeat([[1.0, 2.0]], 9, axis=0)), 1.0, "has 1 points that differ; give at least"),
        (read(bean()), 0.01, "is 8.24 u long, and the car's smallest circle 35 u; give --scale"),
        (read(bean()), 60.0, "is 49442 u long; give --scale 6.1, which makes it 5000 u"),
        (
            read(bean() * (0.1, 8.0)),
            6.0,
            "reaches 4745 u from the middle; give --scale 4.4 or less",
        ),
    ],
)
def test_what_is_no_circuit_is_one_line(line: LineRead, scale: float, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        make_circuit(FILE, line, scale, 0.0, centred=True)
    assert "\n" not in str(caught.value)


def test_smoothing_halves_the_wave_that_is_named() -> None:
    n = 600
    wave = np.cos(2.0 * np.pi * 10 * np.arange(n) / n)[:, None]
    assert smoothed(wave, n / 10 / (2.0 * np.pi)) == pytest.approx(0.5 * wave, abs=1e-9)


def test_radii_are_those_of_circles() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 63, endpoint=False)
    ring = 10.0 * np.column_stack([np.cos(turn), np.sin(turn)])
    np.testing.assert_allclose(radii(ring), 10.0)
    assert abs(SMALLEST_CIRCLE_U - 5.59) < 0.01


def test_tight_bends_are_told_with_their_places() -> None:
    tight = circuit(stadium(4.0))
    first, second = tight_bends(tight)
    assert first.text.startswith("a bend of 4.0 u radius at x ") and "(point " in first.text
    assert {round(first.x / 10), round(second.x / 10)} == {4, -4}
    assert tight_bends(circuit(stadium(6.0))) == []


def test_legs_that_overlap_are_told_and_square_crossings_are_not() -> None:
    narrow = circuit(stadium(7.0))
    assert overlapping_legs(narrow, 12.0) == []
    (fault,) = overlapping_legs(narrow, 16.0)
    assert fault.text.startswith("two legs 14.0 u apart at x ")
    turn = 2.0 * np.pi * np.arange(400) / 400
    for height, faults in ((50.0, 0), (8.0, 1)):
        eight = np.column_stack([80.0 * np.sin(turn), height * np.sin(2.0 * turn)])
        assert len(overlapping_legs(circuit(eight), 8.0)) == faults


@pytest.mark.parametrize(
    ("points", "most_u"),
    [
        (stadium(4.6), 1.5),  # a hairpin is widened
        (stadium(5.4), 0.5),
        (polygon((0, 0), (150, 10), (160, 100), (-10, 90)), 3.8),
    ],
)
def test_bends_are_rounded_until_they_can_be_driven(points: Points, most_u: float) -> None:
    line = circuit(points)
    assert tight_bends(line)
    found = rounded(line)
    assert found is not None and 0.0 < found.moved_u < most_u
    assert tight_bends(found.circuit) == []
    assert len(found.circuit.labels) == len(found.circuit.points)
    away = np.hypot(*(found.circuit.points[:, None] - line.points).transpose(2, 0, 1))
    assert away.min(axis=1).max() <= found.moved_u + 0.5
    again = rounded(found.circuit)
    assert again is not None and again.moved_u == 0.0


def test_what_would_be_moved_too_far_is_left_as_it_is() -> None:
    assert rounded(circuit(stadium(1.5))) is None, f"more than {MOST_MOVED_U} u"


def test_a_lap_may_begin_anywhere() -> None:
    line = circuit(bean())
    other = line.started_at(50.0)
    np.testing.assert_array_equal(other.points[0], line.points[50])
    assert other.labels[0] == line.labels[50] and other.labels[-1] == line.labels[49]
    assert line.started_at(0.0).labels == line.labels
    straight = circuit(stadium(10.0, 120.0)).straightest_u
    x, z = circuit(stadium(10.0, 120.0)).points[round(straight)]
    assert abs(x) < 50.0 and abs(abs(z) - 10.0) < 0.1
