"""Parameters: ranges and choices, their columns and their features."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.search.parameter import Choice, Range
from agent.search.space import Space


@given(
    low=st.floats(-1e6, 1e6),
    size=st.floats(0, 1e6),
    integer=st.booleans(),
    unit=st.floats(0, 1),
    outside=st.floats(1),
)
def test_linear_ranges_stay_inside_and_repeat(
    low: float, size: float, integer: bool, unit: float, outside: float
) -> None:
    if integer:
        low = float(math.floor(low))
        size = float(math.floor(size))
    space = Space((Range("x", low, low + size, integer=integer),))
    params = space.decode(np.array([unit]))
    assert low <= params["x"] <= low + size
    assert space.decode(space.encode(params)) == params
    far = low + size + outside
    assert space.encode({"x": far if math.isfinite(far) else 1e300}) == space.encode(
        {"x": low + size}
    )


def test_every_integer_has_an_equal_bin() -> None:
    space = Space((Range("n", 3, 11, integer=True),))
    counts = Counter(
        space.decode(np.array([unit]))["n"] for unit in np.linspace(0.0005, 0.9995, 999)
    )
    assert sorted(counts) == list(range(3, 12))
    assert set(counts.values()) == {111}


def test_logarithmic_range_is_uniform_in_ratio() -> None:
    space = Space((Range("rate", 1e-5, 1e-2, log=True),))
    assert space.encode({"rate": 1e-5}) == pytest.approx([0.0])
    assert space.encode({"rate": 1e-4}) == pytest.approx([1 / 3])
    assert space.encode({"rate": 1e-2}) == pytest.approx([1.0])


def test_the_arc_keeps_distances() -> None:
    space = Space((Choice("a", ("on", "off")), Range("x", 0.0, 1.0, when=("a", "on"))))
    X = space.features(np.array([[0.0, x] for x in (0.0, 0.3, 1.0)]))
    lengths = np.sqrt(np.square(X[[0, 1, 0]] - X[[1, 2, 2]]).sum(axis=1))
    np.testing.assert_allclose(lengths, [0.3, 0.7, 1.0], rtol=0.05)


def test_numbers_in_order_are_neighbours() -> None:
    space = Space(
        (Choice("batch", (64, 128, 256)), Choice("gamma", (0.99, 0.9)), Choice("mixed", (3, 1, 2)))
    )
    X = space.features(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 0.0, 2.0]]))
    assert X.shape == (3, 5)
    np.testing.assert_allclose(X[:, 0], [0.0, 0.5, 1.0])
    np.testing.assert_allclose(X[:, 1], [0.0, 1.0, 0.0])
    np.testing.assert_allclose(np.square(X[0, 2:] - X[1:, 2:]).sum(axis=1), 1.0)
    assert [
        Choice("c", values).ordered
        for values in ((True, False), ("1", "2"), (1,), (1, 1), (1, 2.5))
    ] == [False] * 4 + [True]


def test_an_inactive_number_is_as_far_from_every_choice() -> None:
    space = Space((Choice("a", ("on", "off")), Choice("n", (4, 8, 16), when=("a", "on"))))
    X = space.features(np.array([[1.0, np.nan], [0.0, 0.0], [0.0, 1.0], [0.0, 2.0]]))
    distances = np.square(X[1:] - X[0]).sum(axis=1)
    np.testing.assert_allclose(distances, distances[0])


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Range("x", 0.0, 1.0, log=True)
    with pytest.raises(ValueError, match="not above"):
        Range("x", 2.0, 1.0)
    with pytest.raises(ValueError, match="no choices"):
        Choice("x", ())
