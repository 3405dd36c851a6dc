"""Candidates: new ones, and moves that stay near and inside."""

from __future__ import annotations

import numpy as np

from agent.search.candidates import anywhere, around, nearest, new_candidates, unseen
from agent.search.parameter import Choice, Range
from agent.search.space import Space
from agent.search.surrogate import row_keys
from tests.search.example_spaces import BOTH_AGENTS

BOX = Space(tuple(Range(name, 0.0, 1.0) for name in "abcde"))
MIXED = Space((Range("n", 1, 12, integer=True), Choice("c", ("x", "y", "z")), Range("r", 0, 1)))


def test_candidates_anywhere_fill_the_space() -> None:
    codes = anywhere(MIXED, np.random.default_rng(0), 2000)
    assert set(codes[:, 0]) == set(range(1, 13))
    assert set(codes[:, 1]) == {0.0, 1.0, 2.0}
    assert codes[:, 2].min() < 0.01 < 0.99 < codes[:, 2].max()


def test_moves_change_a_few_parameters_by_little() -> None:
    centre = BOX.codes(dict.fromkeys("abcde", 0.5))
    codes = around(BOX, np.array([centre]), np.random.default_rng(0), 2000)
    moved = codes != 0.5
    assert moved.any(axis=1).all()
    assert 2.0 < moved.sum(axis=1).mean() < 3.0
    assert np.median(np.abs(codes - 0.5)[moved]) < 0.1


def test_moves_stay_inside_and_integers_leave_their_bin() -> None:
    centres = np.array([[1.0, 0.0, 0.0], [12.0, 2.0, 1.0]])
    codes = around(MIXED, centres, np.random.default_rng(0), 2000)
    assert codes[:, 0].min() == 1.0 and codes[:, 0].max() == 12.0
    assert codes[:, 2].min() >= 0.0 and codes[:, 2].max() <= 1.0
    known = set(row_keys(MIXED, centres))
    assert np.mean([key in known for key in row_keys(MIXED, codes)]) < 0.3


def test_a_parameter_that_becomes_active_is_drawn_anew() -> None:
    ppo = {"agent": "ppo", "learning_rate": 1e-3, "timesteps": 9_000}
    centres = np.array([BOTH_AGENTS.codes(ppo)])
    codes = around(BOTH_AGENTS, centres, np.random.default_rng(0), 2000)
    dqn = codes[codes[:, 0] == 1.0]
    assert len(dqn) > 100
    assert set(dqn[:, 1]) == set(range(3, 12))
    assert np.isnan(codes[codes[:, 0] == 0.0, 1]).all()


def test_the_nearest_keep_their_order() -> None:
    line = Space((Range("x", 0.0, 1.0),))
    codes = np.linspace(0.0, 1.0, 101)[::-1, None]
    near = nearest(line, codes, np.array([[0.2], [0.8]]), 0.1)
    assert (np.diff(near[:, 0]) < 0.0).all()
    assert len(near) == 22
    assert np.abs(near - 0.5).min() == 0.25


def test_the_unseen_are_distinct_and_then_taken() -> None:
    codes = np.array([[1.0, 0.0, 0.5], [2.0, 0.0, 0.5], [1.0, 0.0, 0.5]])
    taken = set(row_keys(MIXED, codes[1:2]))
    assert unseen(MIXED, codes, taken).tolist() == [[1.0, 0.0, 0.5]]
    assert unseen(MIXED, codes, taken).size == 0


def test_a_finite_space_offers_its_free_cells() -> None:
    space = Space((Range("n", 1, 6, integer=True), Choice("side", ("left", "right"))))
    cells = space.cells(12)
    assert cells is not None
    taken = set(row_keys(space, cells[:4]))
    found = new_candidates(space, taken, np.random.default_rng(0), n=1)
    assert found.tolist() == cells[4:].tolist()


def test_all_may_be_near_the_centres_or_two_fifths() -> None:
    centre = BOX.codes(dict.fromkeys("abcde", 0.5))
    rng = np.random.default_rng(0)
    for near, least, most in ((True, 0.95, 1.0), (False, 0.35, 0.45)):
        codes = new_candidates(BOX, set(), rng, 2000, np.array([centre]), near)
        assert least <= (codes == 0.5).any(axis=1).mean() <= most
