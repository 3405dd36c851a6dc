"""CarRacing-v3 behind the interface of ``worlds.base``; importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent import PRODUCT
from agent.config.errors import UserError
from agent.worlds.base import Episode, Learner, Purpose
from agent.worlds.car_racing.measures import MEASURES, measure_episode, verdict
from agent.worlds.car_racing.options import CarRacingOptions

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor
    from stable_baselines3.common.vec_env import VecEnv

    from agent.config.trial import TrialConfig
    from agent.worlds.capabilities import Expert, Sight


NEEDED = ("Box2D", "pygame")  # by Gymnasium's cars
NO_WHOLE_CELLS = (84, "crop")  # values of options that leave 84 columns or rows


class CarRacingWorld:
    """CarRacing-v3 of Gymnasium: our own, exact and fast, or the installed one."""

    name = "car_racing"
    requires = ""
    extra = "box2d"
    n_actions = 2
    default_task = "CarRacing-v3"
    Options = CarRacingOptions
    measures = MEASURES

    def tasks(self) -> Sequence[str]:
        """The one task."""
        return (self.default_task,)

    def check(self, config: TrialConfig) -> None:
        """Refuse options that do not go together.

        :raises UserError: such options
        """
        options = _options(config)
        if config.algorithm.conv_layers < 3:
            for name, whole in (("frame_size", 96), ("bar", "read")):
                value = vars(options)[name]
                if value in NO_WHOLE_CELLS:
                    raise UserError(
                        f"{name} {value} leaves 84 pixels, which do not fill the cells of 8x8 that"
                        f" conv_layers {config.algorithm.conv_layers} see; give --conv-layers 3 or"
                        f" --{name.replace('_', '-')} {whole}",
                        name,
                        "conv_layers",
                    )
        if options.bar == "keep" and "flip" in config.trial.augment:
            raise UserError(
                "augment 'flip' mirrors pictures, and bar 'keep' has a left and a right;"
                " give --bar read or --bar crop",
                "augment",
                "bar",
            )

    def check_ready(self, config: TrialConfig) -> None:
        """Refuse Gymnasium's cars where they are not installed.

        :raises UserError: they are asked for
        """
        if _options(config).backend != "gymnasium":
            return
        for module in NEEDED:
            if find_spec(module) is None:
                raise UserError(
                    f"CarRacing-v3 of Gymnasium needs {module}, which is not installed;"
                    f" install it with: pip install '{PRODUCT}[{self.extra}]'"
                )

    def make_vec(
        self,
        tasks: Sequence[str],
        options: CarRacingOptions,
        n: int,
        purpose: Purpose,
        seed: int,
        learner: Learner = Learner(),
    ) -> VecEnv:
        """Cars side by side; see ``World.make_vec``.

        :param tasks: the one
        :param options: of this world
        :param n: how many
        :param purpose: training, choosing or judging
        :param seed: the trial's
        :param learner: facts about who learns in them
        """
        from agent.kernels.compilation import announce_compilation
        from agent.worlds.car_racing.make_vec_env import make_vec_env

        announce_compilation()
        return make_vec_env(options, n, purpose, seed, learner)

    def sight(self, vec_env: VecEnv) -> Sight:
        """See ``capabilities.HasCamera``."""
        from agent.worlds.car_racing.vec_env import CarRacingVecEnv

        inner = vec_env.unwrapped
        assert isinstance(inner, CarRacingVecEnv)
        return inner.sight()

    def measure(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See ``measures``."""
        return measure_episode(infos)

    def task_key(self, params: Mapping[str, Any]) -> Hashable:
        """All scores compare: there is one task, and one way to pay for it."""
        return self.default_task

    def location(self, tasks: Sequence[str]) -> str:
        """Always in the process of the trial."""
        return "embedded"

    def expert(self, vec_env: VecEnv) -> Expert:
        """The teacher of cars that were made for a labelled learner."""
        from agent.worlds.car_racing.vec_env import CarRacingVecEnv

        inner = vec_env.unwrapped
        assert isinstance(inner, CarRacingVecEnv)
        assert inner.teacher, "made for a labelled learner"
        return inner

    def mirrored_actions(self, options: CarRacingOptions, discrete: bool) -> NDArray[Any]:
        """Steering changes its side, pedals do not; see ``check`` for what cannot be mirrored."""
        from agent.worlds.car_racing.actions import MIRRORED_FIVE, Actions

        if discrete:
            return MIRRORED_FIVE
        return np.array(Actions(options.actions, options.steer_limit).mirror_signs)

    def verdict(self, episodes: Sequence[Episode]) -> str:
        """See ``measures.verdict``."""
        return verdict(episodes)

    reference_title = "reference"
    reference_key = "reference_reward"

    @contextmanager
    def scripted_policies(
        self, task: str, config: TrialConfig, n: int
    ) -> Iterator[Mapping[str, tuple[PolicyPredictor, VecEnv]]]:
        """The expert, who knows the track, in cars of its own until the context ends.

        :param task: the one
        :param config: of the trained policy
        :param n: cars
        """
        from agent.worlds.car_racing.scripted import EXPERT, expert_policy

        policy, vec_env = expert_policy(_options(config), n, config.trial.seed)
        try:
            yield {EXPERT: (policy, vec_env)}
        finally:
            vec_env.close()

    def reference(self, task: str, config: TrialConfig) -> tuple[str, float] | None:
        """None: the best that is possible depends on the track."""
        return None

    def film(
        self, policy: PolicyPredictor, task: str, config: TrialConfig, seed: int, folder: Path
    ) -> None:
        """Film an episode and print the files' names.

        :param policy: a trained model
        :param task: the one, which names the files
        :param config: the configuration that trained it
        :param seed: of the episode
        :param folder: for the files
        """
        from agent.worlds.car_racing.film import film_episode
        from agent.worlds.film_files import show_files

        stem = folder / task
        show_files(film_episode(policy, _options(config), config.learner, seed, stem))


def _options(config: TrialConfig) -> CarRacingOptions:
    assert isinstance(config.world, CarRacingOptions)
    return config.world


WORLD = CarRacingWorld()
