"""Spaces: exact round trips, clipping, conditions, and what is refused."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.search.space import Choice, Range, Space, sweep_space, trial_space

SPACES = [
    trial_space(None, 5_000, 20_000),
    trial_space("ppo", 1, 7),
    trial_space("dqn", 50, 50),
    sweep_space(),
]


def test_tc003_round_trip() -> None:
    params = {"n_steer": 7, "n_throttle": 3, "learning_rate": 0.002}
    space = sweep_space()
    assert space.decode(space.encode(params)) == params
    assert type(space.decode(space.encode(params))["n_steer"]) is int


@pytest.mark.parametrize("space", SPACES)
@given(seed=st.integers(0, 2**32))
def test_sampled_params_survive_encoding_and_json(space: Space, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))
    point = space.encode(json.loads(json.dumps(params)))
    assert space.decode(point) == params
    assert point.shape == (space.width,)
    assert ((point >= 0.0) & (point <= 1.0)).all()


@given(mantissa=st.integers(100_000, 999_999), exponent=st.integers(-10, -8))
def test_learning_rates_of_six_digits_are_exact(mantissa: int, exponent: int) -> None:
    rate = float(f"{mantissa}e{exponent}")
    space = sweep_space()
    params = {"n_steer": 3, "n_throttle": 6, "learning_rate": min(max(rate, 1e-4), 3e-3)}
    assert space.decode(space.encode(params)) == params


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
        low, size = float(math.floor(low)), float(math.floor(size))
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


def test_inactive_parameters_are_neutral_and_absent() -> None:
    space = trial_space(None, 5_000, 20_000)
    ppo = {"agent": "ppo", "learning_rate": 1e-3, "timesteps": 10_000}
    assert space.decode(space.encode(ppo)) == ppo
    assert (space.encode(ppo)[2:4] == 0.5).all()
    assert (space.encode(ppo) == space.encode({**ppo, "n_steer": 3, "n_throttle": "unused"})).all()
    agents = Counter(space.sample(np.random.default_rng(seed))["agent"] for seed in range(200))
    assert min(agents["ppo"], agents["dqn"]) > 60


def test_conditions_nest() -> None:
    space = Space(
        (
            Choice("a", ("on", "off")),
            Choice("b", (1, 2, 3), when=("a", "on")),
            Range("c", 0.0, 1.0, when=("b", 3)),
        )
    )
    assert space.decode(space.encode({"a": "off", "b": 3, "c": 0.2})) == {"a": "off"}
    assert space.decode(space.encode({"a": "on", "b": 2, "c": 0.2})) == {"a": "on", "b": 2}
    assert space.decode(space.encode({"a": "on", "b": 3, "c": 0.2})) == {
        "a": "on",
        "b": 3,
        "c": 0.2,
    }


def test_codes_of_points_are_rounded_as_params_are() -> None:
    space = trial_space(None, 5_000, 20_000)
    codes = space.from_unit(np.random.default_rng(1).random((50, space.width)))
    expected = np.array([space.codes(space.params(row)) for row in codes])
    np.testing.assert_allclose(codes, expected, rtol=1e-12)


def test_what_is_inactive_cannot_matter() -> None:
    """The same distance from the inactive to every active value: covariances with it are equal."""
    space = trial_space(None, 5_000, 20_000)
    common: dict[str, Any] = {"learning_rate": 1e-3, "timesteps": 10_000}
    ppo: dict[str, Any] = {"agent": "ppo", **common}
    dqns = [
        {"agent": "dqn", "n_steer": s, "n_throttle": t, **common}
        for s in (3, 7, 11)
        for t in (2, 6)
    ]
    noise = [{**ppo, "n_steer": 3}, {**ppo, "n_steer": 11, "n_throttle": "unused"}]
    X = space.features(np.array([space.codes(params) for params in [ppo, *dqns, *noise]]))
    to_ppo = np.square(X[0] - X).sum(axis=1)
    np.testing.assert_allclose(to_ppo[1:7], to_ppo[1], rtol=1e-12)
    assert to_ppo[7:].tolist() == [0.0, 0.0]
    assert X.shape[1] == len(space.groups) == 2 + 2 + 2 + 1 + 1
    assert np.unique(space.groups).tolist() == [0, 1, 2, 3, 4]


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


def test_a_finite_space_lists_its_cells() -> None:
    space = Space(
        (
            Choice("a", ("on", "off")),
            Range("n", 1, 3, integer=True, when=("a", "on")),
            Range("z", 5, 5),
        )
    )
    cells = space.cells(4)
    assert cells is not None
    assert [space.params(cell) for cell in cells] == [
        *({"a": "on", "n": n, "z": 5.0} for n in (1, 2, 3)),
        {"a": "off", "z": 5.0},
    ]
    assert space.cells(3) is None
    assert sweep_space().cells(10**6) is None


def test_agent_decides_the_parameters() -> None:
    assert trial_space(None, 1, 2).names == (
        "agent",
        "n_steer",
        "n_throttle",
        "learning_rate",
        "timesteps",
    )
    assert trial_space("dqn", 1, 2).names == ("n_steer", "n_throttle", "learning_rate", "timesteps")
    assert trial_space("ppo", 1, 2).names == ("learning_rate", "timesteps")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"agent": "dqn"}, "searches 'ppo'"),
        ({"learning_rate": "fast"}, "learning_rate 'fast' is not a finite number"),
        ({"learning_rate": math.nan}, "not a finite number"),
        ({"learning_rate": None}, "not a finite number"),
        ({"timesteps": True}, "not a finite number"),
    ],
)
def test_encode_refuses(change: dict[str, Any], complaint: str) -> None:
    params = {"learning_rate": 1e-3, "timesteps": 6_000, **change}
    with pytest.raises(ValueError, match=complaint):
        trial_space("ppo", 5_000, 20_000).encode(params)


def test_encode_names_what_is_missing_or_unknown() -> None:
    with pytest.raises(ValueError, match="'timesteps' is missing"):
        trial_space("ppo", 1, 2).encode({"learning_rate": 1e-3})
    with pytest.raises(ValueError, match="agent 'sarsa' is unknown; choose from ppo, dqn"):
        trial_space(None, 1, 2).encode({"agent": "sarsa", "learning_rate": 1e-3, "timesteps": 1})


def test_impossible_spaces_are_refused() -> None:
    with pytest.raises(ValueError, match="agent 'sarsa' is unknown"):
        trial_space("sarsa", 1, 2)
    with pytest.raises(ValueError, match="timesteps from 9 to 5"):
        trial_space("ppo", 9, 5)
    with pytest.raises(ValueError, match="above 0"):
        Range("x", 0.0, 1.0, log=True)
    with pytest.raises(ValueError, match="not above"):
        Range("x", 2.0, 1.0)
    with pytest.raises(ValueError, match="no choices"):
        Choice("x", ())
    with pytest.raises(ValueError, match="no parameters"):
        Space(())
    with pytest.raises(ValueError, match="stands twice"):
        Space((Range("x", 0, 1), Range("x", 0, 1)))
    with pytest.raises(ValueError, match="put that choice before it"):
        Space((Range("x", 0, 1, when=("a", "on")), Choice("a", ("on",))))
