"""A small Gaussian process: Matérn-5/2, one lengthscale per parameter, in numpy alone.

    y = f(x) + noise,   f ~ GP(0, k),   k(x, x') = s (1 + √5 r + 5 r²/3) exp(-√5 r),   r² = Σ_j (x_j - x'_j)² / l_j²

Outcomes are standardised first. The lengthscales l, the signal variance s and the noise variance are
the mode of their posterior: log marginal likelihood (Rasmussen & Williams, *Gaussian Processes for
Machine Learning*, equations 2.25-2.30 and 5.8-5.9) plus weak log-normal priors, which keep
lengthscales from collapsing on a handful of points. More than ``FIT_POINTS`` observations are thinned
for choosing these numbers, never for the prediction that follows.

A row may stand for several outcomes at one input (``Repeats``): the posterior is that of all of them,
and their spread around their mean tells the noise from the signal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.search.bfgs import minimise

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

FIT_POINTS = 128
BLOCK = 256  # inputs predicted at a time
FIT_ITERATIONS = 20
FIT_TOLERANCE = 0.03  # slope of the log posterior, per unit of a hyperparameter's logarithm
FIT_GAIN = 0.02  # of an iteration, in the log posterior: less decides nothing
STARTS = ((0.3, 0.005), (1.0, 0.1))  # lengthscale and noise variance from which the optimiser may set out
BOTH_STARTS = 50  # up to so many observations all starts are followed, beyond that the likelier one
# Mean and standard deviation of the logarithm, in the unit cube and for standardised outcomes.
LENGTHSCALE_PRIOR = (math.log(0.7), 1.2)
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(0.01), 1.5)
CONSTANT = 1e-12  # spread of outcomes, relative to the largest, below which they count as equal
ROOT5 = math.sqrt(5.0)


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


@dataclass(frozen=True)
class Repeats:
    """What each row of outcomes (n,) stands for: the mean of ``count`` outcomes measured at one input.

    :param variance: known variance of a single one of them, in the outcomes' unit squared (0: unknown)
    :param squares: their squared deviations from the row's mean, summed
    """

    count: Array
    variance: Array
    squares: Array

    @classmethod
    def none(cls, n: int) -> Self:
        """One outcome a row, nothing known of its noise."""
        return cls(np.ones(n), np.zeros(n), np.zeros(n))

    def scaled(self, spread: float) -> Repeats:
        """The same after outcomes were divided by ``spread``."""
        return Repeats(self.count, self.variance / spread / spread, self.squares / spread / spread)

    def kept(self, rows: Indices) -> Repeats:
        return Repeats(self.count[rows], self.variance[rows], self.squares[rows])


class TinyGP:
    """The posterior of f given observations: mean k*ᵀ K⁻¹ y, variance s - k*ᵀ K⁻¹ k*, with K = k(X, X) + N.

    N is diagonal: (noise + known variance) / count of each row.

    :param X: inputs (n, d), n >= 1
    :param y: outcomes (n,), in any unit
    :param groups: the lengthscale (d,) of each column; by default its own
    :param repeats: by default one outcome a row
    :raises ValueError: no observation, shapes that do not match, or a value that is not finite
    """

    def __init__(
        self,
        X: Array,
        y: Array,
        hyperparameters: Hyperparameters,
        groups: Indices | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        X, y = _checked(X, y)
        self.X, self.hyperparameters = X, hyperparameters
        self.groups = np.arange(X.shape[1]) if groups is None else groups
        self.targets, self.outcome_mean, self.outcome_std = standardise(y)
        repeats = (repeats or Repeats.none(len(y))).scaled(self.outcome_std)
        K = self._kernel(X, X) + np.diag((hyperparameters.noise + repeats.variance) / repeats.count)
        # numpy cannot solve triangular systems: the inverse factor is computed once, predictions multiply.
        self.whitening: Array = np.linalg.inv(cholesky(K)).astype(np.float64, copy=False)
        self.alpha = self.whitening.T @ (self.whitening @ self.targets)

    @classmethod
    def fit(
        cls,
        X: Array,
        y: Array,
        groups: Indices | None = None,
        repeats: Repeats | None = None,
        warm: Hyperparameters | None = None,
    ) -> Self:
        """The process whose hyperparameters are the likeliest found from ``STARTS``, or near ``warm``; deterministic.

        :param X: inputs (n, d) in the unit cube
        :param y: outcomes (n,)
        :param warm: where to start instead, such as the last fit's; ignored if it is of another space
        :raises ValueError: as the constructor
        """
        X, y = _checked(X, y)
        groups = np.arange(X.shape[1]) if groups is None else groups
        kept = thinned(y, FIT_POINTS)
        targets, _, spread = standardise(y[kept])
        few = (repeats or Repeats.none(len(y))).kept(kept).scaled(spread)
        squares = squared_differences(X[kept], groups)
        d = len(squares)

        def objective(theta: Array) -> tuple[float, Array]:
            return negative_log_posterior(theta, squares, targets, few)

        starts = [np.log(np.array([lengthscale] * d + [1.0, noise])) for lengthscale, noise in STARTS]
        if warm is not None and len(warm.lengthscales) == d:
            starts = [warm.to_log()]
        elif len(kept) > BOTH_STARTS:
            starts = [min(starts, key=lambda start: objective(start)[0])]
        fits = [minimise(objective, start, FIT_ITERATIONS, FIT_TOLERANCE, FIT_GAIN) for start in starts]
        theta, _ = min(fits, key=lambda fit: fit[1])
        return cls(X, y, Hyperparameters.from_log(theta), groups, repeats)

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of f, noise left out, at inputs (m, d), in the unit of the outcomes."""
        X = np.asarray(X, dtype=np.float64)
        mean, std = np.empty(len(X)), np.empty(len(X))
        for start in range(0, len(X), BLOCK):  # in blocks: memory does not grow with the product of both lengths
            block = slice(start, start + BLOCK)
            cross = self._kernel(self.X, X[block])
            mean[block] = cross.T @ self.alpha
            explained = np.square(self.whitening @ cross).sum(axis=0)
            std[block] = np.sqrt(np.maximum(self.hyperparameters.signal - explained, 0.0))
        return self.outcome_mean + self.outcome_std * mean, self.outcome_std * std

    def draw(self, X: Array, rng: np.random.Generator, draws: int) -> Array:
        """Joint draws (draws, m) from the posterior of f at inputs (m, d), in the unit of the outcomes."""
        cross = self._kernel(self.X, X)
        half = self.whitening @ cross
        chol = cholesky(self._kernel(X, X) - half.T @ half)
        f = cross.T @ self.alpha + rng.standard_normal((draws, len(X))) @ chol.T
        outcomes: Array = self.outcome_mean + self.outcome_std * f
        return outcomes

    def leave_one_out(self) -> Array:
        """Each outcome's residual from what all others predict, in standard deviations (n,) (equations 5.10-5.12)."""
        residuals: Array = self.alpha / np.sqrt(np.square(self.whitening).sum(axis=0))
        return residuals

    def _kernel(self, A: Array, B: Array) -> Array:
        return matern52(A, B, self.hyperparameters, self.groups)


