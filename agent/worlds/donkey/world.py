"""The DonkeyCar world behind the interface of ``worlds.base``; importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.config.algorithms import OffPolicy
from agent.config.errors import UserError
from agent.worlds.base import Episode, Learner, Purpose, split_task, task_of
from agent.worlds.donkey import own_tracks
from agent.worlds.donkey.connection import DonkeyConnection, open_remote_worlds
from agent.worlds.donkey.measures import MEASURES, measure_episode, verdict
from agent.worlds.donkey.old_records import modern_params
from agent.worlds.donkey.options import DonkeyOptions, addresses
from agent.worlds.donkey.tasks import IDS, OUR_OWN, SCENE_OF_ENV

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor
    from stable_baselines3.common.vec_env import VecEnv

    from agent.config.trial import TrialConfig
    from agent.worlds.capabilities import (
        AssignEnvs,
        Curriculum,
        Demonstrations,
        Expert,
        Sight,
        StartProcess,
    )
    from agent.worlds.comparisons import RaceOptions


class DonkeyWorld:
    """DonkeyCar: embedded, or in simulators on TCP ports."""

    name = "donkey"
    requires = ""
    extra = ""
    n_actions = 2  # steering, throttle
    default_task = "donkey-generated-track-v0"
    Options = DonkeyOptions
    measures = MEASURES

    def tasks(self) -> Sequence[str]:
        """Environment ids, upstream's and our own."""
        return tuple(SCENE_OF_ENV)

    def check(self, config: TrialConfig) -> None:
        """Refuse options that need embedded environments in one batch where they are not.

        :raises UserError: such options
        """
        options = _options(config)
        ports = addresses(config.trial.env)
        if options.appearance != "plain" and ports:
            raise UserError(
                f"appearance {options.appearance!r} changes embedded worlds only;"
                f" drop it or {ports[0]}",
                "appearance",
            )
        if options.narrow_crossing_share and not config.imitates:
            raise UserError(
                f"narrow_crossing_share {options.narrow_crossing_share} is for imitation;"
                " give --imitation-share 0.35",
                "narrow_crossing_share",
            )
        for name, value in (
            ("imitation_share", config.imitation and config.imitation.imitation_share),
            ("road_replay", options.road_replay),
        ):
            slow = [*ports, *options.reward_term]
            if options.training_reward == "efficiency":
                slow.append("reward efficiency")
            if value and slow:
                raise UserError(
                    f"{name} {value} is for embedded worlds in one batch; drop it or {slow[0]}",
                    name,
                )

    def check_ready(self, config: TrialConfig) -> None:
        """Refuse a client that is missing, and recorded drives that do not fit.

        :raises UserError: any of it
        """
        from agent.worlds.donkey.remote.upstream_version import check_client

        options = _options(config)
        check_client(options, addresses(config.trial.env))
        if isinstance(config.algorithm, OffPolicy) and config.algorithm.demos:
            from agent.worlds.donkey.demonstrations import check_drive

            check_drive(Path(config.algorithm.demos), options)

    def make_vec(
        self,
        tasks: Sequence[str],
        options: DonkeyOptions,
        n: int,
        purpose: Purpose,
        seed: int,
        learner: Learner = Learner(),
    ) -> VecEnv:
        """Environments side by side; those on a port open a connection of their own.

        A compilation is announced.

        :param tasks: environment ids, with @[HOST:]PORT for a simulator there
        :param options: of this world
        :param n: how many
        :param purpose: training, choosing or judging
        :param seed: the trial's
        :param learner: facts about who learns in them
        """
        from agent.kernels.compilation import announce_compilation
        from agent.worlds.donkey.vec_env import make_vec_env

        announce_compilation()
        return make_vec_env(tasks, options, n, purpose, seed, learner)

    @contextmanager
    def connect(self, tasks: Sequence[str], options: DonkeyOptions) -> Iterator[DonkeyConnection]:
        """Open the simulators of the tasks, for all uses in turn; a compilation is announced.

        :raises UserError: a scene file with something wrong in it
        :raises SimulatorLost: a simulator that is not there, or drives another scene
        """
        from agent.kernels.compilation import announce_compilation
        from agent.worlds.donkey.make_env import check_scenes

        announce_compilation()
        check_scenes(split_task(task)[0] for task in tasks)
        with ExitStack() as stack:
            yield DonkeyConnection(open_remote_worlds(tasks, options, stack))

    def sight(self, vec_env: VecEnv) -> Sight:
        """See ``capabilities.HasCamera``."""
        from agent.worlds.donkey.live_sight import sight_of

        return sight_of(vec_env)

    def measure(self, infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See ``measures``."""
        return measure_episode(infos)

    def task_key(self, params: Mapping[str, Any]) -> Hashable:
        """Scores compare on the same tracks, in episodes that end alike."""
        envs = params.get("env") or []
        tracks = tuple(task_of(str(env)) for env in ([envs] if isinstance(envs, str) else envs))
        return tracks, params.get("max_episode_steps"), params.get("max_cte")

    def location(self, tasks: Sequence[str]) -> str:
        """``embedded``, or ``tcp:`` and the addresses."""
        ports = addresses(tasks)
        return f"tcp:{','.join(ports)}" if ports else "embedded"

    def modern_params(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters of an old record; see ``old_records``."""
        return modern_params(params)

    def expert(self, vec_env: VecEnv) -> Expert:
        """The teacher of embedded environments that were made for a labelled learner."""
        from agent.worlds.donkey.vec_env import expert_of

        return expert_of(vec_env)

    def curriculum(self, vec_env: VecEnv) -> Curriculum | None:
        """Level replay, or roads and speed that grow; None for neither."""
        from agent.worlds.donkey.vec_env import curriculum_of

        return curriculum_of(vec_env)

    def mirrored_actions(self, options: DonkeyOptions, discrete: bool) -> NDArray[Any]:
        """Steering changes its side, throttle does not."""
        if not discrete:
            return np.array([-1.0, 1.0])
        numbers = np.arange(options.n_steer * options.n_throttle)
        steering, throttle = np.divmod(numbers, options.n_throttle)
        mirrored: NDArray[np.int64] = (
            options.n_steer - 1 - steering
        ) * options.n_throttle + throttle
        return mirrored

    def demonstrations(self, path: Path, config: TrialConfig) -> Demonstrations:
        """The recorded drive, paid by the trial's reward."""
        from agent.worlds.donkey.recorded_transitions import recorded_transitions

        return recorded_transitions(path, config)

    reference_title = "reference lap"
    reference_key = "reference_lap_sec"

    def short_names(self) -> Mapping[str, Sequence[str]]:
        """Scenes, ``named`` (all of the simulator's) and ``all`` (the random one too)."""
        scenes = {scene: [env_id] for env_id, scene in SCENE_OF_ENV.items()}
        named = [env_id for env_id, scene in SCENE_OF_ENV.items() if scene != OUR_OWN]
        return {**scenes, "named": named, "all": list(SCENE_OF_ENV)}

    def own_task(self, name: str) -> str | None:
        """Scene files of the user's, and tracks mirrored or reversed; see ``own_tracks``."""
        return own_tracks.full_name(name, IDS)

    def check_own_task(self, name: str) -> None:
        """Refuse a scene file that is gone, changed or none.

        :param name: in full
        :raises UserError: such a file
        """
        own_tracks.check_file(name)

    def verdict(self, episodes: Sequence[Episode]) -> str:
        """See ``measures.verdict``."""
        return verdict(episodes)

    @contextmanager
    def scripted_policies(
        self, task: str, config: TrialConfig, n: int
    ) -> Iterator[Mapping[str, tuple[PolicyPredictor, VecEnv]]]:
        """The line follower, in environments of its own until the context ends.

        :param task: an environment id without an address
        :param config: of the trained policy
        :param n: environments
        """
        from agent.worlds.donkey.judging import baselines

        options = baselines.scripted_options(_options(config))
        vec_env = self.make_vec([task], options, n, Purpose.JUDGE, config.trial.seed)
        try:
            policy = baselines.ScriptedPolicy(vec_env.get_attr("unwrapped"))
            yield {baselines.FOLLOWER: (policy, vec_env)}
        finally:
            vec_env.close()

    def reference(self, task: str, config: TrialConfig) -> tuple[str, float] | None:
        """The reference lap."""
        from agent.worlds.donkey.judging.baselines import reference_lap

        options = _options(config)
        seconds = reference_lap(task, options.max_cte, options.throttle_max)
        return None if seconds is None else ("best_lap_sec", seconds)

    def check_races(self, tasks: Sequence[str]) -> None:
        """Races and films are of embedded tracks.

        :raises UserError: a task with an address
        """
        if remote := [task for task in tasks if "@" in task]:
            raise UserError(f"races and films are of embedded tracks; drop the port of {remote[0]}")

    def race(
        self,
        policies: Mapping[str, PolicyPredictor],
        task: str,
        config: TrialConfig,
        rounds: int,
        options: RaceOptions,
    ) -> dict[str, Any]:
        """Race on an embedded track, print the table, and return what the ledger keeps.

        :param policies: who races, by name, the trained one first
        :param task: an environment id without an address
        :param config: the configuration that trained the first
        :param rounds: laps
        :param options: of the comparison
        """
        from agent.worlds.donkey.judging.comparison import race_policies

        own = (_options(config), config.learner.discrete)
        return race_policies(policies, task, own, rounds, options)

    def film(
        self, policy: PolicyPredictor, task: str, config: TrialConfig, seed: int, folder: Path
    ) -> None:
        """Film a first lap and print the files' names.

        :param policy: a trained model
        :param task: an environment id without an address
        :param config: the configuration that trained it
        :param seed: of the environment
        :param folder: for the files
        """
        from agent.worlds.donkey.judging.comparison import film_lap
        from agent.worlds.film_files import show_files

        own = (_options(config), config.learner.discrete)
        show_files(film_lap(policy, task, own, seed, folder))

    def check_servers(self, where: str, tasks: Sequence[str], workers: int) -> None:
        """Refuse a ``--sim`` that cannot be followed.

        :param where: ``embedded``, ``spawn`` or addresses
        :param tasks: of every trial
        :param workers: trials side by side
        :raises UserError: it cannot
        """
        from agent.worlds.donkey.servers import check_sim

        check_sim(where, list(tasks), workers)

    def serve(
        self, where: str, tasks: Sequence[str], workers: int, folder: Path, start: StartProcess
    ) -> AbstractContextManager[AssignEnvs]:
        """Headless simulators in lockstep, or those that run already; see ``servers``.

        :param where: ``embedded``, ``spawn`` or addresses
        :param tasks: of every trial
        :param workers: trials side by side
        :param folder: of the servers' logs
        :param start: starts a server's process
        """
        from agent.worlds.donkey.servers import simulators

        return simulators(where, list(tasks), workers, folder, start)


def _options(config: TrialConfig) -> DonkeyOptions:
    assert isinstance(config.world, DonkeyOptions)
    return config.world


WORLD = DonkeyWorld()
