"""Outcome transforms: they invert, their power is the likeliest, and a floor sets no scale."""

from __future__ import annotations

import numpy as np
import pytest

from agent.search.outcome_transform import (
    POWERS,
    OutcomeTransform,
    likeliest_power,
    linear_transform,
)


@pytest.mark.parametrize("power", POWERS)
def test_transforms_invert_and_their_derivative_is_the_slope(power: float) -> None:
    y = np.array([-300.0, -20.0, 1.0, 3.0, 5.0, 90.0])
    transform = OutcomeTransform(largest=10.0, centre=0.3, scale=2.0, power=power)
    np.testing.assert_allclose(transform.inverse(transform.forward(y)), y, rtol=1e-9)
    slope = (transform.forward(y + 1e-5) - transform.forward(y - 1e-5)) / 2e-5
    np.testing.assert_allclose(np.exp(transform.log_derivative(y)) / 20.0, slope, rtol=1e-6)
    np.testing.assert_allclose(transform.variance(y, np.full(6, 4.0)), 4.0 * slope**2, rtol=1e-5)


def test_the_power_is_chosen_by_likelihood() -> None:
    z = np.random.default_rng(0).standard_normal(60)
    for y, power in ((z, 1.0), (np.exp(1.5 * z), 0.0), (-np.exp(1.5 * z), 2.0)):
        assert likeliest_power(linear_transform(y), y, np.eye(60)).power == power
    few = np.exp(3.0 * z[:5])
    assert likeliest_power(linear_transform(few), few, np.eye(5)).power == 1.0


def test_a_floor_of_crashes_does_not_set_the_scale() -> None:
    """More than half of the scores are nearly equal: the scale is that of the better ones."""
    y = np.array([9.0, 9.1, 9.2] * 10 + [40.0, 120.0, 250.0, 370.0, 490.0])
    found = linear_transform(y)
    assert 50.0 < found.largest * found.scale < 400.0
    with_outlier = linear_transform(np.append(y, -1e9))
    assert with_outlier.scale * 1e9 == pytest.approx(found.scale * 490.0, rel=0.2)


def test_normal_outcomes_have_their_standard_deviation_as_scale() -> None:
    y = 3.0 + 2.0 * np.random.default_rng(0).standard_normal(20_000)
    found = linear_transform(y)
    assert found.largest * found.centre == pytest.approx(3.0, abs=0.05)
    assert found.largest * found.scale == pytest.approx(2.0, rel=0.02)
