"""Transforms outcomes to a scale that suits a Gaussian process: centred, scaled, and Yeo-Johnson.

    ψ(x) = ((1 + x)^λ - 1) / λ  for x >= 0,      ψ(x) = -((1 - x)^(2-λ) - 1) / (2 - λ)  for x < 0

(Yeo & Johnson 2000; logarithms where the exponent is 0.) λ = 1 changes nothing. λ < 1 draws in
high outcomes, λ > 1 low ones, such as a floor of crashes.

λ is the likeliest of ``POWERS``: the Gaussian process's marginal likelihood of ψ(x), its signal
variance profiled out, times the Jacobian Π ψ'(x_i).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agent.search.arrays import Array

POWERS = (1.0, 0.0, 0.5, 1.5, 2.0)  # λ; that which changes nothing comes first and wins a tie
MIN_OUTCOMES = 6  # chosen: fewer do not show a shape
MIN_GAIN = 2.0  # chosen: log likelihood by which another λ must beat 1 (AIC would ask for 1)
MIN_SCALE = 1e-12  # relative to the largest outcome
MAX_DISTANCE = 10.0 / MIN_SCALE  # of an inverse from the centre, in scales
MAX_OUTCOME = 0.99 * float(np.finfo(np.float64).max)
MAX_EXPONENT = 700.0  # exp() of more overflows
MAX_STD = 1e3  # known standard deviation, in scales: what is noisier says nothing anyway
# Consistency factors: times these, the median and the mean absolute deviation of a normal are its
# standard deviation (1 / Φ⁻¹(3/4) and √(π/2); Huber & Ronchetti, *Robust Statistics*, 2009).
MEDIAN_DEVIATION_TO_STD = 1.4826
MEAN_DEVIATION_TO_STD = 1.2533


@dataclass(frozen=True)
class OutcomeTransform:
    """ψ((y / largest - centre) / scale), increasing in y.

    :param largest: largest magnitude of an outcome: keeps squares of huge ones finite
    :param centre: median of y / largest
    :param scale: spread of y / largest
    :param power: λ
    """

    largest: float = 1.0
    centre: float = 0.0
    scale: float = 1.0
    power: float = 1.0

    def forward(self, y: Array) -> Array:
        """Transforms outcomes."""
        x = (y / self.largest - self.centre) / self.scale
        high = _box_cox(np.maximum(x, 0.0), self.power)
        low = -_box_cox(np.maximum(-x, 0.0), 2.0 - self.power)
        return np.where(x >= 0.0, high, low)

    def inverse(self, z: Array) -> Array:
        """Returns the outcomes of transformed ones; always finite."""
        high = _inverse_box_cox(np.maximum(z, 0.0), self.power)
        low = -_inverse_box_cox(np.maximum(-z, 0.0), 2.0 - self.power)
        x = np.clip(np.where(z >= 0.0, high, low), -MAX_DISTANCE, MAX_DISTANCE)
        x = x * self.scale + self.centre  # the same name: at a thousand draws an array is 6 MB
        limit = MAX_OUTCOME / self.largest
        y: Array = np.clip(x, -limit, limit) * self.largest
        return y

    def log_derivative(self, y: Array) -> Array:
        """log ψ'(x) at outcomes ``y``."""
        x = (y / self.largest - self.centre) / self.scale
        logarithm: Array = (self.power - 1.0) * np.sign(x) * np.log1p(np.abs(x))
        return logarithm

    def variance(self, y: Array, variance: Array) -> Array:
        """Transforms the ``variance`` of outcomes ``y``, to first order."""
        with np.errstate(over="ignore"):
            derivative = np.exp(self.log_derivative(y))
            std = np.sqrt(variance) * derivative / self.scale / self.largest
        return np.square(np.minimum(std, MAX_STD))


def linear_transform(y: Array) -> OutcomeTransform:
    """Returns the transform by median and spread of outcomes (n,), with λ = 1.

    The spread is the median deviation, so a few wild outcomes below do not set it. Where most
    outcomes lie on a floor it is the mean deviation of the better half. A smaller spread would put
    all of these far from the centre, and λ < 1 would then make the best look alike.
    """
    largest = float(np.abs(y).max(initial=0.0)) or 1.0
    if not len(y):
        return OutcomeTransform(largest)
    relative = y / largest
    centre = float(np.median(relative))
    deviations = np.abs(relative - centre)
    spread = MEDIAN_DEVIATION_TO_STD * float(np.median(deviations))
    better = deviations[relative > centre]
    if len(better):
        spread = max(spread, MEAN_DEVIATION_TO_STD * float(better.mean()))
    if spread < MIN_SCALE:  # the median is the best
        spread = float(deviations.mean())
    if spread < MIN_SCALE:  # all are equal
        spread = 1.0
    return OutcomeTransform(largest, centre, spread)


def log_likelihood(transform: OutcomeTransform, y: Array, whitening: Array) -> float:
    """Log likelihood of ``transform``, with a constant left out.

    :param transform: the candidate
    :param y: outcomes (n,)
    :param whitening: W (n, n) with WᵀW the inverse of their covariance, up to a factor
    """
    z = transform.forward(y)
    white = whitening @ z
    ones = whitening @ np.ones(len(z))
    residual = white - ones * (ones @ white) / (ones @ ones)
    sum_of_squares = max(float(residual @ residual), MIN_SCALE**2)
    return float(-0.5 * len(y) * np.log(sum_of_squares) + transform.log_derivative(y).sum())


def likeliest_power(linear: OutcomeTransform, y: Array, whitening: Array) -> OutcomeTransform:
    """Returns ``linear`` with the likeliest of ``POWERS``; as it is when outcomes are few.

    :param linear: a transform with λ = 1
    :param y: outcomes (n,)
    :param whitening: see ``log_likelihood``
    """
    if len(y) < MIN_OUTCOMES:
        return linear
    transforms = [replace(linear, power=power) for power in POWERS]
    likelihoods = np.array([log_likelihood(each, y, whitening) for each in transforms])
    likelihoods[0] += MIN_GAIN
    return transforms[int(likelihoods.argmax())]


def _box_cox(x: Array, power: float) -> Array:
    if power == 0.0:
        return np.log1p(x)
    return np.expm1(power * np.log1p(x)) / power


def _inverse_box_cox(z: Array, power: float) -> Array:
    if power == 0.0:
        return np.expm1(np.minimum(z, MAX_EXPONENT))
    return np.expm1(np.log1p(power * z) / power)
