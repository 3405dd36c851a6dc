"""The kernel against its formula, and matrices that are hard to factor."""

from __future__ import annotations

import numpy as np
import pytest

from agent.search.kernel import cholesky, inverse_of_lower, matern52
from tests.search.gp_data import HYPERPARAMETERS, data, matern52_of_a_pair


def test_kernel_matches_the_pairwise_formula() -> None:
    A, B = data(6)[0], data(4, seed=1)[0]
    expected = [[matern52_of_a_pair(a, b, HYPERPARAMETERS) for b in B] for a in A]
    np.testing.assert_allclose(matern52(A, B, HYPERPARAMETERS), expected, rtol=1e-10)


def test_cholesky_mends_what_is_not_definite_and_leaves_the_rest_alone() -> None:
    definite = np.array([[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(cholesky(definite) @ cholesky(definite).T, definite)
    for indefinite in (np.array([[1.0, 9.0], [9.0, 1.0]]), -np.eye(3), np.zeros((2, 2))):
        L = cholesky(indefinite)
        assert np.isfinite(L).all()
        assert (np.diag(L) > 0.0).all()
    with pytest.raises(ValueError, match="finite"):
        cholesky(np.full((2, 2), np.nan))


@pytest.mark.parametrize("n", [1, 64, 65, 200])
def test_a_lower_factor_is_inverted_by_halves(n: int) -> None:
    L = np.tril(np.random.default_rng(n).standard_normal((n, n))) / n + np.eye(n)
    np.testing.assert_allclose(inverse_of_lower(L) @ L, np.eye(n), atol=1e-12)
