"""The expert as a policy, for tables."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from agent.worlds.base import Learner, Purpose
from agent.worlds.car_racing.make_vec_env import make_vec_env
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.teacher import MANNER, Teacher
from agent.worlds.car_racing.vec_env import CarRacingVecEnv

EXPERT = "expert"


class ExpertPolicy:
    """Drives as the teacher does, from the state of the cars and not from pictures.

    :param vec_env: the cars that it drives, with a teacher
    """

    def __init__(self, vec_env: CarRacingVecEnv) -> None:
        self.vec_env = vec_env

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], Any]:
        """Actions for all cars, as SB3's ``predict`` gives them.

        :param observation: ignored
        :param state: ignored
        :param episode_start: ignored
        :param deterministic: ignored
        """
        assert self.vec_env.teacher
        commands = self.vec_env.teacher.commands(self.vec_env.backend.cars)
        return self.vec_env.actions.of_commands(commands), None


def expert_policy(
    options: CarRacingOptions, n: int, seed: int
) -> tuple[ExpertPolicy, CarRacingVecEnv]:
    """The expert and cars for it to drive, which are to be closed.

    :param options: of the world
    :param n: cars
    :param seed: of their episodes
    """
    vec_env = make_vec_env(options, n, Purpose.JUDGE, seed, Learner())
    assert isinstance(vec_env, CarRacingVecEnv)
    vec_env.teacher = Teacher(n, MANNER, options.steer_limit)
    return ExpertPolicy(vec_env), vec_env
