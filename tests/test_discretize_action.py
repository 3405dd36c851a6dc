"""DiscretizedActionWrapper against the specification's TC-001."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import agent.worlds.donkey.registration  # noqa: F401 - registers the ids
from agent.worlds.donkey.actions import DiscretizedActionWrapper


@pytest.fixture
def env() -> gymnasium.Env:
    return gymnasium.make("donkey-generated-track-v0")


def test_decode_action(env: gymnasium.Env) -> None:
    wrapped = DiscretizedActionWrapper(env, n_steer=5, n_throttle=3)
    assert wrapped.action(7) == pytest.approx([0.0, 0.5])


def test_every_action_is_distinct_and_inside_the_box(env: gymnasium.Env) -> None:
    wrapped = DiscretizedActionWrapper(env, 7, 3)
    assert wrapped.action_space == spaces.Discrete(21)
    commands = [tuple(wrapped.action(k)) for k in range(21)]
    assert len(set(commands)) == 21
    assert all(env.action_space.contains(np.array(c, dtype=np.float32)) for c in commands)


def test_the_limits_of_the_environment_are_the_outer_bins() -> None:
    env = gymnasium.make(
        "donkey-generated-track-v0",
        conf={"steer_limit": 0.5, "throttle_min": 0.2, "throttle_max": 0.4},
    )
    wrapped = DiscretizedActionWrapper(env, 3, 2)
    assert wrapped.action(0) == pytest.approx([-0.5, 0.2])
    assert wrapped.action(5) == pytest.approx([0.5, 0.4])


def test_one_bin_is_refused(env: gymnasium.Env) -> None:
    with pytest.raises(ValueError, match="n_steer 1 and n_throttle 3 must both be at least 2"):
        DiscretizedActionWrapper(env, 1, 3)
