"""The covariance of the Gaussian process: Matérn-5/2 with one lengthscale per parameter.

k(x, x') = s (1 + √5 r + 5 r²/3) exp(-√5 r),   r² = Σ_j (x_j - x'_j)² / l_j²
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from agent.search.arrays import Array, Indices

ROOT5 = math.sqrt(5.0)
WHOLE_ROWS = 64  # chosen: a matrix of no more rows is inverted as a whole
JITTER = 1e-10  # chosen: first addition to the diagonal, relative to the largest entry


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters of the process.

    :param lengthscales: (groups,) in units of the inputs
    :param signal: variance of f, for standardised outcomes
    :param noise: variance of one standardised outcome, besides what ``Repeats`` knows of it
    """

    lengthscales: Array
    signal: float
    noise: float

    @classmethod
    def from_log(cls, theta: Array) -> Self:
        """Reads the optimiser's vector (groups + 2,): logarithms of lengthscales, signal, noise."""
        values = np.exp(theta)
        return cls(values[:-2], float(values[-2]), float(values[-1]))

    def to_log(self) -> Array:
        """Returns the optimiser's vector (groups + 2,)."""
        return np.log(np.append(self.lengthscales, [self.signal, self.noise]))


def matern52(
    A: Array, B: Array, hyperparameters: Hyperparameters, groups: Indices | None = None
) -> Array:
    """Matérn-5/2 covariance (n, m) between the rows of A and B.

    :param A: inputs (n, d)
    :param B: inputs (m, d)
    :param hyperparameters: lengthscales and signal variance
    :param groups: the lengthscale (d,) of each column, by default its own
    """
    lengthscales = hyperparameters.lengthscales
    if groups is not None:
        lengthscales = lengthscales[groups]
    a = A / lengthscales
    b = B / lengthscales
    scaled = a @ b.T  # in place from here on: a suggestion's time goes into memory traffic
    scaled *= -2.0
    scaled += np.square(a).sum(axis=1)[:, None]
    scaled += np.square(b).sum(axis=1)
    np.sqrt(np.maximum(scaled, 0.0, out=scaled), out=scaled)
    scaled *= ROOT5
    covariance: Array = scaled / 3.0
    covariance += 1.0
    covariance *= scaled
    covariance += 1.0
    covariance *= np.exp(np.negative(scaled, out=scaled), out=scaled)
    covariance *= hyperparameters.signal
    return covariance


def squared_differences(X: Array, groups: Indices | None = None) -> Array:
    """Squared differences (x_ik - x_jk)² (groups, n, n) of inputs X (n, d).

    :param groups: the group (d,) of each column, rising; those of one group are summed. By
        default every column is its own group.
    """
    columns = X.T
    squares: Array = np.square(columns[:, :, None] - columns[:, None, :])
    if groups is None or len(groups) == groups[-1] + 1:
        return squares
    first_columns = np.flatnonzero(np.diff(groups, prepend=-1))
    summed: Array = np.add.reduceat(squares, first_columns, axis=0)
    return summed


def cholesky(K: Array) -> Array:
    """Lower factor of a symmetric K (n, n), with the least on its diagonal that makes it definite.

    :raises ValueError: K is not finite, the only way to fail
    """
    largest = max(float(K.max()), -float(K.min()))
    if not math.isfinite(largest):
        raise ValueError(
            f"the covariance reaches {largest}; give finite inputs and hyperparameters"
        )
    jitter = 0.0
    while True:  # ends: from n * largest on the diagonal dominates its rows
        try:
            return _factor(K, jitter)
        except np.linalg.LinAlgError:
            jitter = max(10.0 * jitter, JITTER * (largest or 1.0))


def inverse_of_lower(L: Array) -> Array:
    """Inverse of a lower triangular L (n, n), by halves.

    [[A, 0], [B, C]]⁻¹ = [[A⁻¹, 0], [-C⁻¹ B A⁻¹, C⁻¹]]

    numpy cannot solve triangular systems. This takes an eighth of the work of a general inverse.
    """
    n = len(L)
    if n <= WHOLE_ROWS:
        return np.linalg.inv(L).astype(np.float64, copy=False)
    half = n // 2
    inverse = np.zeros_like(L)
    inverse[:half, :half] = inverse_of_lower(L[:half, :half])
    inverse[half:, half:] = inverse_of_lower(L[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (L[half:, :half] @ inverse[:half, :half])
    return inverse


def _factor(K: Array, jitter: float) -> Array:
    if jitter:
        K = K + jitter * np.eye(len(K))
    return np.linalg.cholesky(K).astype(np.float64, copy=False)
