"""A small Gaussian process: Matérn-5/2, one lengthscale per dimension, in numpy alone.

    y = f(x) + noise,   f ~ GP(0, k),   k(x, x') = s (1 + √5 r + 5 r²/3) exp(-√5 r),   r² = Σ_j (x_j - x'_j)² / l_j²

Outcomes are standardised first. The lengthscales l, the signal variance s and the noise variance are
the mode of their posterior: log marginal likelihood (Rasmussen & Williams, *Gaussian Processes for
Machine Learning*, equations 2.25-2.30 and 5.8-5.9) plus weak log-normal priors, which keep
lengthscales from collapsing on a handful of points. More than ``FIT_POINTS`` observations are thinned
for choosing these numbers, never for the prediction that follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.search.bfgs import minimise

Array = NDArray[np.float64]

FIT_POINTS = 128
BLOCK = 256  # inputs predicted at a time
FIT_ITERATIONS = 20
STARTS = ((0.3, 0.02), (1.0, 0.3))  # lengthscale and noise variance from which the optimiser sets out
# Mean and standard deviation of the logarithm, in the unit cube and for standardised outcomes.
LENGTHSCALE_PRIOR = (math.log(0.7), 1.2)
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(0.1), 1.5)
CONSTANT = 1e-12  # spread of outcomes, relative to the largest, below which they count as equal
ROOT5 = math.sqrt(5.0)


@dataclass(frozen=True)
class Hyperparameters:
    """``lengthscales`` (d,) in units of the inputs; variances ``signal`` and ``noise`` of standardised outcomes."""

    lengthscales: Array
    signal: float
    noise: float

    @classmethod
    def from_log(cls, theta: Array) -> Self:
        """From the optimiser's vector (d + 2,): logarithms of lengthscales, signal, noise."""
        values = np.exp(theta)
        return cls(values[:-2], float(values[-2]), float(values[-1]))


