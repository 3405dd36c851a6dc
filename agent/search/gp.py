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

from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.search.bfgs import minimise
from agent.search.kernel import (
    Array,
    Hyperparameters,
    Indices,
    cholesky,
    inverse_of_lower,
    matern52,
    squared_differences,
)
from agent.search.likelihood import Repeats, negative_log_posterior

FIT_POINTS = 128
BLOCK = 256  # inputs predicted at a time
FIT_ITERATIONS = 20
FIT_TOLERANCE = 0.03  # slope of the log posterior, per unit of a hyperparameter's logarithm
FIT_GAIN = 0.02  # of an iteration, in the log posterior: less decides nothing
STARTS = (
    (0.3, 0.005),
    (1.0, 0.1),
)  # lengthscale and noise variance from which the optimiser may set out
BOTH_STARTS = 50  # up to so many observations all starts are followed, beyond that the likelier one
CONSTANT = 1e-12  # spread of outcomes, relative to the largest, below which they count as equal


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
        # numpy cannot solve triangular systems: the inverse factor is computed once, predictions multiply.
        self.whitening = inverse_of_lower(
            cholesky(self._covariance((hyperparameters.noise + repeats.variance) / repeats.count))
        )
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

        starts = [
            np.log(np.array([lengthscale] * d + [1.0, noise])) for lengthscale, noise in STARTS
        ]
        if warm is not None and len(warm.lengthscales) == d:
            starts = [warm.to_log()]
        elif len(kept) > BOTH_STARTS:
            starts = [min(starts, key=lambda start: objective(start)[0])]
        fits = [
            minimise(objective, start, FIT_ITERATIONS, FIT_TOLERANCE, FIT_GAIN) for start in starts
        ]
        theta, _ = min(fits, key=lambda fit: fit[1])
        return cls(X, y, Hyperparameters.from_log(theta), groups, repeats)

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of f, noise left out, at inputs (m, d), in the unit of the outcomes."""
        X = np.asarray(X, dtype=np.float64)
        mean, std = np.empty(len(X)), np.empty(len(X))
        for start in range(
            0, len(X), BLOCK
        ):  # in blocks: memory does not grow with the product of both lengths
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

    def _covariance(self, noise: Array) -> Array:
        """Of the outcomes; returned and not kept, for at a thousand of them every matrix is 8 MB."""
        K = self._kernel(self.X, self.X)
        K.flat[:: len(K) + 1] += noise
        return K

    def _kernel(self, A: Array, B: Array) -> Array:
        return matern52(A, B, self.hyperparameters, self.groups)


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
    return (
        order if len(y) <= size else order[np.linspace(0, len(y) - 1, size).round().astype(np.intp)]
    )


def _checked(X: Array, y: Array) -> tuple[Array, Array]:
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1] or not X.size:
        raise ValueError(
            f"inputs {X.shape} and outcomes {y.shape} do not match; give (n, d) and (n,) with n, d >= 1"
        )
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("an observation is not finite; leave out trials without a score")
    return X, y
