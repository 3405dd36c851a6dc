"""The curriculum: gentle roads and little throttle first, all of both in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnv

from agent.config.trial import TrialConfig, UserError
from agent.training.vec_envs import make_training_worlds
from agent.worlds.donkey.growing import SLOWEST
from agent.worlds.donkey.road_choice import GENTLEST, SAMPLE, sharpness

RANDOM, SCENE = "donkey-random-track-v0", "random_track"


def worlds(tiny: Callable[..., TrialConfig], **settings: Any) -> VecEnv:
    return make_training_worlds(
        tiny(env=[RANDOM], n_envs=2, timesteps=1000, growing=0.5, **settings), gamma=0.9
    )


def drawn(grown: VecEnv, times: int) -> list[float]:
    """How sharp the roads of so many new episodes are."""
    rng, draw = np.random.default_rng(0), cast(Any, grown).cars[0].choose_road
    return [sharpness(SCENE, draw(rng)) for _ in range(times)]


def test_roads_are_gentle_at_first_and_any_in_the_end(tiny: Callable[..., TrialConfig]) -> None:
    grown = worlds(tiny, roads=40)
    every = [sharpness(SCENE, road) for road in range(SAMPLE)]
    sharpest = [max(drawn(grown, 30))]
    for steps in (250, 500):
        cast(Any, grown).grown_to(steps)
        sharpest.append(max(drawn(grown, 30)))
    assert sharpest[0] <= np.quantile(every, GENTLEST)
    assert sharpest[0] < sharpest[1] < sharpest[2]
    assert sharpest[2] > np.quantile(every, 0.8)
    grown.close()


@pytest.mark.parametrize("reward", ["sim", "efficiency"])  # the second is not stepped in a batch
def test_the_throttle_grows_with_the_steps_of_training(
    tiny: Callable[..., TrialConfig], reward: str
) -> None:
    grown = worlds(tiny, roads=4, reward=reward, throttle_min=0.1, throttle_max=0.5, max_cte=100.0)
    cars: Any = grown.get_attr("unwrapped")
    assert cars[0].throttle_cap == pytest.approx(0.1 + 0.4 * SLOWEST)
    grown.reset()
    speeds = []
    for _ in range(250):
        grown.step(np.tile([0.0, 1.0], (2, 1)).astype(np.float32))
        speeds.append(cars[0].world.telemetry().speed)
    assert cars[0].throttle_cap == pytest.approx(0.5)
    free = make_training_worlds(
        tiny(env=[RANDOM], n_envs=2, roads=4, reward=reward, throttle_max=0.5), gamma=0.9
    )
    free.reset()
    for _ in range(15):
        free.step(np.tile([0.0, 1.0], (2, 1)).astype(np.float32))
    assert 0.0 < speeds[14] < 0.7 * cast(Any, free.get_attr("unwrapped"))[0].world.telemetry().speed
    for each in (grown, free):
        each.close()


def test_two_who_choose_roads_are_refused(tiny: Callable[..., TrialConfig]) -> None:
    with pytest.raises(UserError, match="both choose roads; set one to 0"):
        tiny(growing=0.5, roads=8, road_replay=0.5)
