"""Actions of learners become Gymnasium's commands, and commands become actions."""

from __future__ import annotations

import numpy as np
import pytest

from agent.worlds.car_racing.actions import FIVE, MIRRORED_FIVE, Actions


def test_two_actions_never_press_both_pedals() -> None:
    two = Actions("two", 0.42)
    commands = two.commands(np.array([[1.0, 0.5], [-0.5, -0.25], [3.0, -3.0]], dtype=np.float32))
    np.testing.assert_allclose(
        commands, [[0.42, 0.5, 0.0], [-0.21, 0.0, 0.25], [0.42, 0.0, 1.0]], rtol=1e-6
    )


def test_three_actions_press_pedals_from_none_to_all() -> None:
    three = Actions("three", 1.0)
    commands = three.commands(np.array([[-1.0, -1.0, 1.0]], dtype=np.float32))
    np.testing.assert_array_equal(commands, [[-1.0, 0.0, 1.0]])


def test_a_car_that_hardly_moves_creeps() -> None:
    commands = np.array([[0.2, 0.0, 0.5], [0.2, 0.3, 0.0], [0.2, 0.0, 0.5]])
    speeds = np.array([0.0, 2.9, 3.0])
    crept = Actions("two", 1.0, creep=0.1).with_creep(commands, speeds)
    np.testing.assert_array_equal(crept, [[0.2, 0.1, 0.0], [0.2, 0.3, 0.0], [0.2, 0.0, 0.5]])
    np.testing.assert_array_equal(Actions("two", 1.0).with_creep(commands, speeds), commands)


@pytest.mark.parametrize("kind", ["two", "three"])
def test_commands_come_back_as_actions(kind: str) -> None:
    actions = Actions(kind, 0.4)
    rng = np.random.default_rng(0)
    commands = np.column_stack([rng.uniform(-0.4, 0.4, 20), rng.random(20), np.zeros(20)])
    np.testing.assert_allclose(actions.commands(actions.of_commands(commands)), commands, atol=1e-6)


def test_the_five_are_gymnasiums_to_the_bit() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    pytest.importorskip("Box2D")
    discrete = gymnasium.make("CarRacing-v3", continuous=False, disable_env_checker=True)
    continuous = gymnasium.make("CarRacing-v3", disable_env_checker=True)
    try:
        for env in (discrete, continuous):
            env.reset(seed=3)
        five = Actions("five", 1.0)
        for action in (3, 3, 1, 2, 2, 4, 0, 3):
            discrete.step(action)
            continuous.step(five.commands(np.array([action]))[0])
        one, other = (each.unwrapped.car.hull for each in (discrete, continuous))
        assert tuple(one.position) == tuple(other.position)
        assert one.angle == other.angle
    finally:
        discrete.close()
        continuous.close()


def test_the_mirrored_five_steer_to_the_other_side() -> None:
    mirrored = FIVE[MIRRORED_FIVE]
    np.testing.assert_array_equal(mirrored, FIVE * [-1.0, 1.0, 1.0])