class TinyGP:
    """The posterior of f given observations: mean k*ᵀ K⁻¹ y, variance s - k*ᵀ K⁻¹ k*, with K = k(X, X) + noise I.

    :param X: inputs (n, d), n >= 1
    :param y: outcomes (n,), in any unit
    :raises ValueError: no observation, shapes that do not match, or a value that is not finite
    """

    def __init__(self, X: Array, y: Array, hyperparameters: Hyperparameters) -> None:
        X, y = _checked(X, y)
        self.X, self.hyperparameters = X, hyperparameters
        standardised, self.outcome_mean, self.outcome_std = standardise(y)
        K = matern52(X, X, hyperparameters) + hyperparameters.noise * np.eye(len(y))
        self.chol = cholesky(K)
        self.alpha = np.linalg.solve(self.chol.T, np.linalg.solve(self.chol, standardised))

    @classmethod
    def fit(cls, X: Array, y: Array) -> Self:
        """The process whose hyperparameters are the likeliest found from ``STARTS``; deterministic.

        :param X: inputs (n, d) in the unit cube
        :param y: outcomes (n,)
        :raises ValueError: as the constructor
        """
        X, y = _checked(X, y)
        kept = thinned(y, FIT_POINTS)
        targets, _, _ = standardise(y[kept])
        squares = squared_differences(X[kept])
        d = X.shape[1]
        starts = [np.log(np.array([lengthscale] * d + [1.0, noise])) for lengthscale, noise in STARTS]
        fits = [minimise(lambda t: negative_log_posterior(t, squares, targets), s, FIT_ITERATIONS) for s in starts]
        theta, _ = min(fits, key=lambda fit: fit[1])
        return cls(X, y, Hyperparameters.from_log(theta))

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of f, noise left out, at inputs (m, d), in the unit of the outcomes."""
        X = np.asarray(X, dtype=np.float64)
        mean, std = np.empty(len(X)), np.empty(len(X))
        for start in range(0, len(X), BLOCK):  # in blocks: memory does not grow with the product of both lengths
            block = slice(start, start + BLOCK)
            cross = matern52(self.X, X[block], self.hyperparameters)
            mean[block] = cross.T @ self.alpha
            explained = np.square(np.linalg.solve(self.chol, cross)).sum(axis=0)
            std[block] = np.sqrt(np.maximum(self.hyperparameters.signal - explained, 0.0))
        return self.outcome_mean + self.outcome_std * mean, self.outcome_std * std


def matern52(A: Array, B: Array, hyperparameters: Hyperparameters) -> Array:
    """Matérn-5/2 covariance (n, m) between rows of A (n, d) and B (m, d)."""
    a, b = A / hyperparameters.lengthscales, B / hyperparameters.lengthscales
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * (a @ b.T)
    scaled = ROOT5 * np.sqrt(np.maximum(squares, 0.0))
    covariance: Array = hyperparameters.signal * (1.0 + scaled + np.square(scaled) / 3.0) * np.exp(-scaled)
    return covariance


def squared_differences(X: Array) -> Array:
    """(x_ik - x_jk)² as (d, n, n) for inputs (n, d)."""
    columns = X.T
    squares: Array = np.square(columns[:, :, None] - columns[:, None, :])
    return squares


def negative_log_posterior(theta: Array, squares: Array, targets: Array) -> tuple[float, Array]:
    """-(log marginal likelihood + log prior) up to the priors' constant, and its gradient (d + 2,).

    :param theta: logarithms of lengthscales (d,), signal variance, noise variance
    :param squares: ``squared_differences`` of the inputs, (d, n, n)
    :param targets: standardised outcomes (n,)
    """
    d, n, _ = squares.shape
    values = np.exp(theta)
    precision, signal, noise = values[:d] ** -2, values[d], values[d + 1]
    flat = squares.reshape(d, n * n)
    scaled = ROOT5 * np.sqrt(precision @ flat).reshape(n, n)
    decay = signal * np.exp(-scaled)
    K = decay * (1.0 + scaled + np.square(scaled) / 3.0)
    chol = cholesky(K + noise * np.eye(n))
    half_inverse = np.linalg.inv(chol)
    alpha = half_inverse.T @ (half_inverse @ targets)
    value = 0.5 * targets @ alpha + np.log(np.diag(chol)).sum() + 0.5 * n * np.log(2.0 * np.pi)
    # Half of (K⁻¹ - ααᵀ), to be multiplied by each derivative of K and summed (equation 5.9).
    weight = 0.5 * (half_inverse.T @ half_inverse - np.outer(alpha, alpha))
    slope = (weight * decay * (1.0 + scaled)).ravel() * (5.0 / 3.0)
    gradient = np.concatenate([precision * (flat @ slope), [(weight * K).sum(), noise * np.trace(weight)]])
    prior_value, prior_gradient = _negative_log_prior(theta)
    return float(value) + prior_value, gradient + prior_gradient


def cholesky(K: Array) -> Array:
    """Lower factor of a symmetric finite K (n, n), with as little added to its diagonal as makes it definite.

    :raises ValueError: K is not finite, the only way to fail
    """
    if not math.isfinite(largest := float(np.abs(K).max())):
        raise ValueError(f"the covariance reaches {largest}; give finite inputs and hyperparameters")
    jitter = 0.0
    while True:  # ends: from n * largest on the diagonal dominates its rows
        try:
            return np.linalg.cholesky(K + jitter * np.eye(len(K))).astype(np.float64, copy=False)
        except np.linalg.LinAlgError:
            jitter = max(10.0 * jitter, 1e-10 * (largest or 1.0))


def standardise(y: Array) -> tuple[Array, float, float]:
    """Outcomes with mean 0 and standard deviation 1, then the mean and the scale that undo it."""
    largest = float(np.abs(y).max()) or 1.0  # squares of huge outcomes would overflow
    relative = y / largest
    mean, spread = float(relative.mean()), float(relative.std())
    if spread < CONSTANT:
        spread = 1.0
    return (relative - mean) / spread, mean * largest, spread * largest


def thinned(y: Array, size: int) -> NDArray[np.intp]:
    """Indices of at most ``size`` outcomes, evenly spread over their ranks, the worst and the best among them."""
    order = np.argsort(y, kind="stable")
    return order if len(y) <= size else order[np.linspace(0, len(y) - 1, size).round().astype(np.intp)]


def _negative_log_prior(theta: Array) -> tuple[float, Array]:
    d = len(theta) - 2
    means, stds = np.array([LENGTHSCALE_PRIOR] * d + [SIGNAL_PRIOR, NOISE_PRIOR]).T
    z = (theta - means) / stds
    return float(0.5 * z @ z), z / stds


def _checked(X: Array, y: Array) -> tuple[Array, Array]:
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1] or not X.size:
        raise ValueError(f"inputs {X.shape} and outcomes {y.shape} do not match; give (n, d) and (n,) with n, d >= 1")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("an observation is not finite; leave out trials without a score")
    return X, y
