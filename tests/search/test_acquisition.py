"""The upper confidence bound."""

from __future__ import annotations

import numpy as np

from agent.search.acquisition import ucb


def test_ucb_is_mean_plus_kappa_std() -> None:
    mean, std = np.array([1.0, -2.0, 100.0]), np.array([0.5, 3.0, 0.0])
    assert ucb(mean, std, 2.0).tolist() == [2.0, 4.0, 100.0]
    assert ucb(mean, std, 0.0).tolist() == mean.tolist()


def test_kappa_moves_the_choice_to_the_unknown() -> None:
    mean, std = np.array([1.0, 0.8]), np.array([0.1, 0.5])
    assert ucb(mean, std, 0.1).argmax() == 0
    assert ucb(mean, std, 2.0).argmax() == 1
