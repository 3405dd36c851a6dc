"""All that the outcomes may mean: the likeliest Gaussian process, and one that is nearly as likely.

A few noisy scores can often be read in two ways, as a rough landscape seen exactly or as a smooth one seen badly.
The likelier alone would be too sure of itself, so both speak, each as much as it is likely. (So do two ends of a
flat ridge, where the optimiser stops short of the summit.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from agent.search.gp import TinyGP
from agent.search.kernel import Array, Hyperparameters, Indices
from agent.search.likelihood import Repeats


@dataclass(frozen=True)
class Mixture:
    """Processes of the same outcomes, the likeliest first, and their ``weights``, whose sum is 1."""

    processes: Sequence[TinyGP]
    weights: Array

    @classmethod
    def fit(cls, X: Array, y: Array, groups: Indices, repeats: Repeats, warm: Hyperparameters | None = None) -> Self:
        """Arguments and errors as of ``TinyGP.fit``; weights are posterior densities of the hyperparameters."""
        modes = TinyGP.modes(X, y, groups, repeats, warm)
        density = np.exp([modes[0][0] - value for value, _ in modes])
        processes = [TinyGP(X, y, hyperparameters, groups, repeats) for _, hyperparameters in modes]
        return cls(processes, density / density.sum())

    def given(self, X: Array, y: Array, repeats: Repeats, noise: float = 1.0) -> Mixture:
        """The same beliefs given other outcomes, and with ``noise`` times the noise variance."""
        believed = [replace(gp.hyperparameters, noise=noise * gp.hyperparameters.noise) for gp in self.processes]
        return Mixture([TinyGP(X, y, each, self.processes[0].groups, repeats) for each in believed], self.weights)

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) as of ``TinyGP.predict``: where the processes disagree it is less sure."""
        means, stds = zip(*(gp.predict(X) for gp in self.processes), strict=True)
        mean: Array = self.weights @ np.array(means)
        between = np.array(means) - mean
        return mean, np.sqrt(self.weights @ (np.square(stds) + np.square(between)))

    def draw(self, X: Array, rng: np.random.Generator, draws: int) -> Array:
        """Joint draws (draws, m) as of ``TinyGP.draw``, from each process by its weight."""
        shares = np.diff((np.cumsum(self.weights) * draws).round().astype(int), prepend=0)
        return np.vstack([gp.draw(X, rng, n) for gp, n in zip(self.processes, shares, strict=True)])
