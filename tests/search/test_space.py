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

from agent.search.parameter import Choice, Range
from agent.search.space import Space
from tests.search.example_spaces import BOTH_AGENTS, DQN, PPO, RATE

CONSTANT = Space((RATE, Range("timesteps", 50, 50, log=True, integer=True)))
SPACES = [BOTH_AGENTS, PPO, DQN, CONSTANT]


def test_tc003_round_trip() -> None:
    params = {"n_steer": 7, "n_throttle": 3, "learning_rate": 0.002}
    assert DQN.decode(DQN.encode(params)) == params
    assert type(DQN.decode(DQN.encode(params))["n_steer"]) is int


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
    params = {"n_steer": 3, "n_throttle": 6, "learning_rate": min(max(rate, 1e-4), 3e-3)}
    assert DQN.decode(DQN.encode(params)) == params


def test_inactive_parameters_are_neutral_and_absent() -> None:
    ppo = {"agent": "ppo", "learning_rate": 1e-3, "timesteps": 10_000}
    assert BOTH_AGENTS.decode(BOTH_AGENTS.encode(ppo)) == ppo
    assert (BOTH_AGENTS.encode(ppo)[2:4] == 0.5).all()
    assert (
        BOTH_AGENTS.encode(ppo) == BOTH_AGENTS.encode({**ppo, "n_steer": 3, "n_throttle": "unused"})
    ).all()
    agents = Counter(
        BOTH_AGENTS.sample(np.random.default_rng(seed))["agent"] for seed in range(200)
    )
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
    codes = BOTH_AGENTS.from_unit(np.random.default_rng(1).random((50, BOTH_AGENTS.width)))
    expected = np.array([BOTH_AGENTS.codes(BOTH_AGENTS.params(row)) for row in codes])
    np.testing.assert_allclose(codes, expected, rtol=1e-12)


def test_what_is_inactive_cannot_matter() -> None:
    """The same distance from the inactive to every active value: covariances with it are equal."""
    common: dict[str, Any] = {"learning_rate": 1e-3, "timesteps": 10_000}
    ppo: dict[str, Any] = {"agent": "ppo", **common}
    dqns = [
        {"agent": "dqn", "n_steer": s, "n_throttle": t, **common}
        for s in (3, 7, 11)
        for t in (2, 6)
    ]
    noise = [{**ppo, "n_steer": 3}, {**ppo, "n_steer": 11, "n_throttle": "unused"}]
    X = BOTH_AGENTS.features(
        np.array([BOTH_AGENTS.codes(params) for params in [ppo, *dqns, *noise]])
    )
    to_ppo = np.square(X[0] - X).sum(axis=1)
    np.testing.assert_allclose(to_ppo[1:7], to_ppo[1], rtol=1e-12)
    assert to_ppo[7:].tolist() == [0.0, 0.0]
    assert X.shape[1] == len(BOTH_AGENTS.groups) == 2 + 2 + 2 + 1 + 1
    assert np.unique(BOTH_AGENTS.groups).tolist() == [0, 1, 2, 3, 4]


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
    assert DQN.cells(10**6) is None


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
        PPO.encode(params)


def test_encode_names_what_is_missing_or_unknown() -> None:
    with pytest.raises(ValueError, match="'timesteps' is missing"):
        PPO.encode({"learning_rate": 1e-3})
    with pytest.raises(ValueError, match="agent 'sarsa' is unknown; choose from ppo, dqn"):
        BOTH_AGENTS.encode({"agent": "sarsa", "learning_rate": 1e-3, "timesteps": 1})


def test_impossible_spaces_are_refused() -> None:
    with pytest.raises(ValueError, match="no parameters"):
        Space(())
    with pytest.raises(ValueError, match="stands twice"):
        Space((Range("x", 0, 1), Range("x", 0, 1)))
    with pytest.raises(ValueError, match="put that choice before it"):
        Space((Range("x", 0, 1, when=("a", "on")), Choice("a", ("on",))))
