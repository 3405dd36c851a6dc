"""TinyGP against scikit-learn's GaussianProcessRegressor at equal hyperparameters; skipped without it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from agent.search.gp import TinyGP, standardise
from agent.search.kernel import Hyperparameters, squared_differences
from agent.search.likelihood import negative_log_posterior, negative_log_prior

gaussian_process: Any = pytest.importorskip("sklearn.gaussian_process")
kernels: Any = importlib.import_module("sklearn.gaussian_process.kernels")

LENGTHSCALES, SIGNAL, NOISE = np.array([0.4, 1.3, 0.8]), 1.7, 0.05


def _data(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.random((n, 3))
    return X, np.sin(5.0 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * rng.standard_normal(n)


def _reference(X: Any, z: Any) -> Any:
    kernel = kernels.ConstantKernel(SIGNAL) * kernels.Matern(
        LENGTHSCALES, nu=2.5
    ) + kernels.WhiteKernel(NOISE)
    return gaussian_process.GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(X, z)


@pytest.mark.parametrize("n", [1, 5, 60])
def test_mean_and_covariance_agree_to_1e_8(n: int) -> None:
    X, y = _data(n)
    z, mean, std = standardise(y)
    at = np.random.default_rng(9).random((40, 3))
    latent = kernels.ConstantKernel(SIGNAL) * kernels.Matern(LENGTHSCALES, nu=2.5)
    reference = gaussian_process.GaussianProcessRegressor(latent, alpha=NOISE, optimizer=None).fit(
        X, z
    )
    expected_mean, expected_std = reference.predict(at, return_std=True)
    found_mean, found_std = TinyGP(X, y, Hyperparameters(LENGTHSCALES, SIGNAL, NOISE)).predict(at)
    np.testing.assert_allclose(found_mean, mean + std * expected_mean, atol=1e-8, rtol=1e-8)
    np.testing.assert_allclose(found_std, std * expected_std, atol=1e-8, rtol=1e-8)


def test_log_marginal_likelihood_agrees_to_1e_8() -> None:
    X, y = _data(60)
    z, _, _ = standardise(y)
    theta = np.log(np.array([*LENGTHSCALES, SIGNAL, NOISE]))
    value, _ = negative_log_posterior(theta, squared_differences(X), z)
    prior, _ = negative_log_prior(theta)
    expected = _reference(X, z).log_marginal_likelihood_value_
    assert -(value - prior) == pytest.approx(expected, rel=1e-8)
