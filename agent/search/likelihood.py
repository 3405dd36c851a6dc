"""How likely hyperparameters are: log marginal likelihood of the outcomes plus weak priors, with its gradient.

Rasmussen & Williams, *Gaussian Processes for Machine Learning*, equations 2.30 and 5.9. The log-normal priors
keep lengthscales from collapsing on a handful of points. Lengthscales are expected to be alike, whatever they are:
twenty trials cannot tell five of them one by one, and without this tie each would be fitted to luck.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from agent.search.kernel import ROOT5, Array, Indices, cholesky, inverse_of_lower

# Mean and standard deviation of the logarithm, in the unit cube and for standardised outcomes.
LENGTHSCALE_PRIOR = (0.0, 1.0)  # of their geometric mean
ALIKE = 0.45  # standard deviation of each one's logarithm around that mean's
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(0.01), 1.5)


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
    half_inverse = inverse_of_lower(chol)
    alpha = half_inverse.T @ (half_inverse @ targets)
    value = 0.5 * targets @ alpha + np.log(np.diag(chol)).sum() + 0.5 * n * np.log(2.0 * np.pi)
    within = 0.5 * ((repeats.count - 1.0) * np.log(single) + repeats.squares / single).sum()
    within_slope = 0.5 * ((repeats.count - 1.0) - repeats.squares / single) / single
    # Half of (K⁻¹ - ααᵀ), to be multiplied by each derivative of K and summed (equation 5.9).
    weight = 0.5 * (half_inverse.T @ half_inverse - np.outer(alpha, alpha))
    slope = (weight * decay * (1.0 + scaled)).ravel() * (5.0 / 3.0)
    noise_slope = noise * (np.diag(weight) / repeats.count + within_slope).sum()
    gradient = np.concatenate([precision * (flat @ slope), [(weight * K).sum(), noise_slope]])
    prior_value, prior_gradient = negative_log_prior(theta)
    return float(value + within) + prior_value, gradient + prior_gradient


def negative_log_prior(theta: Array) -> tuple[float, Array]:
    """Up to a constant, and its gradient (d + 2,): logarithms of the lengthscales vary by ``ALIKE`` around their mean.

    That is a normal with covariance std² 1 1ᵀ + ALIKE² (I - 1 1ᵀ / d), std that of ``LENGTHSCALE_PRIOR``.
    """
    d = len(theta) - 2
    lengthscales = theta[:d]
    middle = float(lengthscales.mean())
    apart = (lengthscales - middle) / ALIKE
    means, stds = np.array([LENGTHSCALE_PRIOR, SIGNAL_PRIOR, NOISE_PRIOR]).T
    z = (np.array([middle, *theta[d:]]) - means) / stds
    slope = z / stds
    return float(0.5 * (z @ z + apart @ apart)), np.append(apart / ALIKE + slope[0] / d, slope[1:])
