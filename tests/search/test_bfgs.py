"""BFGS finds minima."""

from __future__ import annotations

import numpy as np
import pytest

from agent.search.arrays import Array
from agent.search.bfgs import minimise


def test_bfgs_reaches_the_minimum_of_rosenbrock() -> None:
    def rosenbrock(x: Array) -> tuple[float, Array]:
        a, b = 1.0 - x[0], x[1] - x[0] ** 2
        return float(a**2 + 100.0 * b**2), np.array([-2.0 * a - 400.0 * x[0] * b, 200.0 * b])

    x, value = minimise(rosenbrock, np.array([-1.2, 1.0]), iterations=200, tolerance=1e-8)
    assert x == pytest.approx([1.0, 1.0], abs=1e-6)
    assert value < 1e-12
