"""Shapes and masses beside those of the installed Box2D."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("Box2D", reason="the real CarRacing needs Box2D")
pytest.importorskip("pygame", reason="the real CarRacing needs pygame")

from agent.worlds.car_racing.exact import bodies
from experiments.car_racing_exactness import real_car_racing


@pytest.fixture(scope="module")
def car() -> Any:
    env = real_car_racing()
    env.reset(seed=0)
    return env.car


def test_shapes_are_box2ds(car: Any) -> None:
    shapes = [fixture.shape for fixture in [*car.hull.fixtures, *car.wheels[0].fixtures]]
    assert len(shapes) == len(bodies.SHAPES)
    for shape, corners, count in zip(shapes, bodies.SHAPES, bodies.SHAPE_CORNERS, strict=True):
        kept = np.array(shape.vertices, np.float32)
        np.testing.assert_array_equal(kept, corners[:count])
        assert not corners[count:].any()


def test_masses_are_box2ds(car: Any) -> None:
    hull, wheel = car.hull, car.wheels[0]
    one = np.float32(1)
    assert one / np.float32(hull.mass) == bodies.HULL_INVERSE_MASS
    assert one / np.float32(wheel.mass) == bodies.WHEEL_INVERSE_MASS
    assert one / np.float32(wheel.inertia) == bodies.WHEEL_INVERSE_INERTIA
    assert tuple(hull.localCenter) == (bodies.HULL_CENTRE_X, bodies.HULL_CENTRE_Y)
    about_centre = hull.inertia - hull.mass * hull.localCenter.lengthSquared
    assert one / bodies.HULL_INVERSE_INERTIA == pytest.approx(about_centre, rel=1e-6)
