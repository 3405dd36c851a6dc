"""Minimisation by BFGS: a dense inverse Hessian, which a dozen variables can afford.

The search direction is -H g; H is updated from steps s and gradient changes y as in Nocedal & Wright,
*Numerical Optimization*, equation 6.17, and the step is halved until it decreases enough (Armijo).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Objective = Callable[[Array], tuple[float, Array]]

LONGEST_STEP = 2.0  # per coordinate and iteration: keeps exp() of logarithmic variables finite
ARMIJO = 1e-4
HALVINGS = 12


def minimise(
    objective: Objective,
    start: Array,
    iterations: int,
    tolerance: float = 1e-2,
    enough: float = 0.0,
) -> tuple[Array, float]:
    """A local minimum near ``start``.

    :param objective: maps (d,) to its value and gradient (d,)
    :param tolerance: stop when no component of the gradient exceeds it
    :param enough: stop after an iteration that gained less
    :return: the best point (d,) and its value
    """
    x = start.copy()
    value, gradient = objective(x)
    inverse_hessian = np.eye(len(x)) / max(1.0, float(np.abs(gradient).max()))
    for _ in range(iterations):
        if np.abs(gradient).max() <= tolerance:
            break
        step = _bounded(-inverse_hessian @ gradient)
        taken = _line_search(objective, x, step, value, float(gradient @ step))
        if taken is None:
            break
        new_x, new_value, new_gradient = taken
        gain, value = value - new_value, new_value
        inverse_hessian = _updated(inverse_hessian, new_x - x, new_gradient - gradient)
        x, gradient = new_x, new_gradient
        if gain < enough:
            break
    return x, value


def _bounded(step: Array) -> Array:
    return step / max(1.0, float(np.abs(step).max()) / LONGEST_STEP)


def _line_search(
    objective: Objective, x: Array, step: Array, value: float, slope: float
) -> tuple[Array, float, Array] | None:
    size = 1.0
    for _ in range(HALVINGS):
        candidate = x + size * step
        new_value, new_gradient = objective(candidate)
        if new_value <= value + ARMIJO * size * slope:
            return candidate, new_value, new_gradient
        size /= 2.0
    return None


def _updated(inverse_hessian: Array, step: Array, change: Array) -> Array:
    curvature = float(step @ change)
    if curvature <= 1e-10:  # the update would lose positive definiteness
        return inverse_hessian
    left = np.eye(len(step)) - np.outer(step, change) / curvature
    updated: Array = left @ inverse_hessian @ left.T + np.outer(step, step) / curvature
    return updated
