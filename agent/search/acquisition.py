"""Acquisition: how much a candidate is worth trying, from what the Gaussian process says of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def ucb(mean: Array, std: Array, kappa: float) -> Array:
    """Upper confidence bound, mean + kappa * std (Srinivas et al. 2010), in the unit of the outcomes.

    :param kappa: 0 exploits what is known, larger values explore
    """
    return mean + kappa * std
