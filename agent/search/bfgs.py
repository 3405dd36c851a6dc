"""Minimisation by BFGS: a dense inverse Hessian, which a dozen variables can afford.

The search direction is -H g. H is updated from steps s and gradient changes y as in Nocedal &
Wright, *Numerical Optimization*, equation 6.17. A step is halved until it decreases the objective
enough (the Armijo condition, equation 3.4).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agent.search.arrays import Array

Objective = Callable[[Array], tuple[float, Array]]

MAX_STEP = 2.0  # chosen, per coordinate: keeps exp() of logarithmic variables finite
ARMIJO = 1e-4  # Nocedal & Wright, section 3.1
MAX_HALVINGS = 12  # chosen: beyond a step of 1/2048 there is nothing to gain
MIN_CURVATURE = 1e-10  # below it an update would lose positive definiteness


def minimise(
    objective: Objective,
    start: Array,
    iterations: int,
    tolerance: float = 1e-2,
    min_gain: float = 0.0,
) -> tuple[Array, float]:
    """Returns a local minimum near ``start``: the point (d,) and its value.

    :param objective: maps (d,) to its value and gradient (d,)
    :param start: point (d,) to set out from
    :param iterations: most iterations
    :param tolerance: stop when no component of the gradient exceeds it
    :param min_gain: stop after an iteration that gained less
    """
    x = start.copy()
    value, gradient = objective(x)
    inverse_hessian = np.eye(len(x)) / max(1.0, float(np.abs(gradient).max()))
    for _ in range(iterations):
        if np.abs(gradient).max() <= tolerance:
            break
        step = _bounded(-inverse_hessian @ gradient)
        found = _line_search(objective, x, step, value, float(gradient @ step))
        if found is None:
            break
        new_x, new_value, new_gradient = found
        inverse_hessian = _updated(inverse_hessian, new_x - x, new_gradient - gradient)
        gain = value - new_value
        x = new_x
        value = new_value
        gradient = new_gradient
        if gain < min_gain:
            break
    return x, value


def _bounded(step: Array) -> Array:
    return step / max(1.0, float(np.abs(step).max()) / MAX_STEP)


def _line_search(
    objective: Objective, x: Array, step: Array, value: float, slope: float
) -> tuple[Array, float, Array] | None:
    """Returns a point with its value and gradient, or ``None`` if no step decreases enough."""
    size = 1.0
    for _ in range(MAX_HALVINGS):
        candidate = x + size * step
        new_value, new_gradient = objective(candidate)
        if new_value <= value + ARMIJO * size * slope:
            return candidate, new_value, new_gradient
        size /= 2.0
    return None


def _updated(inverse_hessian: Array, step: Array, change: Array) -> Array:
    curvature = float(step @ change)
    if curvature <= MIN_CURVATURE:
        return inverse_hessian
    left = np.eye(len(step)) - np.outer(step, change) / curvature
    updated: Array = left @ inverse_hessian @ left.T + np.outer(step, step) / curvature
    return updated
