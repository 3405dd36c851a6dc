"""Log marginal likelihood of the hyperparameters, plus weak priors, with its gradient.

Rasmussen & Williams, *Gaussian Processes for Machine Learning*, equations 2.30 and 5.9.

The log-normal priors keep lengthscales from collapsing on a handful of points. They also expect
the lengthscales to be alike, whatever their size: twenty trials cannot tell five of them apart,
and without this tie each would be fitted to noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from agent.search.arrays import Array, Indices
from agent.search.kernel import ROOT5, cholesky, inverse_of_lower

# Priors: mean and standard deviation of a logarithm, for inputs in the unit cube and standardised
# outcomes. Chosen with bench_search.py: docs/results/experiments.jsonl, topic search-variants.
LENGTHSCALE_PRIOR = (0.0, 1.0)  # of their geometric mean
LENGTHSCALE_SPREAD = 0.45  # standard deviation of each logarithm around the mean of all
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(0.01), 1.5)


@dataclass(frozen=True)
class Repeats:
    """Outcomes that each row (n,) stands for: the mean of ``count`` outcomes at one input.

    :param count: number of outcomes
    :param variance: known variance of a single one, in the outcomes' unit squared (0: unknown)
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
        """Returns the same after all outcomes were divided by ``spread``."""
        return Repeats(self.count, self.variance / spread / spread, self.squares / spread / spread)

    def subset(self, rows: Indices) -> Repeats:
        """Returns those of ``rows``."""
        return Repeats(self.count[rows], self.variance[rows], self.squares[rows])

    def with_single_outcomes(self, n: int) -> Repeats:
        """Returns these and ``n`` rows more of one outcome each."""
        return Repeats(
            np.append(self.count, np.ones(n)),
            np.append(self.variance, np.zeros(n)),
            np.append(self.squares, np.zeros(n)),
        )


def negative_log_posterior(
    theta: Array, squares: Array, targets: Array, repeats: Repeats | None = None
) -> tuple[float, Array]:
    """-(log marginal likelihood + log prior), and its gradient (d + 2,).

    The priors' constant is left out.

    :param theta: logarithms of lengthscales (d,), signal variance, noise variance
    :param squares: ``squared_differences`` of the inputs, (d, n, n)
    :param targets: standardised outcomes (n,)
    :param repeats: of standardised outcomes; by default one a row. The deviations of ``count``
        outcomes from their mean are independent of the mean, so their likelihood multiplies that
        of the means.
    """
    d, n, _ = squares.shape
    repeats = repeats or Repeats.none(n)
    values = np.exp(theta)
    precision = values[:d] ** -2
    signal = values[d]
    noise = values[d + 1]
    flat = squares.reshape(d, n * n)
    scaled = ROOT5 * np.sqrt(precision @ flat).reshape(n, n)
    decay = signal * np.exp(-scaled)
    K = decay * (1.0 + scaled + np.square(scaled) / 3.0)
    single = noise + repeats.variance  # variance of one outcome
    chol = cholesky(K + np.diag(single / repeats.count))
    half_inverse = inverse_of_lower(chol)
    alpha = half_inverse.T @ (half_inverse @ targets)
    value = 0.5 * targets @ alpha + np.log(np.diag(chol)).sum() + 0.5 * n * np.log(2.0 * np.pi)
    within, within_slope = _within_rows(single, repeats)
    # Half of (K⁻¹ - ααᵀ), to be multiplied by each derivative of K and summed (equation 5.9).
    weight = 0.5 * (half_inverse.T @ half_inverse - np.outer(alpha, alpha))
    slope = (weight * decay * (1.0 + scaled)).ravel() * (5.0 / 3.0)
    noise_slope = noise * (np.diag(weight) / repeats.count + within_slope).sum()
    gradient = np.concatenate([precision * (flat @ slope), [(weight * K).sum(), noise_slope]])
    prior_value, prior_gradient = negative_log_prior(theta)
    return float(value + within) + prior_value, gradient + prior_gradient


def negative_log_prior(theta: Array) -> tuple[float, Array]:
    """-log prior up to a constant, and its gradient (d + 2,).

    The logarithms of the d lengthscales are normal. Their covariance is
    σ² 1 1ᵀ + LENGTHSCALE_SPREAD² (I - 1 1ᵀ / d), with the σ of ``LENGTHSCALE_PRIOR``.
    """
    d = len(theta) - 2
    lengthscales = theta[:d]
    middle = float(lengthscales.mean())
    apart = (lengthscales - middle) / LENGTHSCALE_SPREAD
    means, stds = np.array([LENGTHSCALE_PRIOR, SIGNAL_PRIOR, NOISE_PRIOR]).T
    z = (np.array([middle, *theta[d:]]) - means) / stds
    slope = z / stds
    value = float(0.5 * (z @ z + apart @ apart))
    return value, np.append(apart / LENGTHSCALE_SPREAD + slope[0] / d, slope[1:])


def _within_rows(single: Array, repeats: Repeats) -> tuple[float, Array]:
    """Likelihood of the outcomes' deviations from their row's mean, and its slopes (n,)."""
    freedom = repeats.count - 1.0
    value = 0.5 * (freedom * np.log(single) + repeats.squares / single).sum()
    slopes = 0.5 * (freedom - repeats.squares / single) / single
    return value, slopes
