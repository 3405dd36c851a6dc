"""Acquisition: the worth of trying a candidate, from the Gaussian process's prediction of it."""

from __future__ import annotations

from agent.search.arrays import Array


def ucb(mean: Array, std: Array, kappa: float) -> Array:
    """Upper confidence bound, mean + kappa * std (Srinivas et al. 2010), in the unit of the means.

    :param mean: predicted means (n,)
    :param std: their standard deviations (n,)
    :param kappa: 0 exploits what is known, larger values explore; negative: a lower bound
    """
    return mean + kappa * std