def matern52(A: Array, B: Array, hyperparameters: Hyperparameters, groups: Indices | None = None) -> Array:
    """Matérn-5/2 covariance (n, m) between rows of A (n, d) and B (m, d); ``groups`` as in ``TinyGP``."""
    lengthscales = hyperparameters.lengthscales if groups is None else hyperparameters.lengthscales[groups]
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


def negative_log_posterior(
    theta: Array, squares: Array, targets: Array, repeats: Repeats | None = None
) -> tuple[float, Array]:
    """-(log marginal likelihood + log prior) up to the priors' constant, and its gradient (d + 2,).

    :param theta: logarithms of lengthscales (d,), signal variance, noise variance
    :param squares: ``squared_differences`` of the inputs, (d, n, n)
    :param targets: standardised outcomes (n,)
    :param repeats: of standardised outcomes; by default one a row. The deviations of ``count`` outcomes from
        their mean are independent of the mean, so their likelihood multiplies that of the means.
    """
    d, n, _ = squares.shape
    repeats = repeats or Repeats.none(n)
    values = np.exp(theta)
    precision, signal, noise = values[:d] ** -2, values[d], values[d + 1]
    flat = squares.reshape(d, n * n)
    scaled = ROOT5 * np.sqrt(precision @ flat).reshape(n, n)
    decay = signal * np.exp(-scaled)
    K = decay * (1.0 + scaled + np.square(scaled) / 3.0)
    single = noise + repeats.variance  # variance of one outcome
    chol = cholesky(K + np.diag(single / repeats.count))
    half_inverse = np.linalg.inv(chol)
    alpha = half_inverse.T @ (half_inverse @ targets)
    value = 0.5 * targets @ alpha + np.log(np.diag(chol)).sum() + 0.5 * n * np.log(2.0 * np.pi)
    within = 0.5 * ((repeats.count - 1.0) * np.log(single) + repeats.squares / single).sum()
    within_slope = 0.5 * ((repeats.count - 1.0) - repeats.squares / single) / single
    # Half of (K⁻¹ - ααᵀ), to be multiplied by each derivative of K and summed (equation 5.9).
    weight = 0.5 * (half_inverse.T @ half_inverse - np.outer(alpha, alpha))
    slope = (weight * decay * (1.0 + scaled)).ravel() * (5.0 / 3.0)
    noise_slope = noise * (np.diag(weight) / repeats.count + within_slope).sum()
    gradient = np.concatenate([precision * (flat @ slope), [(weight * K).sum(), noise_slope]])
    prior_value, prior_gradient = _negative_log_prior(theta)
    return float(value + within) + prior_value, gradient + prior_gradient


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
