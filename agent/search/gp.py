"""A small Gaussian process: Matérn-5/2, one lengthscale per parameter, in numpy alone.

    y = f(x) + noise,   f ~ GP(0, k)
    k(x, x') = s (1 + √5 r + 5 r²/3) exp(-√5 r),   r² = Σ_j (x_j - x'_j)² / l_j²

Outcomes are standardised first. The lengthscales l, the signal variance s and the noise variance
are the mode of their posterior: log marginal likelihood (Rasmussen & Williams, *Gaussian Processes
for Machine Learning*, equations 2.25-2.30 and 5.8-5.9) plus weak log-normal priors. They are
chosen on at most ``FIT_POINTS`` observations; every prediction uses all of them.

A row may stand for several outcomes at one input (``Repeats``). The posterior is that of all of
them, and their spread around their mean separates the noise from the signal.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from agent.search.arrays import Array, Indices
from agent.search.bfgs import minimise
from agent.search.kernel import (
    Hyperparameters,
    cholesky,
    inverse_of_lower,
    matern52,
    squared_differences,
)
from agent.search.likelihood import Repeats, negative_log_posterior

FIT_POINTS = 128  # chosen: a fit at 1,000 trials takes a fifth of a second, see docs/search.md
BLOCK = 256  # inputs predicted at a time: memory does not grow with the product of both lengths
FIT_ITERATIONS = 20
FIT_TOLERANCE = 0.03  # slope of the log posterior, per unit of a hyperparameter's logarithm
FIT_GAIN = 0.02  # of an iteration, in the log posterior: less decides nothing
STARTS = ((0.3, 0.005), (1.0, 0.1))  # lengthscale and noise variance at which a fit sets out
BOTH_STARTS = 50  # with no more observations both starts are followed, else the likelier one
CONSTANT = 1e-12  # spread of outcomes, relative to the largest, below which they count as equal


class TinyGP:
    """The posterior of f given observations.

    mean k*ᵀ K⁻¹ y, variance s - k*ᵀ K⁻¹ k*, with K = k(X, X) + N

    N is diagonal: (noise + known variance) / count of each row.

    :param X: inputs (n, d), n >= 1
    :param y: outcomes (n,), in any unit
    :param hyperparameters: of the kernel and the noise
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
        self.X = X
        self.hyperparameters = hyperparameters
        self.groups = _groups(X, groups)
        self.targets, self.outcome_mean, self.outcome_std = standardise(y)
        repeats = (repeats or Repeats.none(len(y))).scaled(self.outcome_std)
        noise = (hyperparameters.noise + repeats.variance) / repeats.count
        # numpy cannot solve triangular systems: the inverse of the factor is computed once.
        self.whitening = inverse_of_lower(cholesky(self._covariance(noise)))
        self.alpha = self.whitening.T @ (self.whitening @ self.targets)

    @classmethod
    def fit(
        cls,
        X: Array,
        y: Array,
        groups: Indices | None = None,
        repeats: Repeats | None = None,
        start: Hyperparameters | None = None,
    ) -> Self:
        """Returns the process with the likeliest hyperparameters that are found; deterministic.

        :param X: inputs (n, d) in the unit cube
        :param y: outcomes (n,)
        :param groups: see the constructor
        :param repeats: see the constructor
        :param start: hyperparameters at which to set out, by default ``STARTS``
        :raises ValueError: see the constructor
        """
        X, y = _checked(X, y)
        groups = _groups(X, groups)
        rows = thinned(y, FIT_POINTS)
        targets, _, spread = standardise(y[rows])
        repeats_fit = (repeats or Repeats.none(len(y))).subset(rows).scaled(spread)
        squares = squared_differences(X[rows], groups)

        def objective(theta: Array) -> tuple[float, Array]:
            return negative_log_posterior(theta, squares, targets, repeats_fit)

        if start is not None:
            starts = [start.to_log()]
        else:
            starts = _starts(len(squares))
            if len(rows) > BOTH_STARTS:
                starts = [min(starts, key=lambda theta: objective(theta)[0])]
        fits = [
            minimise(objective, theta, FIT_ITERATIONS, FIT_TOLERANCE, FIT_GAIN) for theta in starts
        ]
        best, _ = min(fits, key=lambda fit: fit[1])
        return cls(X, y, Hyperparameters.from_log(best), groups, repeats)

    def predict_mean(self, X: Array) -> Array:
        """Mean (m,) of f at inputs (m, d), in the unit of the outcomes.

        It takes n m operations, its standard deviation n² m.
        """
        X = np.asarray(X, dtype=np.float64)
        mean = np.empty(len(X))
        for start in range(0, len(X), BLOCK):
            block = slice(start, start + BLOCK)
            mean[block] = self._kernel(self.X, X[block]).T @ self.alpha
        outcomes: Array = self.outcome_mean + self.outcome_std * mean
        return outcomes

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of f at inputs (m, d), in the unit of the outcomes.

        The noise is left out.
        """
        X = np.asarray(X, dtype=np.float64)
        mean = np.empty(len(X))
        std = np.empty(len(X))
        for start in range(0, len(X), BLOCK):
            block = slice(start, start + BLOCK)
            cross = self._kernel(self.X, X[block])
            mean[block] = cross.T @ self.alpha
            explained = np.square(self.whitening @ cross).sum(axis=0)
            std[block] = np.sqrt(np.maximum(self.hyperparameters.signal - explained, 0.0))
        return self.outcome_mean + self.outcome_std * mean, self.outcome_std * std

    def draw(self, X: Array, rng: np.random.Generator, draws: int) -> Array:
        """Draws f jointly from its posterior, in the unit of the outcomes.

        :param X: inputs (m, d)
        :param rng: source of ``draws`` * m normal numbers
        :param draws: number of rows of the result (draws, m)
        """
        cross = self._kernel(self.X, X)
        half = self.whitening @ cross
        chol = cholesky(self._kernel(X, X) - half.T @ half)
        f = cross.T @ self.alpha + rng.standard_normal((draws, len(X))) @ chol.T
        outcomes: Array = self.outcome_mean + self.outcome_std * f
        return outcomes

    def leave_one_out(self) -> Array:
        """Standardised residuals (n,) of the outcomes from what all others predict.

        Equations 5.10-5.12 of Rasmussen & Williams.
        """
        residuals: Array = self.alpha / np.sqrt(np.square(self.whitening).sum(axis=0))
        return residuals

    def _covariance(self, noise: Array) -> Array:
        """Covariance of the outcomes; not kept, for a thousand of them make a matrix of 8 MB."""
        K = self._kernel(self.X, self.X)
        K.flat[:: len(K) + 1] += noise
        return K

    def _kernel(self, A: Array, B: Array) -> Array:
        return matern52(A, B, self.hyperparameters, self.groups)


def standardise(y: Array) -> tuple[Array, float, float]:
    """Returns outcomes with mean 0 and standard deviation 1, and the mean and scale to undo it."""
    largest = float(np.abs(y).max()) or 1.0  # squares of huge outcomes would overflow
    relative = y / largest
    mean = float(relative.mean())
    spread = float(relative.std())
    if spread < CONSTANT:
        spread = 1.0
    return (relative - mean) / spread, mean * largest, spread * largest


def thinned(y: Array, size: int) -> Indices:
    """Indices of at most ``size`` outcomes, evenly spread over their ranks with both ends."""
    order = np.argsort(y, kind="stable")
    if len(y) <= size:
        return order
    ranks = np.linspace(0, len(y) - 1, size).round().astype(np.intp)
    return order[ranks]


def _starts(groups: int) -> list[Array]:
    """The optimiser's vectors (groups + 2,) of ``STARTS``, with signal variance 1."""
    return [
        np.log(np.array([lengthscale] * groups + [1.0, noise])) for lengthscale, noise in STARTS
    ]


def _groups(X: Array, groups: Indices | None) -> Indices:
    if groups is None:
        return np.arange(X.shape[1])
    return groups


def _checked(X: Array, y: Array) -> tuple[Array, Array]:
    X = np.asarray(X, dtype=np.float64)
    y = np.asarray(y, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1] or not X.size:
        raise ValueError(
            f"inputs {X.shape} and outcomes {y.shape} do not match; "
            "give (n, d) and (n,) with n, d >= 1"
        )
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("an observation is not finite; leave out trials without a score")
    return X, y
