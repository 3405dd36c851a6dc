"""Outcomes on a scale that a Gaussian process can believe: centred, scaled and bent by Yeo-Johnson.

    ψ(x) = ((1 + x)^λ - 1) / λ  for x >= 0,      ψ(x) = -((1 - x)^(2-λ) - 1) / (2 - λ)  for x < 0

(Yeo & Johnson 2000; logarithms where the exponent is 0.) λ = 1 changes nothing, λ < 1 draws in high
outcomes, λ > 1 low ones, such as a floor of crashes. λ is the likeliest of a few: the Gaussian
process's marginal likelihood of ψ(x) times the Jacobian Π ψ'(x_i), its signal variance profiled out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POWERS = (1.0, 0.0, 0.5, 1.5, 2.0)  # λ, that which changes nothing first: it wins a tie
FEWEST = 6  # outcomes from which a bend can be told
SURE = 2.0  # log likelihood by which a bend must beat the straight line (AIC would ask for 1)
TINIEST = 1e-12  # scale relative to the largest outcome
FARTHEST = 10.0 / TINIEST  # scales from the centre that an inverse gives at most
HUGE = 0.99 * float(np.finfo(np.float64).max)
MOST_NOISE = 1e3  # scales of known standard deviation: whatever is noisier says nothing anyway


@dataclass(frozen=True)
class Outcome:
    """ψ((y / largest - centre) / scale); ``largest`` keeps squares of huge outcomes finite."""

    largest: float = 1.0
    centre: float = 0.0
    scale: float = 1.0
    power: float = 1.0

    def forward(self, y: Array) -> Array:
        """Outcomes in their own unit, bent."""
        x = (y / self.largest - self.centre) / self.scale
        return np.where(
            x >= 0.0,
            _box_cox(np.maximum(x, 0.0), self.power),
            -_box_cox(np.maximum(-x, 0.0), 2.0 - self.power),
        )

    def inverse(self, z: Array) -> Array:
        """Bent outcomes in their own unit; always finite."""
        up = _inverse_box_cox(np.maximum(z, 0.0), self.power)
        down = -_inverse_box_cox(np.maximum(-z, 0.0), 2.0 - self.power)
        relative = (
            np.clip(np.where(z >= 0.0, up, down), -FARTHEST, FARTHEST) * self.scale + self.centre
        )
        y: Array = np.clip(relative, -HUGE / self.largest, HUGE / self.largest) * self.largest
        return y

    def log_slope(self, y: Array) -> Array:
        """log ψ'(x) at outcomes ``y``."""
        x = (y / self.largest - self.centre) / self.scale
        slope: Array = (self.power - 1.0) * np.sign(x) * np.log1p(np.abs(x))
        return slope

    def variance(self, y: Array, variance: Array) -> Array:
        """What ``variance`` at outcomes ``y`` becomes, to first order."""
        with np.errstate(over="ignore"):
            std = np.sqrt(variance) * np.exp(self.log_slope(y)) / self.scale / self.largest
        return np.square(np.minimum(std, MOST_NOISE))


def scaled(y: Array) -> Outcome:
    """Median and spread of outcomes (n,), not yet bent.

    A few wild ones below do not set the scale, but the better half does where most lie on a floor: were they all
    far from the centre, bending would make the best look alike.
    """
    largest = float(np.abs(y).max(initial=0.0)) or 1.0
    if not len(y):
        return Outcome(largest)
    relative = y / largest
    centre = float(np.median(relative))
    deviations = np.abs(relative - centre)
    better = deviations[relative > centre]
    spread = max(
        1.4826 * float(np.median(deviations)), 1.2533 * float(better.mean() if len(better) else 0.0)
    )
    if spread < TINIEST:  # the median is the best
        spread = float(deviations.mean())
    return Outcome(largest, centre, spread if spread >= TINIEST else 1.0)


def log_likelihood(outcome: Outcome, y: Array, whitening: Array) -> float:
    """Of outcomes (n,) bent, with a constant left out.

    :param whitening: W (n, n) with WᵀW the inverse of their covariance, up to a factor
    """
    z = outcome.forward(y)
    white, ones = whitening @ z, whitening @ np.ones(len(z))
    residual = white - ones * (ones @ white) / (ones @ ones)
    sum_of_squares = max(float(residual @ residual), TINIEST**2)
    return float(-0.5 * len(y) * np.log(sum_of_squares) + outcome.log_slope(y).sum())


def likeliest(outcome: Outcome, y: Array, whitening: Array) -> Outcome:
    """``outcome`` with the power of ``POWERS`` that explains outcomes (n,) best; as it is when they are few."""
    if len(y) < FEWEST:
        return outcome
    bent = [Outcome(outcome.largest, outcome.centre, outcome.scale, power) for power in POWERS]
    likelihoods = np.array([log_likelihood(each, y, whitening) for each in bent])
    likelihoods[0] += SURE
    return bent[int(likelihoods.argmax())]


def _box_cox(x: Array, power: float) -> Array:
    return np.log1p(x) if power == 0.0 else np.expm1(power * np.log1p(x)) / power


def _inverse_box_cox(z: Array, power: float) -> Array:
    return np.expm1(np.minimum(z, 700.0)) if power == 0.0 else np.expm1(np.log1p(power * z) / power)
