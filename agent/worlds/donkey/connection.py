"""Simulators on ports that are open, for all uses of a trial in turn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from agent.worlds.base import Learner, Purpose, split_task
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


def open_remote_worlds(
    tasks: Sequence[str], options: DonkeyOptions, stack: ExitStack
) -> list[AnyWorld | None]:
    """A world for each task on a port, None for an embedded one.

    :param tasks: environment ids with addresses
    :param options: of the world
    :param stack: closes the connections when it closes
    :raises SimulatorLost: a simulator that is not there, or drives another scene
    """
    from agent.worlds.donkey.make_env import open_shared_world
    from agent.worlds.donkey.remote.remote_world import RemoteWorld

    worlds: list[AnyWorld | None] = []
    for task in tasks:
        env_id, address = split_task(task)
        world: AnyWorld | None = None
        if address:
            world = open_shared_world(env_id, **port_options(options, address))
        if isinstance(world, RemoteWorld):
            stack.callback(world.close)
        worlds.append(world)
    return worlds


def port_options(options: DonkeyOptions, address: tuple[str, int] | None) -> dict[str, Any]:
    """Options of an environment on a port; none of an embedded one."""
    if address is None:
        return {}
    host, port = address
    return {"host": host, "port": port, "client": options.client, "reconnect": options.reconnect}
