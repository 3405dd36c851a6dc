"""The covariance of the Gaussian process: Matérn-5/2 with one lengthscale per parameter.

k(x, x') = s (1 + √5 r + 5 r²/3) exp(-√5 r),   r² = Σ_j (x_j - x'_j)² / l_j²
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

ROOT5 = math.sqrt(5.0)
SMALL = 64  # rows of a matrix that is inverted as a whole


@dataclass(frozen=True)
class Hyperparameters:
    """``lengthscales`` (groups,) in units of the inputs; variances ``signal`` and ``noise`` of standardised outcomes.

    ``noise`` is the variance of one outcome, whatever is known of it besides (``Repeats.variance``).
    """

    lengthscales: Array
    signal: float
    noise: float

    @classmethod
    def from_log(cls, theta: Array) -> Self:
        """From the optimiser's vector (groups + 2,): logarithms of lengthscales, signal, noise."""
        values = np.exp(theta)
        return cls(values[:-2], float(values[-2]), float(values[-1]))

    def to_log(self) -> Array:
        """The optimiser's vector (groups + 2,)."""
        return np.log(np.append(self.lengthscales, [self.signal, self.noise]))


def matern52(
    A: Array, B: Array, hyperparameters: Hyperparameters, groups: Indices | None = None
) -> Array:
    """Matérn-5/2 covariance (n, m) between rows of A (n, d) and B (m, d); ``groups`` as in ``TinyGP``."""
    lengthscales = (
        hyperparameters.lengthscales if groups is None else hyperparameters.lengthscales[groups]
    )
    a, b = A / lengthscales, B / lengthscales
    scaled = a @ b.T  # in place from here on: memory traffic is what a suggestion's time goes into
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
    """(x_ik - x_jk)² as (d, n, n) for inputs (n, d), summed over the columns of each group: (groups, n, n)."""
    columns = X.T
    squares: Array = np.square(columns[:, :, None] - columns[:, None, :])
    if groups is None or len(groups) == groups[-1] + 1:
        return squares
    summed: Array = np.add.reduceat(squares, np.flatnonzero(np.diff(groups, prepend=-1)), axis=0)
    return summed


def cholesky(K: Array) -> Array:
    """Lower factor of a symmetric finite K (n, n), with as little added to its diagonal as makes it definite.

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
            return np.linalg.cholesky(K + jitter * np.eye(len(K)) if jitter else K).astype(
                np.float64, copy=False
            )
        except np.linalg.LinAlgError:
            jitter = max(10.0 * jitter, 1e-10 * (largest or 1.0))


def inverse_of_lower(L: Array) -> Array:
    """Inverse of a lower triangular L (n, n), by halves: an eighth of a general inverse's work, and little memory.

    [[A, 0], [B, C]]⁻¹ = [[A⁻¹, 0], [-C⁻¹ B A⁻¹, C⁻¹]]
    """
    n = len(L)
    if n <= SMALL:
        return np.linalg.inv(L).astype(np.float64, copy=False)
    half, inverse = n // 2, np.zeros_like(L)
    inverse[:half, :half] = inverse_of_lower(L[:half, :half])
    inverse[half:, half:] = inverse_of_lower(L[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (L[half:, :half] @ inverse[:half, :half])
    return inverse
