"""Data, hyperparameters and the pairwise kernel formula, for tests of the Gaussian process."""

from __future__ import annotations

import math

import numpy as np

from agent.search.arrays import Array
from agent.search.kernel import Hyperparameters

HYPERPARAMETERS = Hyperparameters(np.array([0.4, 1.3, 0.8]), 1.7, 0.05)


def data(n: int, d: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Inputs (n, d) and noisy outcomes (n,)."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, np.sin(5.0 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * rng.standard_normal(n)


def matern52_of_a_pair(a: Array, b: Array, hyperparameters: Hyperparameters) -> float:
    scaled = (a - b) / hyperparameters.lengthscales
    r = math.sqrt(sum(scaled**2))
    polynomial = 1 + math.sqrt(5) * r + 5 * r * r / 3
    return float(hyperparameters.signal * polynomial * math.exp(-math.sqrt(5) * r))
