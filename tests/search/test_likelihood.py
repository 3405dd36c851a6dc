"""The likelihood against the normal density, and its gradient against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from agent.search.arrays import Array
from agent.search.kernel import Hyperparameters, squared_differences
from agent.search.likelihood import (
    LENGTHSCALE_PRIOR,
    LENGTHSCALE_SPREAD,
    NOISE_PRIOR,
    SIGNAL_PRIOR,
    Repeats,
    negative_log_posterior,
)
from tests.search.gp_data import data, matern52_of_a_pair


def _log_density(theta: Array, X: Array, y: Array) -> float:
    """log N(y | 0, K) by determinant and solve, from the pairwise kernel."""
    hyperparameters = Hyperparameters.from_log(theta)
    K = np.array([[matern52_of_a_pair(a, b, hyperparameters) for b in X] for a in X])
    K += hyperparameters.noise * np.eye(len(X))
    _, log_determinant = np.linalg.slogdet(2.0 * np.pi * K)
    return float(-0.5 * y @ np.linalg.solve(K, y) - 0.5 * log_determinant)


def test_log_likelihood_matches_the_normal_density() -> None:
    X, y = data(12)
    thetas = np.log([[0.3, 0.5, 2.0, 1.2, 0.1], [1.0, 0.2, 0.7, 0.4, 0.02]])
    mean, std = np.array([LENGTHSCALE_PRIOR] * 3 + [SIGNAL_PRIOR, NOISE_PRIOR]).T
    covariance = np.diag(np.square(std))
    covariance[:3, :3] = LENGTHSCALE_PRIOR[1] ** 2 + LENGTHSCALE_SPREAD**2 * (np.eye(3) - 1.0 / 3.0)
    for theta in thetas:
        value, _ = negative_log_posterior(theta, squared_differences(X), y)
        log_prior = -0.5 * (theta - mean) @ np.linalg.solve(covariance, theta - mean)
        assert -value == pytest.approx(_log_density(theta, X, y) + log_prior, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_matches_finite_differences(seed: int) -> None:
    X, y = data(20, seed=seed)
    squares = squared_differences(X)
    theta = np.random.default_rng(seed).normal(-0.5, 0.7, size=5)
    _, gradient = negative_log_posterior(theta, squares, y)
    h = 1e-5
    numeric = [
        (
            negative_log_posterior(theta + e, squares, y)[0]
            - negative_log_posterior(theta - e, squares, y)[0]
        )
        / (2 * h)
        for e in h * np.eye(5)
    ]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6)


def test_repeats_count_as_often_as_they_were_measured() -> None:
    """Likelihood and gradient of pooled rows: those of all single outcomes, up to a constant."""
    rng = np.random.default_rng(0)
    X, count = rng.random((5, 2)), np.array([1, 3, 1, 2, 4])
    row = np.repeat(np.arange(5), count)
    y = rng.standard_normal(len(row))
    mean = np.bincount(row, y) / count
    repeats = Repeats(
        count.astype(float), np.zeros(5), np.bincount(row, np.square(y - mean[row])).astype(float)
    )
    gaps = []
    for theta in rng.normal(-0.5, 0.5, size=(3, 4)):
        pooled, slope = negative_log_posterior(theta, squared_differences(X), mean, repeats)
        single, single_slope = negative_log_posterior(theta, squared_differences(X[row]), y)
        gaps.append(pooled - single)
        np.testing.assert_allclose(slope, single_slope, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-9)
