from __future__ import annotations

import numpy as np
import pytest

from agent.worlds.base import Purpose
from agent.worlds.capabilities import HasCamera
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.world import WORLD


@pytest.mark.parametrize("backend", ["own", "gymnasium"])
def test_one_looks_over_the_first_driver_s_shoulder(backend: str) -> None:
    if backend == "gymnasium":
        pytest.importorskip("Box2D", reason="Box2D is not installed: the extra named box2d")
    assert isinstance(WORLD, HasCamera)
    options = CarRacingOptions(backend=backend)
    vec_env = WORLD.make_vec(["CarRacing-v3"], options, 2, Purpose.TRAIN, 0)
    try:
        vec_env.reset()
        before = WORLD.sight(vec_env)
        assert before.picture.shape == (96, 96, 3)
        assert before.gauges["speed units/s"] == pytest.approx(0.0, abs=1e-3)
        actions = np.array([[0.5, 1.0], [0.0, 0.0]], dtype=np.float32)
        for _ in range(10):
            vec_env.step(actions)
        after = WORLD.sight(vec_env)
        assert after.gauges["speed units/s"] > 1.0
        assert after.gauges["throttle"] > 0.0 > before.gauges["throttle"] - 1.0
        assert (after.picture != before.picture).any()
        again = WORLD.sight(vec_env)
        assert (again.picture == after.picture).all()
        vec_env.step(actions)
        assert (WORLD.sight(vec_env).picture != again.picture).any()
    finally:
        vec_env.close()
