"""Simulators on ports that are open, for all uses of a trial in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.worlds.base import Learner, Purpose
from agent.worlds.donkey.options import DonkeyOptions

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

    from agent.worlds.donkey.env_options import AnyWorld


class DonkeyConnection:
    """Worlds in simulators that are open, driven in turn."""

    def __init__(self, worlds: Sequence[AnyWorld | None]) -> None:
        self.worlds = worlds
        self.takes_turns = any(worlds)

    def make_vec(
        self,
        tasks: Sequence[str],
        options: DonkeyOptions,
        n: int,
        purpose: Purpose,
        seed: int,
        learner: Learner = Learner(),
    ) -> VecEnv:
        """Environments side by side, in the simulators that are open.

        :param tasks: environment ids, with @[HOST:]PORT for a simulator there
        :param options: of this world
        :param n: how many
        :param purpose: training, choosing or judging
        :param seed: the trial's
        :param learner: facts about who learns in them
        """
        from agent.worlds.donkey.vec_env import make_vec_env

        return make_vec_env(tasks, options, n, purpose, seed, learner, self.worlds)
