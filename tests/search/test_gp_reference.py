"""TinyGP against numbers of scikit-learn 1.9.1 at equal hyperparameters.

They lie in ``tests/fixtures/gp_reference.json`` and were computed once, with ``data`` and
``inputs`` of this file and standardised outcomes z:

    latent = ConstantKernel(SIGNAL) * Matern(LENGTHSCALES, nu=2.5)
    GaussianProcessRegressor(latent, alpha=NOISE, optimizer=None).fit(X, z).predict(at, True)
    noisy = latent + WhiteKernel(NOISE)
    process = GaussianProcessRegressor(noisy, alpha=0.0, optimizer=None).fit(X, z)
    process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)

Predictions are in the unit of the outcomes; the scale of a single outcome is its size. The gradient
is by the logarithms of the three lengthscales, the signal variance and the noise variance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.search.arrays import Array
from agent.search.gp import TinyGP, standardise
from agent.search.kernel import Hyperparameters, squared_differences
from agent.search.likelihood import negative_log_posterior, negative_log_prior

LENGTHSCALES = np.array([0.4, 1.3, 0.8])
SIGNAL = 1.7
NOISE = 0.05
REFERENCE = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "gp_reference.json").read_text(encoding="utf-8")
)


def inputs(n: int, first: int = 1) -> Array:
    """Points (n, 3) that fill the unit cube: a Kronecker sequence."""
    rows = np.arange(first, first + n, dtype=np.float64)[:, None]
    points: Array = rows * np.sqrt(np.array([2.0, 3.0, 5.0])) % 1.0
    return points


def data(n: int) -> tuple[Array, Array]:
    X = inputs(n)
    return X, np.sin(5.0 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * np.cos(37.0 * np.arange(n))


@pytest.mark.parametrize("case", REFERENCE["predictions"], ids=lambda case: f"n={case['n']}")
def test_mean_and_std_agree_to_1e_8(case: dict[str, Any]) -> None:
    X, y = data(case["n"])
    gp = TinyGP(X, y, Hyperparameters(LENGTHSCALES, SIGNAL, NOISE))
    mean, std = gp.predict(inputs(6, first=1001))
    np.testing.assert_allclose(mean, case["mean"], atol=1e-8, rtol=1e-8)
    np.testing.assert_allclose(std, case["std"], atol=1e-8, rtol=1e-8)


def test_log_marginal_likelihood_and_its_gradient_agree_to_1e_8() -> None:
    expected = REFERENCE["log_marginal_likelihood"]
    X, y = data(expected["n"])
    z, _, _ = standardise(y)
    theta = np.log(np.array([*LENGTHSCALES, SIGNAL, NOISE]))
    value, gradient = negative_log_posterior(theta, squared_differences(X), z)
    prior, prior_gradient = negative_log_prior(theta)
    assert prior - value == pytest.approx(expected["value"], rel=1e-8)
    np.testing.assert_allclose(prior_gradient - gradient, expected["gradient"], rtol=1e-8)
